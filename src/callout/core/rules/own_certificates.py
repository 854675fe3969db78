"""Rules over certificates of Callout's own: their names, and what names them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from callout.core.errors import Problem
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate
from callout.core.rules.names import developer_name_rule, nearest


def certificate_problems(org: Org, certificate: Certificate) -> Iterator[Problem]:
    """Judge one certificate. Those who verify find a key by its `kid`: it names one key alone."""
    rule = developer_name_rule(certificate.name)
    if rule is not None:
        yield Problem(f"certificates.{certificate.name}", f"name {certificate.name!r}", rule)
    others = [each for each in org.certificates.values() if each.name != certificate.name and certificate.kid]
    for other in others:
        if other.kid == certificate.kid and other.public_key != certificate.public_key:
            got = f"kid {certificate.kid!r}, which the key of {other.name} has too"
            yield Problem(f"certificates.{certificate.name}.kid", got, "each kid for one key alone")


def reference_problems(name: str, known: Collection[str], place: str) -> Iterator[Problem]:
    """Judge the name of a certificate where something refers to it."""
    if name not in known:
        listed = ", ".join(sorted(known)) or "none is defined"
        expected = f"a certificate: {listed}; `callout certificate create NAME` makes one"
        yield Problem(place, repr(name), expected, nearest(name, known))
