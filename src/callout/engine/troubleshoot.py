"""Why recent callouts failed: one finding for each caller, name and reason, with the one change that mends it.

The rows T1 to T6 are those of Salesforce's page on troubleshooting named credentials; what else fails is a finding
without a row. Whether a refusal of the ladder stands is decided anew: what was mended since is said to be.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from callout.core.access.decide import Decision, decide
from callout.core.explanation import Remedy, Step
from callout.core.model.credentials import NamedCredential
from callout.core.model.org import Org
from callout.core.model.people import Caller
from callout.core.reasons import Blame, reason
from callout.core.refresh.evidence import Answer, Evidence, evidence_of
from callout.core.refresh.rules import Signs, signs_of
from callout.engine.certificate_uses import CertificateState, Standing, standing_of
from callout.engine.printed_commands import applicable, one_approval_each
from callout.engine.setup import Result, Setup, found

Record = Mapping[str, Any]

#: The newest callouts that are looked at.
MOST_CALLOUTS = 10_000
#: Users that are asked for who could call by a name, and those that are named.
MOST_ASKED, MOST_NAMED = 1_000, 10

ROWS = {
    "T1": "The external system says stale credentials with a status that is no sign of them, so no token is refreshed",
    "T2": "The principal is not enabled for the user",
    "T3": "The user has no access to User External Credential",
    "T4": "The user has neither the principal nor access to User External Credential; both are needed",
    "T5": "The namespace of the package whose code calls is not allowed",
    "T6": "The code of a package made this named credential, and nobody has enabled it for callouts",
}
_ROW_OF = {
    "principal_not_granted": "T2",
    "user_external_credential_denied": "T3",
    "namespace_not_allowed": "T5",
}
_BOTH = frozenset(_ROW_OF) - {"namespace_not_allowed"}
#: Reasons that the ladder decides on: whether they stand is known without another callout.
_LADDER = frozenset(
    {*_ROW_OF, "acting_not_allowed", "callouts_disabled", "named_credential_not_found", "principal_not_configured"}
)


#: Reasons that a client certificate may be behind.
_OF_TLS = frozenset({"certificate_not_accepted", "tls_verification_failed", "external_system_unreachable"})


async def troubleshoot(
    setup: Setup,
    recent: Callable[[int], Awaitable[list[Result]]],
    *,
    name: str | None = None,
    user: str | None = None,
) -> Result:
    """Find out why the newest callouts (by this name, of this user) failed. Nothing is changed."""
    org, records = await setup.org(), await recent(MOST_CALLOUTS)
    every = list(_findings(setup, org, records))
    _refuse_unknown(org, every, name, user)
    findings = one_approval_each([f for f in every if _concerns(f, name, user)])
    findings.sort(key=lambda f: (f["mended"], f["row"] or "T9", f["named_credential"], f["user"] or ""))
    return {
        "looked_at": len(records),
        "since": records[-1]["at"] if records else None,
        "findings": [f for f in findings if not f["mended"]],
        "mended": [f for f in findings if f["mended"]],
    }


def suggestions(setup: Setup, org: Org, records: Sequence[Record]) -> list[Result]:
    """Suggest the statuses that these callouts (newest first) show to be signs of stale credentials, with the evidence."""
    members = ("external_credential", "evidence", "count", "first_at", "last_at", "callout_id", "remedy")
    return [
        {**{name: finding[name] for name in members}, "command": finding["remedy_commands"][0]}
        for finding in _stale_signs(setup, org, records)
        if not finding["mended"]
    ]


def _findings(setup: Setup, org: Org, records: Sequence[Record]) -> Iterator[Result]:
    yield from _stale_signs(setup, org, records)
    groups: dict[tuple[Any, ...], list[Record]] = {}
    answered: dict[tuple[Any, ...], str] = {}
    for record in records:  # newest first
        caller = (_caller(record), record["named_credential"] or "")
        if record["allowed"]:
            answered.setdefault(caller, record["at"])
        else:
            asked = record["principal"] if record["reason"] == "principal_not_granted" else None
            groups.setdefault((*caller, record["reason"], asked), []).append(record)
    for key, group in groups.items():
        told = {other[2] for other in groups if other[:2] == key[:2]}
        yield _refusals(setup, org, group, asked=key[-1], answered=answered.get(key[:2], ""), told=told)


def _refuse_unknown(org: Org, findings: Sequence[Result], name: str | None, user: str | None) -> None:
    """Refuse a name or user that is neither defined nor was ever met: nothing to mend would say that all is well."""
    if name is not None and not any(_concerns(f, name, None) for f in findings):
        found(org.named_credentials, name, "named_credentials", "a named credential")
    if user is not None and not any(_concerns(f, None, user) for f in findings):
        found(org.users, user, "users", "a user")


def _concerns(finding: Result, name: str | None, user: str | None) -> bool:
    return name in (None, *finding["named_credentials"]) and user in (None, *finding["users"])


def _refusals(
    setup: Setup, org: Org, group: Sequence[Record], *, asked: str | None, answered: str, told: Collection[str]
) -> Result:
    """Word one group of refusals, newest first; `answered` is when a callout of this caller last succeeded.

    `told` are the reasons of all groups of this caller by this name.
    """
    last = group[0]
    caller, name = _caller(last), last["named_credential"] or ""
    known = reason(last["reason"])
    decision = _decided(setup, org, caller, name, asked) if caller is not None and known.code in _LADDER else None
    lacking = [step for step in decision.explanation.steps if not step.held] if decision is not None else []
    known = reason(_left(lacking, known.code, told))
    mended = all(step.reason != known.code for step in lacking) if decision is not None else answered > last["at"]
    standing = decision is not None and not mended
    remedies = [str(r) for step in lacking for r in step.remedies] if standing else list(last["remedy"])
    commands = _commands(lacking) if standing else list(last["remedy_commands"])
    named = org.named_credentials.get(name)
    presented = _presented(setup, org, named) if known.code in _OF_TLS and named is not None else None
    if presented is not None and not mended:
        remedies, commands = [presented.words, *remedies], [presented.command, *commands]
    ours = _commands([step for step in lacking if _row(step.reason or "", lacking, named)]) if standing else []
    cause = next((step.detail for step in lacking if step.reason == known.code), last.get("detail") or known.title)
    finding = {
        "row": _row(known.code, lacking, named),
        "user": caller.user if caller is not None else None,
        "users": list(dict.fromkeys((caller.user, caller.acting_user))) if caller is not None else [],
        "on_behalf_of": caller.on_behalf_of if caller is not None else None,
        "namespace": caller.namespace if caller is not None else None,
        "named_credential": name,
        "named_credentials": [name],
        "external_credential": named.external_credential if named else None,
        "reason": known.code,
        "title": known.title,
        "blame": known.blame.value,
        "count": len(group),
        "first_at": group[-1]["at"],
        "last_at": last["at"],
        "callout_id": last["callout_id"],
        "cause": cause,
        "evidence": None,
        "also_missing": [
            *(step.detail for step in lacking if step.reason != known.code),
            *((presented.words,) if presented is not None else ()),
        ],
        "mended": mended,
        "about": _about(setup, org, named) if known.code == "callouts_disabled" and named else None,
        "see": _see(decision) if decision is not None else f"callout explain {last['callout_id']}",
    }
    return _with_changes(finding, remedies, commands, ours)


def _left(lacking: Sequence[Step], code: str, told: Collection[str]) -> str:
    """Return the reason that stands: of two lacks of which one was mended, the other; none has met it by itself yet."""
    left = [step.reason for step in lacking if step.reason in _BOTH]
    return left[0] or code if code in _BOTH and left and code not in left and left[0] not in told else code


def _presented(setup: Setup, org: Org, named: NamedCredential) -> Standing | None:
    """Say what is wrong with the certificate that a named credential presents, and what mends it; None: nothing."""
    certificate = org.certificates.get(named.client_certificate)
    standing = standing_of(org, certificate, setup.now()) if certificate is not None else None
    if standing is None or standing.state is CertificateState.READY:
        return None
    return replace(standing, words=f"client certificate {named.client_certificate}: {standing.words}")


def _caller(record: Record) -> Caller | None:
    """Return who called, and for whom: the grants that count are those of the user on whose behalf it was."""
    user, namespace = record["caller"]["user"], record["caller"]["namespace"]
    return Caller(user, namespace, "name", record.get("on_behalf_of")) if user is not None else None


def _decided(setup: Setup, org: Org, caller: Caller, name: str, asked: str | None) -> Decision:
    return decide(org, setup.catalogue, caller, name, now=setup.now(), principal=asked)


def _commands(lacking: Sequence[Step]) -> list[str]:
    return [remedy.command for step in lacking for remedy in step.remedies if remedy.command]


def _row(code: str, lacking: Sequence[Step], named: NamedCredential | None) -> str | None:
    if {step.reason for step in lacking} >= _BOTH and code in _BOTH:
        return "T4"
    if code == "callouts_disabled" and named is not None and named.created_by_namespace is not None:
        return "T6"
    return _ROW_OF.get(code)


def _see(decision: Decision) -> str:
    caller, name = decision.caller, shlex.quote(decision.name)
    assert caller is not None
    package = f" --namespace {shlex.quote(caller.namespace)}" if caller.namespace else ""
    if caller.on_behalf_of is None:
        return f"callout can {shlex.quote(caller.user)} {name}{package}"
    other = shlex.quote(caller.on_behalf_of)
    return f"callout diagnose {name} --as {shlex.quote(caller.user)} --on-behalf-of {other}{package}"


def _with_changes(finding: Result, remedies: Sequence[str], commands: Sequence[str], ours: Sequence[str]) -> Result:
    """Add the remedies. `ours` are the commands of the rows T1 to T6, which may be applied without typing them.

    What an admin may have meant (a user made inactive, a credential disabled by hand) is left to be mended by hand;
    `offers` are those of them that can be applied as they are, one by one, by an admin who has looked at each.
    """
    changes = [change.to_dict() for command in ours if (change := applicable(command)) is not None]
    applied = {change["command"] for change in changes}
    by_hand = [command for command in dict.fromkeys(commands) if command not in applied]
    return {
        **finding,
        "what": ROWS.get(finding["row"] or "", finding["title"]),
        "remedy": list(dict.fromkeys(remedies)),
        "remedy_commands": list(dict.fromkeys(commands)),
        "changes": list({change["command"]: change for change in changes}.values()),
        "by_hand": by_hand,
        "offers": [change.to_dict() for command in by_hand if (change := applicable(command)) is not None],
    }


def _about(setup: Setup, org: Org, named: NamedCredential) -> Result:
    """Show what an admin judges before enabling a named credential: whose it is, what it spends, who could call."""
    enabled = {**org.named_credentials, named.name: replace(named, enabled_for_callouts=True)}
    imagined = replace(org, named_credentials=enabled)
    asked: Collection[str] = sorted(org.users)[:MOST_ASKED]
    now = setup.now()
    decided = {u: decide(imagined, setup.catalogue, Caller(u, proof="name"), named.name, now=now) for u in asked}
    could = [u for u, decision in decided.items() if decision.allowed]
    external = org.external_credentials.get(named.external_credential)
    return {
        "created_by_namespace": named.created_by_namespace,
        "url": named.url,
        "principals": [f"{external.name}/{p.name}" for p in external.principals] if external else [],
        "allowed_namespaces": sorted({*named.allowed_namespaces, *filter(None, (named.created_by_namespace,))}),
        "could_call": could[:MOST_NAMED],
        "could_call_count": len(could),
        "could_call_complete": len(asked) == len(org.users),
    }


# --- T1 ------------------------------------------------------------------------------------------------------------


def _stale_signs(setup: Setup, org: Org, records: Sequence[Record]) -> Iterator[Result]:
    answers = [_answer(record) for record in reversed(records) if _was_sent_with_token(record)]
    for evidence in evidence_of(answers):
        external = org.external_credentials.get(evidence.external_credential)
        protocol = setup.catalogue.get(external.protocol) if external is not None else None
        if external is not None and protocol is not None and protocol.obtains and evidence.is_convincing:
            signs = signs_of(external, protocol.stale_signs)
            yield _stale_sign(evidence, signs, mended=evidence.status in signs.statuses)


def _was_sent_with_token(record: Record) -> bool:
    return bool(record["allowed"] and record.get("token") and record["external_credential"] and record["status"])


def _answer(record: Record) -> Answer:
    return Answer(
        at=datetime.fromisoformat(record["at"]),
        external_credential=record["external_credential"],
        named_credential=record["named_credential"],
        holder=record["token"].rsplit("/", 2)[0],
        token=record["token"],
        operation=f"{record['method']} {record['path']}",
        status=record["status"],
        told=bool(record.get("says_stale")),
        callout_id=record["callout_id"],
        user=record["caller"]["user"],
    )


def _stale_sign(evidence: Evidence, signs: Signs, *, mended: bool) -> Result:
    name, status = evidence.external_credential, evidence.status
    first, last = evidence.answers[0], evidence.answers[-1]
    named = sorted({answer.named_credential for answer in evidence.answers})
    users = sorted({answer.user for answer in evidence.answers if answer.user})
    statuses = ", ".join(map(str, sorted(signs.alone)))
    rules = " and by rules on other answers" if signs.rules else " alone"
    remedy = Remedy(
        f"Make {status} an additional status code of {name}, so that its tokens are refreshed on it",
        f"callout external-credential add-status-code {shlex.quote(name)} {status}",
    )
    finding = {
        "row": "T1",
        "user": None,
        "users": users,
        "on_behalf_of": None,
        "namespace": None,
        "named_credential": named[0],
        "named_credentials": named,
        "external_credential": name,
        "reason": None,
        "title": ROWS["T1"],
        "blame": Blame.ADMIN.value,
        "count": len(evidence.answers),
        "first_at": first.at.isoformat(timespec="milliseconds"),
        "last_at": last.at.isoformat(timespec="milliseconds"),
        "callout_id": last.callout_id,
        "cause": f"tokens of {name} are refreshed on status {statuses}{rules}; its external system answers {status}",
        "evidence": str(evidence),
        "also_missing": [],
        "mended": mended,
        "about": None,
        "see": "callout status",
    }
    command = remedy.command or ""
    return _with_changes(finding, [str(remedy)], [command], [command])
