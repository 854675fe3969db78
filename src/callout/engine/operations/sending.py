"""The operation that makes a callout for one who looks at it: as themselves, or as a user they may act for.

Whether they may is judged by the stages that every callout goes through, by the same grants.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Annotated

import msgspec

from callout.core.errors import Refused
from callout.core.model.people import Caller
from callout.engine.operations.callouts import code_alone, is_told_all, own_user
from callout.engine.operations.operation import Access, Operation, Uses
from callout.engine.operations.problems import OperationRefused
from callout.engine.operations.requests import Request
from callout.engine.sending import Outgoing, shown_exchange
from callout.engine.setup import Result

#: Longest that one may have the answer waited for, in seconds.
LONGEST = 120


class Sending(Request):
    """A callout to make. `body` is text; `body_base64` is for any other bytes. `headers` are pairs of name and value.

    `on_behalf_of` is a user whom one may act for; `timeout` is in seconds.
    """

    name: str
    method: str = "GET"
    path: str = ""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    body_base64: str | None = None
    principal: str | None = None
    on_behalf_of: str | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0, le=LONGEST)] | None = None


async def send(uses: Uses, q: Sending, caller: Caller) -> Result:
    """Make a callout; return its answer, the picture of what left, and the explanation."""
    org = await uses.setup.org()
    user = own_user(org, caller)
    if user is None:
        raise OperationRefused("administrator_required", "got no administrator, as whom the admin of a home calls")
    sender = Caller(user, caller.namespace, caller.proof, key=caller.key)
    outgoing = Outgoing(
        q.name,
        q.method,
        _target(q),
        q.headers,
        _body(q),
        q.principal or None,
        None if q.on_behalf_of in ("", user) else q.on_behalf_of,
        q.timeout,
    )
    answered, witnessed = await uses.send(outgoing, sender)
    shown = shown_exchange(outgoing, answered, witnessed)
    record = await uses.explain(str(shown["callout_id"])) or {}
    told = {name: record.get(name) for name in _TOLD}
    result = {
        **shown,
        **told,
        "remedy": record.get("remedy", []),
        "remedy_commands": record.get("remedy_commands", []),
        "allowed": shown["callout_error"] is None,
        "steps": record.get("steps", []),
        "caller": {"user": user, "namespace": caller.namespace},
        "on_behalf_of": outgoing.on_behalf_of,
        "named_credential": q.name,
    }
    return result if is_told_all(uses, org, caller) else {**code_alone(result), "received": None}


#: What the record of the callout says beside its answer.
_TOLD = (
    *("at", "external_credential", "principal", "duration_ms"),
    *("reason", "blame", "title", "detail"),
)


def _target(q: Sending) -> str:
    path = q.path if q.path[:1] in ("", "/", "?") else f"/{q.path}"
    query = q.query.removeprefix("?")
    if query and "?" in path:
        raise Refused("malformed_request", f"got query {query!r} and one in the path, too; expected it in one place")
    return f"{path}?{query}" if query else path


def _body(q: Sending) -> bytes | None:
    if q.body_base64 is None:
        return None if q.body is None else q.body.encode()
    if q.body is not None:
        raise Refused("malformed_request", "got body and body_base64; expected one of them")
    try:
        return b64decode(q.body_base64, validate=True)
    except binascii.Error as error:
        raise Refused("malformed_request", f"got body_base64 that is none ({error}); expected base64") from None


SENDING: tuple[Operation, ...] = (
    Operation(
        "callout.send",
        "POST",
        "/callouts",
        Sending,
        "Make a callout, and show what left, what was answered and every rung; secrets as …",
        send,
        Access.KNOWN,
    ),
)
