"""Commands on refresh rules: which answers of an external system mean stale credentials."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from callout.entrypoints.cli.output import message
from callout.entrypoints.cli.where import HERE, Given, Where

_Texts = list[str] | None


def register(external: App) -> None:
    """Add these commands to those on external credentials."""
    external.command(add_refresh_rule, name="add-refresh-rule")
    external.command(remove_refresh_rule, name="remove-refresh-rule")
    external.command(set_refresh_debounce, name="set-refresh-debounce")


async def add_refresh_rule(
    name: str,
    /,
    *,
    status: Annotated[list[int], Parameter(negative=())],
    header: str = "",
    contains: Annotated[_Texts, Parameter(negative=())] = None,
    matches: Annotated[_Texts, Parameter(negative=())] = None,
    json_pointer: str = "",
    equals: Annotated[_Texts, Parameter(negative=())] = None,
    soap_fault_code: Annotated[_Texts, Parameter(negative=())] = None,
    text: Annotated[_Texts, Parameter(negative=())] = None,
    content_type: Annotated[_Texts, Parameter(negative=())] = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make answers with a status and a sign in header or body a sign of stale credentials. Options may be repeated.

    Example: `callout external-credential add-refresh-rule Orders --status 500 --soap-fault-code INVALID_SESSION_ID`

    Parameters
    ----------
    name:
        Name of the external credential.
    status:
        A status that the rule is about: any from 200, where there is a sign as well.
    header:
        Name of the header that has the sign.
    contains:
        Text in the header's value, in any case.
    matches:
        Pattern that the header's value is like; * is any text.
    json_pointer:
        Where in a JSON body the value is (RFC 6901); * stands for every element of an array.
    equals:
        Value there that means stale credentials.
    soap_fault_code:
        Code or subcode of a SOAP fault, without its prefix.
    text:
        Text in the body.
    content_type:
        Media type that the body is judged in; left out: JSON, XML or text, as the sign needs.
    """
    request = {
        "name": name,
        "statuses": status,
        "header": header,
        "contains": contains or [],
        "matches": matches or [],
        "json_pointer": json_pointer,
        "equals": equals or [],
        "soap_fault_code": soap_fault_code or [],
        "text": text or [],
        "content_types": content_type or [],
    }
    return await session.show(where, "external_credential.add_refresh_rule", request, message)


async def remove_refresh_rule(name: str, number: int, /, *, where: Where = HERE, session: Given) -> int:
    """Take a refresh rule off, by the number that `external-credential show` has for it.

    Example: `callout external-credential remove-refresh-rule Orders 1`
    """
    request = {"name": name, "number": number}
    return await session.show(where, "external_credential.remove_refresh_rule", request, message)


async def set_refresh_debounce(name: str, seconds: int | None = None, /, *, where: Where = HERE, session: Given) -> int:
    """Set how many seconds refresh rules other than status 401 stay quiet after a refresh that did not help.

    Example: `callout external-credential set-refresh-debounce Orders 60`

    Parameters
    ----------
    name:
        Name of the external credential.
    seconds:
        The seconds; left out: as the server is set up.
    """
    request = {"name": name, "seconds": seconds}
    return await session.show(where, "external_credential.set_refresh_debounce", request, message)
