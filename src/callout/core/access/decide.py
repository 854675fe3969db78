"""The ladder: may this caller make callouts by this name, and as which principal?

Every rung becomes a `Step`, whether it held or not. The rungs are looked at one after the other; a rung that
cannot be judged because an earlier one left nothing to judge is left out. The first that does not hold is the
reason; the remedies of all that do not hold are named, in order. Standard library only, no I/O.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from callout.core.access.approvals import callers_of, naming_approval
from callout.core.access.keys import lacking_key, setting_values
from callout.core.access.proposing import least, new_name
from callout.core.access.sources import SET, Source, earliest, end_of, sources_of
from callout.core.explanation import Explanation, Remedy, Step
from callout.core.formula import ISSUED_TOKEN, FormulaError, parse
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.model.people import GUEST, INCLUDES_READ, Caller, Muted, User
from callout.core.protocol import CONNECTION, Catalogue, declared_parameter, required_secrets
from callout.core.reasons import Reason
from callout.core.refresh.state import connecting

#: How long the new time box is that a remedy proposes for one that has ended.
NEW_BOX = "8h"
#: Proofs of a caller whom an admin asks about: no caller reads what is said of them.
_ASKED = ("name", "diagnose")
#: Names that are compared with an unknown one to find the nearest.
MOST_COMPARED = 50
#: What a user can be called; `rules.names` says it whole.
_USER_NAME = re.compile(r"[^-\s/][^\s/]*")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. The credentials and the principal are there as far as the ladder found them.

    `wanted` is the principal that the caller asked for by name. `until` is when the first time box ends that the
    decision relies on; None: it relies on none.
    """

    caller: Caller | None
    name: str
    explanation: Explanation
    named_credential: NamedCredential | None = None
    external_credential: ExternalCredential | None = None
    principal: Principal | None = None
    wanted: str | None = None
    until: datetime | None = None

    @property
    def allowed(self) -> bool:
        """True where every rung held."""
        return self.explanation.refused is None and self.principal is not None

    @property
    def reason(self) -> Reason | None:
        """The reason of the first rung that did not hold."""
        return self.explanation.reason

    @property
    def holder(self) -> UserExternalCredentialKey:
        """Whose sealed values the callout would use. Only for a decision that has a principal."""
        if self.external_credential is None or self.principal is None or self.caller is None:
            msg = "a decision without a principal has no holder"
            raise ValueError(msg)
        return holder_of(self.external_credential, self.principal, self.caller.acting_user)


def holder_of(external: ExternalCredential, principal: Principal, user: str) -> UserExternalCredentialKey:
    """Name the sealed values of a principal: one set for a named one, one a user for a per-user one."""
    own = user if principal.type is PrincipalType.PER_USER else ""
    return UserExternalCredentialKey(external.name, principal.name, own)


def decide(
    org: Org,
    catalogue: Catalogue,
    caller: Caller | None,
    name: str,
    *,
    now: datetime,
    principal: str | None = None,
    proof: str | Step = "",
) -> Decision:
    """Climb the ladder. `caller` is None where the proof was not accepted: `proof` says why, or is that step.

    On behalf of another user, their rungs are climbed, in the namespace of the caller. `now` says which time-boxed
    assignments have ended.
    """
    steps = [_caller_step(org, caller, proof)]
    acting = caller if steps[0].held else None
    until: datetime | None = None
    if caller is not None and acting is not None and caller.key is not None:
        steps.append(_limit_step(caller, name))
    if caller is not None and acting is not None and caller.on_behalf_of is not None:
        step, until = _on_behalf_step(org, caller, caller.on_behalf_of, now)
        steps.append(step)
        acting = replace(caller, user=caller.on_behalf_of, on_behalf_of=None) if steps[-1].held else None
    named = org.named_credentials.get(name)
    steps.append(_named_step(org, named, name, hinting=caller is not None and not caller.is_guest))
    external = org.external_credentials.get(named.external_credential) if named else None
    chosen: Principal | None = None
    if named is not None and caller is not None and steps[0].held:
        steps.append(_enabled_step(named))
        steps.append(_namespace_step(named, caller))
        if external is not None and acting is not None:
            sources = sources_of(org, acting.user, now)
            step, chosen, granted_until = _principal_step(org, external, acting, principal, sources)
            reading, read_until = _user_external_credential_step(org, acting, sources)
            steps += [step, reading]
            until = earliest(until, granted_until, read_until)
            if chosen is not None:
                steps.append(_configured_step(org, catalogue, external, chosen, named, acting))
            steps = naming_approval(org, acting, named, external, steps, principal, sources)
    return Decision(caller, name, Explanation(tuple(steps)), named, external, chosen, principal, until)


def required_names(
    catalogue: Catalogue, external: ExternalCredential, principal: Principal, named: NamedCredential | None = None
) -> frozenset[str]:
    """Return the secret names that a principal needs: its protocol's, and those that header formulas read.

    Raises `FormulaError` for a header that cannot be parsed.
    """
    protocol = catalogue[external.protocol]
    headers = (*external.headers, *(named.headers if named else ()))
    given = {**external.parameters, **principal.parameters}
    texts = [header.value for header in headers]
    for name, value in given.items():
        declared = declared_parameter(protocol, name)
        texts += [value] if declared is not None and declared.formula else []
    read = {name for text in texts for credential, name in parse(text).names if credential == external.name}
    if protocol.obtains:
        read -= ISSUED_TOKEN
    return required_secrets(protocol, given) | (read - external.parameters.keys() - principal.parameters.keys())


def _no_active_user(org: Org, caller: Caller, state: str) -> Step:
    """Refuse who is no active user. Whoever asks in an admin's stead is told the nearest name; a caller is not."""
    asked = caller.user not in org.users and caller.proof in _ASKED
    close = _nearest(caller.user, org.users) if asked else None
    hint = f"; the nearest is {close!r}" if close is not None else ""
    detail = f"got user {caller.user!r}, who is {state}; expected an active user{hint}"
    if caller.user.isprintable() and not caller.user.startswith("-") and not {" ", "/"} & set(caller.user):
        command = f"callout user set {shlex.quote(caller.user)} --active"
        remedy = Remedy(f"Define {caller.user} as an active user", command)
    else:
        remedy = Remedy("Correct the name: no user can have this one")
    return Step("caller", held=False, detail=detail, reason="caller_unknown", remedies=(remedy,))


def _caller_step(org: Org, caller: Caller | None, proof: str | Step) -> Step:
    if isinstance(proof, Step):
        return proof
    if caller is None:
        remedy = Remedy("Send a valid key; an admin makes one with", "callout key create USER")
        return Step(
            "caller", held=False, detail=proof or "got an unknown key", reason="caller_unknown", remedies=(remedy,)
        )
    user = org.users.get(caller.user)
    if user is None or not user.active:
        return _no_active_user(org, caller, "not active" if user else "not defined")
    if caller.namespace is not None and caller.namespace not in org.packages:
        remedy = Remedy("Install the package", f"callout package install {shlex.quote(caller.namespace)}")
        detail = f"got namespace {caller.namespace!r}; expected that of an installed package"
        return Step("caller", held=False, detail=detail, reason="caller_unknown", remedies=(remedy,))
    return Step("caller", held=True, detail=f"{caller}, profile {user.profile}, proven by {caller.proof}")


def _limit_step(caller: Caller, name: str) -> Step:
    key = caller.key
    if key is None or not key.named_credentials or name in key.named_credentials:
        return Step("key_limit", held=True, detail=f"{caller.proof} may be used for {name}")
    limit = ", ".join(key.named_credentials)
    wider = " ".join(f"--named-credential {shlex.quote(each)}" for each in (*key.named_credentials, name))
    remedy = Remedy(
        f"Use a key that may be used for {name}, or widen this one", f"callout key limit {key.prefix} {wider}"
    )
    detail = f"got {caller.proof}, which is limited to {limit}; expected one that may be used for {name}"
    return Step("key_limit", held=False, detail=detail, reason="key_limited", remedies=(remedy,))


def _on_behalf_step(org: Org, caller: Caller, user: str, now: datetime) -> tuple[Step, datetime | None]:
    """Judge whether the caller may make callouts for another user; the time is when the last of the ways ends."""
    if caller.is_guest:
        detail = f"got no proof with Callout-On-Behalf-Of: {user}; expected a caller who may act for others"
        remedy = Remedy("Send a valid key; an admin makes one with", "callout key create USER")
        return Step("on_behalf_of", held=False, detail=detail, reason="caller_unknown", remedies=(remedy,)), None
    if user == caller.user:
        return Step("on_behalf_of", held=True, detail=f"{user} acts for nobody else"), None
    person = org.users.get(user)
    ways = _ways_to_act_for(org, caller.user, person, now)
    letting = [way for way in ways if not way.over]
    if person is None or person.name == GUEST or not letting:
        detail = f"got Callout-On-Behalf-Of: {user}; expected a user for whom a permission set lets {caller.user} act"
        detail += "".join(f"; {way.worded}" for way in ways)
        remedy = _again_remedy(ways[0], caller) if ways else _acting_remedy(org, caller.user, user, person)
        return Step("on_behalf_of", held=False, detail=detail, reason="acting_not_allowed", remedies=(remedy,)), None
    if not person.active:
        remedy = Remedy(f"Make {user} active", f"callout user set {shlex.quote(user)} --active")
        detail = f"got user {user!r}, who is not active; expected an active user"
        return Step("on_behalf_of", held=False, detail=detail, reason="caller_unknown", remedies=(remedy,)), None
    detail = f"{caller.user} acts for {user}, profile {person.profile}, by {letting[0].worded}"
    return Step("on_behalf_of", held=True, detail=detail), end_of(letting)


def _ways_to_act_for(org: Org, user: str, person: User | None, now: datetime) -> list[Source]:
    """Return the permission sets of a user that let act for this person, also those whose time has ended."""
    if person is None or person.name == GUEST:
        return []
    letting = {name for name, each in org.permission_sets.items() if each.lets_act_for(person)}
    return [way for way in sources_of(org, user, now) if way.kind == SET and way.name in letting]


def _acting_remedy(org: Org, service: str, user: str, person: User | None) -> Remedy:
    if user == GUEST:
        return Remedy("Name a user: nobody acts for the guest, who proves nothing")
    if _USER_NAME.fullmatch(user) is None:
        return Remedy("Name a user in Callout-On-Behalf-Of, or leave it out")
    if person is None:
        return Remedy(f"Correct the name, or define {user}", f"callout user set {shlex.quote(user)} --active")
    having = [s for s in org.permission_sets.values() if s.lets_act_for(person) and not s.admin_permissions]
    if having:
        best = min(having, key=lambda s: (len(s.may_act_for), len(s.principals), s.name))
        text = f"Assign permission set {best.name}, which lets act for {user}, to {service}"
        return Remedy(text, f"callout permission-set assign {shlex.quote(best.name)} {shlex.quote(service)}")
    new = shlex.quote(new_name(org, f"{service[:60].replace('@', ' at ')} for others"))
    who = shlex.quote(user)
    return Remedy(
        f"Let {service} act for {user} by a permission set; none does yet that could be given",
        f"callout permission-set create {new} --may-act-for {who} --assign {shlex.quote(service)}",
    )


def _named_step(org: Org, named: NamedCredential | None, name: str, *, hinting: bool) -> Step:
    if named is not None and named.external_credential in org.external_credentials:
        return Step("named_credential", held=True, detail=f"{name} points to {named.url}")
    if named is not None:
        detail = f"{name} uses external credential {named.external_credential!r}, which is not defined"
    else:
        hint = (
            f"; the nearest is {near!r}"
            if hinting and (near := _nearest(name, org.named_credentials)) is not None
            else ""
        )
        detail = f"got name {name!r}; expected one of {len(org.named_credentials)} named credentials{hint}"
    remedy = Remedy("Correct the name, or define the named credential", "callout apply -f FILE")
    return Step("named_credential", held=False, detail=detail, reason="named_credential_not_found", remedies=(remedy,))


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the name that was probably meant. Few are compared: a caller must not make this expensive."""
    lower = name.lower()
    alike = (n for n in known if abs(len(n) - len(name)) <= 2 and n[:1].lower() == lower[:1])
    by_lower = {close.lower(): close for close in sorted(islice(alike, MOST_COMPARED))}
    found = difflib.get_close_matches(lower, by_lower, n=1)
    return by_lower[found[0]] if found else None


def _enabled_step(named: NamedCredential) -> Step:
    if named.enabled_for_callouts:
        return Step("enabled", held=True, detail=f"{named.name} is enabled for callouts")
    maker = f"; code of package {named.created_by_namespace} made it" if named.created_by_namespace else ""
    detail = f"{named.name} is disabled for callouts{maker}; expected enabled"
    remedy = Remedy(
        f"Judge {named.url}, then enable it for callouts", f"callout named-credential enable {shlex.quote(named.name)}"
    )
    return Step("enabled", held=False, detail=detail, reason="callouts_disabled", remedies=(remedy,))


def _namespace_step(named: NamedCredential, caller: Caller) -> Step:
    if caller.namespace is None:
        return Step("namespace", held=True, detail="the caller is local code; no namespace is needed")
    if caller.namespace in named.allowed_namespaces or caller.namespace == named.created_by_namespace:
        return Step("namespace", held=True, detail=f"namespace {caller.namespace} is allowed")
    allowed = ", ".join(named.allowed_namespaces) or "none"
    detail = f"got namespace {caller.namespace!r}; expected one of the allowed namespaces: {allowed}"
    command = f"callout named-credential allow-namespace {shlex.quote(named.name)} {shlex.quote(caller.namespace)}"
    remedy = Remedy(f"Allow namespace {caller.namespace} on {named.name}", command)
    return Step("namespace", held=False, detail=detail, reason="namespace_not_allowed", remedies=(remedy,))


def _principal_step(
    org: Org, external: ExternalCredential, caller: Caller, wanted: str | None, sources: Sequence[Source]
) -> tuple[Step, Principal | None, datetime | None]:
    """Choose the principal; the time is when the last of the ways ends that grant it."""
    grants: dict[str, list[tuple[Source, PrincipalReference]]] = {}
    for source in sources:
        for reference in sorted(source.principals):
            if reference.external_credential == external.name and not source.over:
                grants.setdefault(reference.principal, []).append((source, reference))
    granted = sorted((p for p in external.principals if p.name in grants), key=lambda p: (p.sequence, p.name))
    if wanted is not None:
        granted = [p for p in granted if p.name == wanted]
    if not granted:
        return _not_granted(org, external, caller, wanted, sources), None, None
    first, *others = granted
    by = grants[first.name]
    detail = f"{external.name}/{first.name} ({first.type}, sequence {first.sequence}) by "
    detail += ", ".join(source.worded + grant.worded.removeprefix(str(grant)) for source, grant in by)
    detail += _kept_back(
        sources, lambda s: _names_any(_before_muting(s), [PrincipalReference(external.name, first.name)])
    )
    if others:
        detail += f"; next is {others[0].name}: pick it with Callout-Principal: {others[0].name}"
    return Step("principal", held=True, detail=detail), first, _end_of_grants(by)


def _end_of_grants(by: Sequence[tuple[Source, PrincipalReference]]) -> datetime | None:
    """Return when the last way ends; where one is narrowed, the first: what requests are allowed may change then."""
    sources = [source for source, _ in by]
    return (
        earliest(*(source.until for source in sources))
        if any(grant.is_narrowed for _, grant in by)
        else end_of(sources)
    )


def _names_any(granted: Iterable[PrincipalReference], wished: Collection[PrincipalReference]) -> bool:
    """Say whether a grant, however far it is narrowed, is of one of these principals."""
    return any(each.names_same(one) for each in granted for one in wished)


def _before_muting(source: Source) -> frozenset[PrincipalReference]:
    return source.principals | source.muted.principals


def _kept_back(sources: Sequence[Source], matters: Callable[[Source], bool]) -> str:
    """Say which ways would grant what is asked for, had they not ended or did their group not mute it."""
    told = []
    for source in sources:
        if not matters(source):
            continue
        if source.over:
            told.append(source.worded)
        elif source.muted != Muted():
            told.append(f"group {source.group} mutes what {source.kind} {source.name} has")
    return "".join(f"; {each}" for each in dict.fromkeys(told))


def _not_granted(
    org: Org, external: ExternalCredential, caller: Caller, wanted: str | None, sources: Sequence[Source]
) -> Step:
    wished = [p for p in external.principals if wanted in (None, p.name)]
    names = ", ".join(p.name for p in external.principals) or "none"
    detail = f"{caller.user} has no grant for " + (f"principal {wanted!r}" if wanted is not None else "any principal")
    detail += f" of {external.name}; its principals: {names}"
    wished_for = {PrincipalReference(external.name, p.name) for p in wished}
    detail += _kept_back(sources, lambda s: _names_any(_before_muting(s), wished_for))
    ended = next((s for s in sources if s.over and _names_any(s.principals, wished_for)), None)
    if not wished:
        correct = f"Correct the name {wanted!r}, or define" if wanted is not None else "Define"
        remedy = Remedy(f"{correct} the principal on {external.name}", "callout apply -f FILE")
    elif ended is not None:
        remedy = _again_remedy(ended, caller)
    else:
        reference = PrincipalReference(external.name, min(wished, key=lambda p: (p.sequence, p.name)).name)
        remedy = _grant_remedy(org, reference, caller)
    return Step("principal", held=False, detail=detail, reason="principal_not_granted", remedies=(remedy,))


def _again_remedy(ended: Source, caller: Caller) -> Remedy:
    """Propose a new time box for one that has ended, with its purpose."""
    noun, name = ("permission-set", ended.name) if ended.group is None else ("permission-set-group", ended.group)
    purpose = f" --purpose {shlex.quote(ended.purpose)}" if ended.purpose else ""
    command = f"callout {noun} assign {shlex.quote(name)} {shlex.quote(caller.user)} --until {NEW_BOX}{purpose}"
    what = noun.replace("-", " ")
    return Remedy(f"Give {what} {name}, whose time has ended, to {caller.user} for another {NEW_BOX}", command)


def _grant_remedy(org: Org, reference: PrincipalReference, caller: Caller) -> Remedy:
    user = shlex.quote(caller.user)
    best = least(org, lambda s: reference in s.principals) or least(
        org, lambda s: _names_any(s.principals, [reference])
    )
    if best is not None:
        return Remedy(
            f"Assign permission set {best.name}, which has {reference}, to {caller.user}",
            f"callout permission-set assign {shlex.quote(best.name)} {user}",
        )
    new = shlex.quote(new_name(org, callers_of(reference)))
    return Remedy(
        f"Enable {reference} in a permission set of {caller.user}; none has it yet to be given",
        f"callout permission-set create {new} --principal {shlex.quote(str(reference))}"
        f" --user-external-credential read --assign {user}",
    )


def _user_external_credential_step(org: Org, caller: Caller, sources: Sequence[Source]) -> tuple[Step, datetime | None]:
    """Look for read; the time is when the last of the ways ends that give it."""
    giving = [s for s in sources if not s.over and s.user_external_credential & INCLUDES_READ]
    kept_back = _kept_back(
        sources, lambda s: bool((s.user_external_credential | s.muted.user_external_credential) & INCLUDES_READ)
    )
    if giving:
        detail = f"read on User External Credential by {giving[0].worded}"
        return Step("user_external_credential", held=True, detail=detail), end_of(giving)
    looked = ", ".join(str(s) for s in sources) or "no profile and no permission set"
    detail = f"got no read on User External Credential from {looked}; expected it from one of them{kept_back}"
    ended = next((s for s in sources if s.over and s.user_external_credential & INCLUDES_READ), None)
    remedy = _read_remedy(org, caller) if ended is None else _again_remedy(ended, caller)
    reason = "user_external_credential_denied"
    return Step("user_external_credential", held=False, detail=detail, reason=reason, remedies=(remedy,)), None


def _read_remedy(org: Org, caller: Caller) -> Remedy:
    """Name the permission set that gives read on User External Credential and the least else."""
    user = shlex.quote(caller.user)
    best = least(org, lambda s: bool(s.user_external_credential & INCLUDES_READ))
    if best is None:
        new = shlex.quote(new_name(org, "External Credential Readers"))
        text = (
            f"Give read on User External Credential in a permission set of {caller.user}; none has it yet to be given"
        )
        return Remedy(text, f"callout permission-set create {new} --user-external-credential read --assign {user}")
    return Remedy(
        f"Assign permission set {best.name}, which has it, to {caller.user}",
        f"callout permission-set assign {shlex.quote(best.name)} {user}",
    )


def _not_connected(holder: UserExternalCredentialKey) -> Step:
    """Say that nobody has given an authorization yet."""
    remedy = connecting(holder)
    detail = f"{holder} is not connected: no authorization was given yet; expected one, given in a browser"
    return Step("configured", held=False, detail=detail, reason="authorization_required", remedies=(remedy,))


def _configured_step(
    org: Org,
    catalogue: Catalogue,
    external: ExternalCredential,
    principal: Principal,
    named: NamedCredential,
    caller: Caller,
) -> Step:
    holder = holder_of(external, principal, caller.user)
    try:
        missing = required_names(catalogue, org.whole(external), principal, named) - org.values_set(external, holder)
    except FormulaError as error:
        remedy = Remedy("Correct the formula in the custom header", "callout apply -f FILE")
        detail = error.whole
        return Step("configured", held=False, detail=detail, reason="formula_failed", remedies=(remedy,))
    protocol = catalogue[external.protocol]
    if not missing and protocol.interactive and CONNECTION not in org.values_set(external, holder):
        return _not_connected(holder)
    if not missing and (lacking := lacking_key(org, protocol, external, principal)) is not None:
        return lacking
    if not missing:
        return Step("configured", held=True, detail=f"{holder} has every value that {external.protocol} needs")
    detail = f"{holder} lacks {', '.join(sorted(missing))}; expected a value for each"
    remedies = setting_values(org, external, holder, missing)
    return Step("configured", held=False, detail=detail, reason="principal_not_configured", remedies=remedies)
