"""Who can make callouts by a name, and how; and who nearly can, and what is missing. `decide` is asked for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from callout.core.access.decide import Decision, decide
from callout.core.access.request import rules_of
from callout.core.explanation import Step
from callout.core.model.credentials import NamedCredential, PrincipalType
from callout.core.model.org import Org
from callout.core.model.people import Caller, Profile, User
from callout.engine.explain import refusal_members, step_members
from callout.engine.setup import Result, Setup, found

#: Name of the imagined user by whom a profile is judged alone; a real name cannot hold a slash.
_NOBODY = "/"


async def who_can(setup: Setup, name: str) -> Result:
    """List the users and profiles that may make callouts by this name, and those that one step would let."""
    org = await setup.org()
    named = found(org.named_credentials, name, "named_credentials", "a named credential")
    allowed, nearly, now = [], [], setup.now()
    for user in sorted(org.users):
        decision = decide(org, setup.catalogue, Caller(user, proof="name"), name, now=now)
        lacking = _lacking(decision)
        if decision.allowed:
            allowed.append(
                {
                    "user": user,
                    "kind": org.users[user].kind.value,
                    "profile": org.users[user].profile,
                    **_how(org, decision, now),
                }
            )
        elif len({step.name for step in lacking} - _of_all(named)) <= 1 and org.users[user].active:
            nearly.append(
                {
                    "user": user,
                    "kind": org.users[user].kind.value,
                    "profile": org.users[user].profile,
                    **_why(decision, lacking),
                }
            )
    return {
        "named_credential": name,
        "url": named.url,
        "enabled_for_callouts": named.enabled_for_callouts,
        "rate_limits": list(map(str, named.rate_limits)),
        "users": allowed,
        "nearly": nearly,
        "profiles": [row for p in sorted(org.profiles) if (row := _profile(setup, org, name, org.profiles[p]))],
        "packages": [
            {"namespace": namespace, "allowed": namespace in (*named.allowed_namespaces, named.created_by_namespace)}
            for namespace in sorted(org.packages)
        ],
    }


def may_call(setup: Setup, org: Org, caller: Caller, name: str) -> Result:
    """Decide whether this caller may make callouts by this name, and show every rung."""
    decision = decide(org, setup.catalogue, caller, name, now=setup.now())
    return {
        "allowed": decision.allowed,
        "user": caller.user,
        "namespace": caller.namespace,
        "named_credential": name,
        "principal": str(decision.holder) if decision.principal else None,
        **refusal_members(decision.explanation),
        "steps": [step_members(step) for step in decision.explanation.steps],
    }


def _of_all(named: NamedCredential) -> set[str]:
    """Return the rungs that fail for everyone alike, so that they make nobody farther than another."""
    return set() if named.enabled_for_callouts else {"enabled"}


def _lacking(decision: Decision) -> list[Step]:
    return [step for step in decision.explanation.steps if not step.held]


def _how(org: Org, decision: Decision, now: datetime) -> Result:
    details = {step.name: step.detail for step in decision.explanation.steps}
    return {
        "principal": str(decision.holder),
        "how": [details[rung] for rung in ("principal", "user_external_credential") if rung in details],
        "rules": rules.worded() if (rules := rules_of(org, decision, now)) is not None else [],
    }


def _why(decision: Decision, lacking: list[Step]) -> Result:
    remedies = [remedy for step in lacking for remedy in step.remedies]
    return {
        "reason": decision.reason.code if decision.reason else None,
        "lacking": [{"name": step.name, "detail": step.detail, "reason": step.reason} for step in lacking],
        "remedy": [str(remedy) for remedy in remedies],
        "remedy_commands": [remedy.command for remedy in remedies if remedy.command],
    }


def _profile(setup: Setup, org: Org, name: str, profile: Profile) -> Result | None:
    """Judge a profile by an imagined user who has nothing else. What a user must connect is the user's own matter."""
    imagined = replace(org, users={**org.users, _NOBODY: User(_NOBODY, profile.name)})
    decision = decide(imagined, setup.catalogue, Caller(_NOBODY, proof="name"), name, now=setup.now())
    own = decision.principal is not None and decision.principal.type is PrincipalType.PER_USER
    lacking = [step for step in _lacking(decision) if not (own and step.name == "configured")]
    if lacking or decision.principal is None or decision.external_credential is None:
        return None
    details = {step.name: step.detail for step in decision.explanation.steps}
    return {
        "profile": profile.name,
        "principal": f"{decision.external_credential.name}/{decision.principal.name}",
        "how": [details["principal"], details["user_external_credential"]],
        "each_user_connects": own,
    }
