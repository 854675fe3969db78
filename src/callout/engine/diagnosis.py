"""The dry run of a callout: decides and shows the exact request that would leave; sends and obtains nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from callout.core.access.decide import decide
from callout.core.access.target import join
from callout.core.errors import CalloutError, Refused
from callout.core.explanation import Explanation
from callout.core.message import header_lines
from callout.core.model.people import Caller, CallerKey
from callout.core.protocol import Needs
from callout.core.reasons import Telling
from callout.engine.callout import STAGES, Callouts
from callout.engine.drafts import FOREVER, Draft
from callout.engine.evaluating import Asked
from callout.engine.explain import refusal_members, step_members
from callout.engine.requests import overriding, with_steps
from callout.engine.routes import Route

_METHOD = re.compile(r"[A-Z][A-Z0-9_-]{0,31}")


async def diagnose(
    callouts: Callouts,
    name: str,
    *,
    user: str,
    namespace: str | None = None,
    method: str = "GET",
    path: str = "",
    principal: str | None = None,
    on_behalf_of: str | None = None,
    key: CallerKey | None = None,
) -> dict[str, Any]:
    """Decide and show the exact request that would leave, secrets as `…`, without sending or obtaining anything.

    `key` is the one that is asked with, where it is limited: what it may not be used for is not shown to who holds it.
    """
    proof = "diagnose" if key is None else f"key {key.prefix}…"
    caller = Caller(user, namespace, proof=proof, on_behalf_of=on_behalf_of, key=key)
    now = callouts.clock.now()
    decision = decide(callouts.org.value, callouts.catalogue, caller, name, now=now, principal=principal)
    explanation, request = decision.explanation, None
    if decision.allowed:
        draft = Draft(callouts.compile(decision, None, Telling.FULL, FOREVER, now), dry=True)
        try:
            draft, target = _targeted(draft, method, path)
            explanation = draft.route.decision.explanation
            if draft.route.decision.allowed:
                for stage in STAGES:
                    draft = await stage(callouts, draft)
                header_lines(draft.request.headers)
                draft = draft.noting("replay", _worded_replay(draft.route, method))
                explanation = Explanation((*explanation.steps, *draft.explanation.steps))
                request = _shown_request(draft, method, target)
        except CalloutError as error:
            explanation = callouts.explained(draft.route, draft, error).explanation or explanation
    return {
        **_outcome(explanation),
        "caller": {"user": user, "namespace": namespace},
        "on_behalf_of": on_behalf_of,
        "named_credential": name,
        "external_credential": decision.external_credential.name if decision.external_credential else None,
        "principal": decision.principal.name if decision.principal else None,
        "request": request,
    }


def _targeted(draft: Draft, method: str, path: str) -> tuple[Draft, bytes]:
    if _METHOD.fullmatch(method) is None:
        raise Refused("malformed_request", f"got method {method!r}; expected a method in capitals")
    try:
        rest = path.encode("ascii")
    except UnicodeEncodeError:
        detail = "got characters other than ASCII in the path; expected them percent-encoded"
        raise Refused("malformed_request", detail) from None
    route = draft.route
    target = join(route.path, rest)
    if route.demands is not None:
        others = overriding(route.demands, target, lambda: ())
        steps = (*route.demands.judge(method, target[len(route.path) :], others), *route.demands.limit_steps())
        draft = replace(draft, route=replace(route, decision=with_steps(route.decision, steps)))
    formulas = draft.route.formulas
    if formulas is not None and formulas.needs is not Needs.NOTHING:
        asked = Asked((), None, 0, method=method.encode(), target=target, callout_id=b"(the callout id)")
        draft = replace(draft, asked=asked)
    return draft.noting("target", f"{method} {target.partition(b'?')[0].decode()}"), target


def _worded_replay(route: Route, method: str) -> str:
    gathered = route.formulas is not None and route.formulas.gathers_bodies
    return route.replay.worded(method, gathered=gathered)


def _shown_request(draft: Draft, method: str, target: bytes) -> dict[str, Any]:
    origin = f"{draft.route.destination.scheme}://{draft.request.headers[0][1]}"
    shown = [[name, value.redacted] for name, value in draft.request.headers]
    if draft.route.replay.adds_key(method.encode()):
        shown.append([draft.route.replay.idempotency_header.decode(), "the callout id"])
    url = replace(draft.request, url=origin + target.decode()).whole_url
    certificate = draft.route.client_certificate
    presented = {"name": certificate.name, "kid": certificate.kid} if certificate is not None else {}
    return {
        "method": method,
        "url": url.redacted,
        "headers": shown,
        **({"client_certificate": presented} if presented else {}),
    }


def _outcome(explanation: Explanation) -> dict[str, Any]:
    return {
        "allowed": explanation.refused is None,
        **refusal_members(explanation),
        "steps": [step_members(step) for step in explanation.steps],
    }
