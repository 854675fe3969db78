"""Where an external system is (NamedCredential) and how it is authenticated to (ExternalCredential)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PrincipalType(StrEnum):
    """Whose identity a principal is at the external system."""

    NAMED = "named"
    PER_USER = "per_user"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class CustomHeader:
    """A header that Callout writes. `value` is text in which `{!…}` is a formula."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity at the external system. Of the granted ones the lowest `sequence` is used."""

    name: str
    type: PrincipalType = PrincipalType.NAMED
    sequence: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeaderSign:
    """A header of an answer that says that the credentials are stale.

    One of `contains` is in a value of it, in any case, or a value is like one of `matches`, where `*` is any text.
    """

    name: str
    contains: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BodySign:
    """What in the first 64 KiB of an answer's body says that the credentials are stale: one of three.

    The value at `json_pointer` (RFC 6901; `*` stands for every element of an array) is one of `equals`; the code or a
    subcode of a SOAP fault is one of `soap_fault_code`; one of `text` is in it.
    """

    json_pointer: str = ""
    equals: tuple[str, ...] = ()
    soap_fault_code: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefreshRule:
    """An answer with one of these statuses, and these signs in its header and body, means stale credentials.

    `content_types` are the media types that a body is judged in; where there is none, those that its sign is usual in.
    """

    statuses: tuple[int, ...]
    header: HeaderSign | None = None
    body: BodySign | None = None
    content_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExternalCredential:
    """How an external system is authenticated to. `parameters` are the protocol's, never secret.

    `allow_private_network` concerns the token endpoint; None means: as the named credentials that use it.
    `refresh_debounce` is how long refresh rules stay quiet after one that did not help, in seconds; None: as the server is set up.
    `inactivity_limit` (as `30d`; empty: none) is how long the provider lets a refresh token lie unused.
    """

    name: str
    protocol: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    additional_status_codes: tuple[int, ...] = ()
    headers: tuple[CustomHeader, ...] = ()
    principals: tuple[Principal, ...] = ()
    allow_private_network: bool | None = None
    label: str = ""
    description: str = ""
    created_by_namespace: str | None = None
    refresh_rules: tuple[RefreshRule, ...] = ()
    refresh_debounce: int | None = None
    inactivity_limit: str = ""

    def principal(self, name: str) -> Principal | None:
        """Return the principal of this name, or None."""
        return next((p for p in self.principals if p.name == name), None)


class LimitScope(StrEnum):
    """What shares one allowance of a rate limit: each caller's callouts by a name, or everybody's."""

    CALLER = "caller"
    NAMED_CREDENTIAL = "named_credential"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many calls each so many seconds. One that observes refuses nothing: it counts what it would refuse."""

    calls: int
    seconds: int
    per: LimitScope = LimitScope.CALLER
    observe: bool = False

    def __str__(self) -> str:
        whose = "caller" if self.per is LimitScope.CALLER else "named credential"
        return f"{self.calls} calls each {self.seconds} s per {whose}" + (", observed" if self.observe else "")


@dataclass(frozen=True, slots=True)
class NamedCredential:
    """Where an external system is: a URL that no caller can change, and who may call it from which code.

    `allowed_methods` and `allowed_paths` (patterns, judged on what follows the URL) restrict nothing where empty.
    `allow_merge_fields_…`: formulas are evaluated in headers or bodies that callers send.
    `replay_methods` and `idempotency_header` are what `core.refresh.replay` reads: what may be sent again, and the
    header by which the external system knows one callout from two. `client_certificate` names the certificate that is
    presented to it in TLS; empty: none.
    """

    name: str
    url: str
    external_credential: str
    enabled_for_callouts: bool = True
    allowed_namespaces: tuple[str, ...] = ()
    allow_private_network: bool = False
    generate_authorization_header: bool = True
    headers: tuple[CustomHeader, ...] = ()
    label: str = ""
    description: str = ""
    created_by_namespace: str | None = None
    allowed_methods: tuple[str, ...] = ()
    allowed_paths: tuple[str, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()
    allow_merge_fields_in_header: bool = False
    allow_merge_fields_in_body: bool = False
    replay_methods: tuple[str, ...] = ()
    idempotency_header: str = ""
    client_certificate: str = ""


@dataclass(frozen=True, slots=True, order=True)
class PrincipalReference:
    """Names one principal of one external credential; written `EC/Principal`.

    As a grant it may be narrowed to methods and to paths (patterns); where they are empty, any will do.
    """

    external_credential: str
    principal: str
    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def is_narrowed(self) -> bool:
        """True for a grant that does not allow every request."""
        return bool(self.methods or self.paths)

    @property
    def worded(self) -> str:
        """The reference, and in brackets what a grant is narrowed to."""
        narrowed = "; ".join(", ".join(sorted(part)) for part in (self.methods, self.paths) if part)
        return f"{self} ({narrowed})" if narrowed else str(self)

    def names_same(self, other: PrincipalReference) -> bool:
        """True where both name one principal, however far each is narrowed."""
        return (self.external_credential, self.principal) == (other.external_credential, other.principal)

    def __str__(self) -> str:
        return f"{self.external_credential}/{self.principal}"


@dataclass(frozen=True, slots=True, order=True)
class UserExternalCredentialKey:
    """Names the sealed secrets and tokens of one principal, or of one principal and one user."""

    external_credential: str
    principal: str
    user: str = ""

    def secret_row(self, name: str) -> str:
        """Name the row that a sealed value is bound to."""
        return f"secret/{self}/{name}"

    def __str__(self) -> str:
        whole = f"{self.external_credential}/{self.principal}"
        return f"{whole}@{self.user}" if self.user else whole
