"""Who calls the setup API: a key in `Callout-Key` or `Authorization`, looked up as the gateway looks it up."""

from __future__ import annotations

from starlette.requests import Request

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.model.people import Caller
from callout.engine.callers import identify, key_in_authorization
from callout.engine.setup import Setup

_REMEDY = Remedy("Send a valid key in the Callout-Key header; an admin makes one with", "callout key create USER")


async def caller_of(request: Request, setup: Setup) -> Caller:
    """Return the caller. Raises `Refused(caller_unknown)` where there is no key, or one that is not accepted."""
    text = request.headers.get("callout-key")
    key = text.strip().encode("latin-1") if text is not None else None
    authorization = request.headers.get("authorization")
    if key is None and authorization is not None:
        key = key_in_authorization(authorization.encode("latin-1"))
    if key is None:
        raise Refused("caller_unknown", "got no key; expected Callout-Key: co_… or Authorization: Bearer co_…", _REMEDY)
    identified = identify(await setup.org(), setup.now(), key=key, local_keys={})
    if identified.caller is None:
        raise Refused("caller_unknown", str(identified.refusal), _REMEDY)
    return identified.caller
