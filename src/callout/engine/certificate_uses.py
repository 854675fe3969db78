"""What uses a certificate of Callout's own, and whether it will do so much longer."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callout.core.model.credentials import ExternalCredential
from callout.core.model.org import Org
from callout.core.model.own_certificates import PRIVATE_KEY, Certificate
from callout.core.protocol import Catalogue
from callout.engine.certificate_keys import is_of_an_authority

#: How long before its end a certificate is warned of.
WARNED_BEFORE = timedelta(days=30)


class CertificateState(StrEnum):
    """How a certificate stands; the value is what JSON says."""

    READY = "ready"
    ENDS_SOON = "ends_soon"
    ENDED = "ended"
    NO_PRIVATE_KEY = "no_private_key"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a certificate stands, in words, and the command that mends it."""

    state: CertificateState
    words: str
    command: str = ""


def uses_of(org: Org, catalogue: Catalogue, name: str) -> list[str]:
    """Return where the definitions name a certificate."""
    presenting = [f"named_credentials.{n.name}" for n in org.named_credentials.values() if n.client_certificate == name]
    signing: list[str] = []
    for external in org.external_credentials.values():
        protocol = catalogue.get(external.protocol)
        naming = [p.name for p in protocol.parameters if p.key_pair] if protocol is not None else []
        signing += [place for place, certificate in uses_by_place(external, naming) if certificate == name]
    return presenting + signing


def uses_by_place(external: ExternalCredential, naming: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each place where one of the `naming` parameters names a certificate, and its name."""
    whole = f"external_credentials.{external.name}"
    places = [(whole, external.parameters)]
    places += [(f"{whole}.principals.{p.name}", p.parameters) for p in external.principals]
    for place, parameters in places:
        yield from ((f"{place}.parameters.{each}", parameters[each]) for each in naming if parameters.get(each))


def standing_of(org: Org, certificate: Certificate, now: datetime) -> Standing:
    """Say how a certificate stands: one without an end is a key alone, and does not end."""
    quoted, ends = shlex.quote(certificate.name), certificate.expires_at
    if PRIVATE_KEY not in org.configured.get(certificate.key, frozenset()):
        what = "no private key is there"
        return Standing(CertificateState.NO_PRIVATE_KEY, what, f"callout certificate import {quoted} FILE")
    if ends is None:
        return Standing(CertificateState.READY, "a key without a certificate")
    renewing = f"callout certificate {'request' if is_of_an_authority(certificate) else 'rotate'} {quoted}"
    if ends <= now:
        return Standing(CertificateState.ENDED, f"it ended {worded(now - ends)} ago", renewing)
    if ends - now <= WARNED_BEFORE:
        return Standing(CertificateState.ENDS_SOON, f"it ends in {worded(ends - now)}", renewing)
    return Standing(CertificateState.READY, f"it ends in {worded(ends - now)}")


def worded(span: timedelta) -> str:
    """Word a span of time in its largest unit."""
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if span.total_seconds() >= seconds:
            number = int(span.total_seconds() // seconds)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "less than a minute"


def presented_worded(certificate: Certificate, now: datetime) -> str:
    """Say which certificate is presented, and until when it holds, or since when it does not."""
    ends = certificate.expires_at
    if ends is None:
        return f"certificate {certificate.name} is presented (kid {certificate.kid})"
    held = f"valid until {ends:%Y-%m-%d %H:%M} UTC" if ends > now else f"which ended on {ends:%Y-%m-%d %H:%M} UTC"
    return f"certificate {certificate.name} is presented (kid {certificate.kid}, {held})"
