"""Answers about callouts: what was decided and why, what failed, who can, and how principals fare."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from callout.core.model.credentials import PrincipalType
from callout.core.model.people import AdminPermission, UserKind
from callout.core.reasons import Blame
from callout.engine.operations.answers.certificates import CertificateShown
from callout.engine.operations.answers.people import KeyShown
from callout.engine.operations.answers.shape import Answer


class Rung(Answer):
    """One rung of the ladder: what was looked at, whether it held, and what was found."""

    name: str
    held: bool
    detail: str
    reason: str | None
    remedy: list[str]
    remedy_commands: list[str]


class Outcome(Answer):
    """What was decided; the members from `reason` on are null or empty where it was allowed."""

    allowed: bool
    reason: str | None
    status: int | None
    blame: Blame | None
    title: str | None
    remedy: list[str]
    remedy_commands: list[str]


class CallerShown(Answer):
    """Who made a callout: a user, and the package whose code it was."""

    user: str | None
    namespace: str | None


class CertificateSent(Answer):
    """The client certificate that is presented."""

    name: str
    kid: str


class RequestShown(Answer):
    """The exact request that would leave, secrets as `…`; each header is a pair."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    client_certificate: CertificateSent | UnsetType = UNSET


class Diagnosis(Outcome, kw_only=True):
    """What a callout would do; `request` is null where it would be refused."""

    steps: list[Rung]
    caller: CallerShown
    on_behalf_of: str | None
    named_credential: str
    external_credential: str | None
    principal: str | None
    request: RequestShown | None
    detail: str | UnsetType | None = UNSET


class CalloutRecord(Outcome, kw_only=True):
    """One callout that was made or refused; never a query, a header or a body."""

    callout_id: str
    at: datetime
    caller: CallerShown
    on_behalf_of: str | None
    named_credential: str | None
    external_credential: str | None
    principal: str | None
    method: str
    path: str
    duration_ms: float
    sent_bytes: int
    received_bytes: int
    replay: str | None
    token: str | None
    says_stale: bool
    detail: str | UnsetType | None = UNSET


class CalloutExplained(CalloutRecord, kw_only=True):
    """One callout, and its rungs and stages."""

    steps: list[Rung]


class CalloutLog(Answer):
    """Callouts, newest first. `cursor` asks for those that are recorded later; `complete`: nothing older was left out.

    `older`, where there may be more, is what `before` asks for the next ones with.
    """

    callouts: list[CalloutRecord]
    cursor: int
    complete: bool
    older: str | None


class Can(Outcome, kw_only=True):
    """Whether a user may make callouts by a name."""

    user: str
    namespace: str | None
    named_credential: str
    principal: str | None
    steps: list[Rung]


class Whoami(Answer):
    """Who asks, and as which user their callouts are made."""

    caller: str
    kind: UserKind | None
    namespace: str | None
    proof: str
    administrator: bool
    admin_permissions: list[AdminPermission]
    user: str | None
    #: When the password was chosen, in how many browsers one is signed in, and one's keys: null where that is not told.
    password_changed_at: datetime | None
    sessions: int | None
    keys: list[KeyShown] | None


class PrincipalHealthShown(Answer):
    """How a principal (of a user) fares."""

    principal: str
    user: str | None
    secrets_set: list[str]
    token_generation: int
    issued_at: datetime | None
    expires_at: datetime | None
    obtained_because: str | None
    last_refresh_at: datetime | None
    last_error_at: datetime | None
    last_error: str | None
    state: str
    state_reason: str
    state_since: datetime | None
    remedy: list[str]
    remedy_commands: list[str]
    missing: list[str]
    #: Not there where the principal, or its user, is not defined any more.
    type: PrincipalType | UnsetType = UNSET
    protocol: str | UnsetType = UNSET
    named_credentials: list[str] | UnsetType = UNSET


class Suggestion(Answer):
    """A status that the newest callouts show to be a sign of stale credentials, though no rule says so."""

    external_credential: str
    evidence: str
    count: int
    first_at: datetime
    last_at: datetime
    callout_id: str
    remedy: list[str]
    command: str


class Status(Answer):
    """How every principal fares, how many are in each state, and what to look at."""

    generation: int
    at: datetime
    states: dict[str, int]
    principals: list[PrincipalHealthShown]
    certificates: list[CertificateShown]
    suggestions: list[Suggestion]


class Able(Answer):
    """A user who can make callouts by a name, and how."""

    user: str
    kind: UserKind
    profile: str
    principal: str
    how: list[str]
    rules: list[str]


class Lacking(Answer):
    """A rung that did not hold."""

    name: str
    detail: str
    reason: str | None


class NearlyAble(Answer):
    """A user who cannot, what is lacking, and what would mend it."""

    user: str
    kind: UserKind
    profile: str
    reason: str | None
    lacking: list[Lacking]
    remedy: list[str]
    remedy_commands: list[str]


class AbleProfile(Answer):
    """A profile whose users can."""

    profile: str
    principal: str
    how: list[str]
    each_user_connects: bool


class AblePackage(Answer):
    """A package, and whether its code may."""

    namespace: str
    allowed: bool


class WhoCan(Answer):
    """Who can make callouts by a name, and who nearly can."""

    named_credential: str
    url: str
    enabled_for_callouts: bool
    rate_limits: list[str]
    users: list[Able]
    nearly: list[NearlyAble]
    profiles: list[AbleProfile]
    packages: list[AblePackage]


class AppliedChange(Answer):
    """A change that mends a finding: the command, and the operation with its arguments that does the same."""

    command: str
    operation: str
    arguments: dict[str, Any]


class AboutDisabled(Answer):
    """What enabling a named credential would let through, and for whom."""

    created_by_namespace: str | None
    url: str
    principals: list[str]
    allowed_namespaces: list[str]
    could_call: list[str]
    could_call_count: int
    could_call_complete: bool


class Finding(Answer):
    """Why callouts of one caller, name and reason failed, and the changes that mend it."""

    row: str | None
    user: str | None
    users: list[str]
    on_behalf_of: str | None
    namespace: str | None
    named_credential: str
    named_credentials: list[str]
    external_credential: str | None
    reason: str | None
    title: str
    blame: Blame
    count: int
    first_at: datetime
    last_at: datetime
    callout_id: str
    cause: str
    evidence: str | None
    also_missing: list[str]
    mended: bool
    about: AboutDisabled | None
    see: str
    what: str
    remedy: list[str]
    remedy_commands: list[str]
    changes: list[AppliedChange]
    offers: list[AppliedChange]
    by_hand: list[str]


class Troubleshooting(Answer):
    """What failed of the callouts that were looked at, and what was mended since."""

    looked_at: int
    since: datetime | None
    findings: list[Finding]
    mended: list[Finding]
