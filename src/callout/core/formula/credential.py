"""What `$Credential` stands for: the parameters and secrets of one principal, its token, and the short fields."""

from __future__ import annotations

import base64

from callout.core.errors import Refused
from callout.core.formula.scope import ISSUED_TOKEN, SHORT_FIELDS
from callout.core.formula.values import UnfitError
from callout.core.protocol import AuthenticationProtocol, Token, Values
from callout.core.secret import Secret, reveal

_USERNAME, _PASSWORD, _CLIENT_ID = "username", "password", "client_id"


def look_up(
    values: Values,
    token: Token | None,
    protocol: type[AuthenticationProtocol],
    own: str,
    external_credential: str,
    name: str,
) -> str | Secret:
    """Return what `$Credential.EC.Name` stands for. A formula reads its own external credential only.

    Raises `Refused(formula_failed)` for another credential and for a name without a value. The names that are known
    are told, their values are not.
    """
    if external_credential != own:
        detail = f"got $Credential.{external_credential}.{name}; expected a name of $Credential.{own}"
        raise Refused("formula_failed", detail)
    if name in ISSUED_TOKEN and protocol.obtains:
        return _issued(token)
    if name in values.secrets:
        return values.secrets[name]
    if name in values.parameters:
        return values.parameters[name]
    known = ", ".join(sorted((*values.secrets, *values.parameters))) or "none"
    raise Refused("formula_failed", f"got $Credential.{own}.{name}, which has no value; known names: {known}")


def private_key_of(values: Values, protocol: type[AuthenticationProtocol], certificate: str) -> Secret:
    """Return the private key of a certificate that a parameter for certificates names; raises `UnfitError` for any other.

    A parameter of another kind that happens to hold the name of one gives nobody its key.
    """
    naming = {parameter.name for parameter in protocol.parameters if parameter.key_pair}
    pairs = [pair for name, pair in values.key_pairs.items() if name in naming]
    for pair in pairs:
        if pair.name == certificate:
            return pair.private_key
    known = ", ".join(sorted(repr(pair.name) for pair in pairs)) or "none is named there"
    raise UnfitError(
        f"certificate {certificate!r}", f"one that signing_certificate of the external credential names: {known}"
    )


def short_fields_of(protocol: type[AuthenticationProtocol]) -> frozenset[str]:
    """Return the short fields that have a meaning with this protocol."""
    fields = {"AuthorizationMethod", "AuthorizationHeaderValue"}
    declared = {parameter.name for parameter in protocol.parameters}
    if {_USERNAME, _PASSWORD} <= declared:
        fields |= {"Username", "Password"}
    if protocol.obtains:
        fields.add("OAuthToken")
    if _CLIENT_ID in declared:
        fields.add("OAuthConsumerKey")
    return frozenset(fields)


def short_field(
    field: str, protocol: type[AuthenticationProtocol], values: Values, token: Token | None
) -> str | Secret:
    """Return a short field; raises `Refused(formula_failed)` for one that has no meaning with this protocol."""
    fields = short_fields_of(protocol)
    if field not in fields:
        known = ", ".join(each for each in SHORT_FIELDS if each in fields)
        detail = f"got $Credential.{field}; expected a field that protocol {protocol.name} has: {known}"
        raise Refused("formula_failed", detail)
    basic = "Username" in fields
    match field:
        case "Username":
            return values.secret(_USERNAME)
        case "Password":
            return values.secret(_PASSWORD)
        case "OAuthToken":
            return _issued(token)
        case "OAuthConsumerKey":
            return values.secret(_CLIENT_ID)
        case "AuthorizationMethod":
            return "Basic" if basic else "Bearer" if protocol.obtains else ""
        case _:  # AuthorizationHeaderValue
            pass
    if basic:
        pair = f"{reveal(values.secret(_USERNAME))}:{reveal(values.secret(_PASSWORD))}"
        return Secret(base64.b64encode(pair.encode("utf-8", "surrogatepass")).decode())
    return _issued(token) if protocol.obtains else ""


def _issued(token: Token | None) -> Secret:
    """Return the access token. A dry run may hold none; what it shows of one is `…` in any case."""
    return token.access_token if token is not None else Secret("")
