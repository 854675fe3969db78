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
class ExternalCredential:
    """How an external system is authenticated to. `parameters` are the protocol's, never secret.

    `allow_private_network` concerns the token endpoint; None means: as the named credentials that use it.
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

    def principal(self, name: str) -> Principal | None:
        """Return the principal of this name, or None."""
        return next((p for p in self.principals if p.name == name), None)


@dataclass(frozen=True, slots=True)
class NamedCredential:
    """Where an external system is: a URL that no caller can change, and who may call it from which code."""

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


@dataclass(frozen=True, slots=True, order=True)
class PrincipalReference:
    """Names one principal of one external credential; written `EC/Principal`."""

    external_credential: str
    principal: str

    def __str__(self) -> str:
        return f"{self.external_credential}/{self.principal}"


@dataclass(frozen=True, slots=True, order=True)
class UserExternalCredentialKey:
    """Names the sealed secrets and tokens of one principal, or of one principal and one user."""

    external_credential: str
    principal: str
    user: str = ""

    def __str__(self) -> str:
        whole = f"{self.external_credential}/{self.principal}"
        return f"{whole}@{self.user}" if self.user else whole
