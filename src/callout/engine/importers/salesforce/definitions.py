"""What the readers of credentials share: rows in sequence, custom headers, and the rules of every definition.

A reader notes for each part of the definition which element it came from. The rules then judge the definition,
and what they say is told at the element's place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from callout.core.formula import FormulaError, parse
from callout.core.model.credentials import CustomHeader, ExternalCredential, NamedCredential
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.core.model.own_certificates import Certificate
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of
from callout.core.rules.names import developer_name_rule
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.schema import Judgement

_TELLTALE = re.compile(r"authorization|cookie|key|password|secret|token", re.IGNORECASE)

#: What of an issued token no formula reads: it is for the token endpoint alone.
_TOKEN_NAMES = frozenset({"RefreshToken"})


@dataclass(slots=True)
class Origins:
    """Where each part of a definition stands in the file: part → line and element."""

    judgement: Judgement
    line: int
    element: str
    parts: dict[str, tuple[int, str]] = field(default_factory=dict)

    def note(self, part: str, row: Element, tag: str, *, named: str = "") -> None:
        """Note that a part of the definition came from the element `tag` of `row`."""
        words = [self.element, row.value("parameterType") if row.tag.endswith("Parameters") else "", named, tag]
        self.parts[part] = row.line_of(tag), ".".join(word for word in words if word)

    def judge(self, definition: Definition, *others: Definition) -> None:
        """Judge the definition by the rules, beside the ones that it names or that name it."""
        section = SECTIONS[type(definition)]
        start = f"{section}.{name_of(definition)}"
        changed = {(section, name_of(definition))}
        told = {problem.where for problem in self.judgement.problems}
        for problem in problems_of(
            Org.of(*certificates_named(*others, definition), *others, definition), CATALOGUE, changed
        ):
            line, element = self._origin(problem.place[len(start) + 1 :])
            known = line != self.line and f"{self.judgement.path}:{line}" in told  # a placeholder is no URL either
            if problem.place.startswith(start) and not known:
                self.judgement.add(line, element, problem.got, problem.expected, problem.nearest)

    def _origin(self, part: str) -> tuple[int, str]:
        known = [name for name in self.parts if part.startswith(name)]
        return self.parts[max(known, key=len)] if known else (self.line, self.element)


def certificates_named(*definitions: Definition) -> list[Certificate]:
    """Return the certificates that definitions name. Metadata does not hold them: they get their keys afterwards."""
    names: set[str] = set()
    for definition in definitions:
        if isinstance(definition, NamedCredential):
            names.add(definition.client_certificate)
        elif isinstance(definition, ExternalCredential) and definition.protocol in CATALOGUE:
            naming = [p.name for p in CATALOGUE[definition.protocol].parameters if p.key_pair]
            given = (definition.parameters, *(principal.parameters for principal in definition.principals))
            names |= {parameters.get(name, "") for parameters in given for name in naming}
    return [Certificate(name) for name in sorted(names - {""})]


def judge_certificate(name: str, line: int, place: str, judgement: Judgement) -> bool:
    """Note a name that no certificate can have, and say whether it is one. A placeholder was noted before."""
    rule = developer_name_rule(name)
    if rule is not None and "{{" not in name:
        judgement.add(line, place, repr(name[:80]) if name else "no certificate", f"the name of one: {rule}")
    return rule is None


def in_sequence(rows: Sequence[Element]) -> list[Element]:
    """Return rows by sequence number, those without one last; equal numbers stay in the order of the file."""
    return sorted(rows, key=lambda row: sequence_of(row) or 10**9)


def sequence_of(row: Element) -> int:
    """Return the sequence number of a row; 0 where it has none (a text that is no number was noted before)."""
    number = row.value("sequenceNumber")
    return int(number) if re.fullmatch(r"[0-9]{1,9}", number) else 0


def headers_in(rows: Sequence[Element], origins: Origins) -> tuple[CustomHeader, ...]:
    """Read custom headers in the order in which they are sent."""
    headers = []
    for index, row in enumerate(in_sequence(rows)):
        header = CustomHeader(row.value("parameterName"), row.value("parameterValue"))
        origins.note(f"headers[{index}]", row, "parameterValue", named=header.name)
        origins.note(f"headers[{index}].name", row, "parameterName", named=header.name)
        headers.append(header)
    return tuple(headers)


def listed(rows: Sequence[Element]) -> list[tuple[str, Element]]:
    """Read values that stand one in a row, or several with commas between them; each once, in order."""
    found: dict[str, Element] = {}
    for row in rows:
        for value in re.split(r"[,;\s]+", row.value("parameterValue")):
            if value:
                found.setdefault(value, row)
    return list(found.items())


def names_read(headers: Sequence[CustomHeader]) -> frozenset[str]:
    """Return the parameters that the formulas in these headers read; the rules let them read one credential only."""
    found: set[str] = set()
    for header in headers:
        try:
            found |= {name for _, name in parse(header.value).names}
        except FormulaError:
            continue  # the rules tell it, at its place
    return frozenset(found)


def judge_token_names(headers: Sequence[CustomHeader], protocol: str, origins: Origins) -> None:
    """Note headers that read a refresh token."""
    if not CATALOGUE[protocol].obtains:
        return
    for index, header in enumerate(headers):
        for name in sorted(names_read([header]) & _TOKEN_NAMES):
            line, element = origins.parts[f"headers[{index}]"]
            expected = "AccessToken: a refresh token is sent to nobody but the token endpoint"
            origins.judgement.add(line, element, f"the token {name} in a formula", expected)


def literal_secrets(headers: Sequence[CustomHeader]) -> list[str]:
    """Say which headers look like a secret that is written in clear: a telling name and no formula."""
    return [
        f"header {header.name} has no formula: if its value is a secret, the file holds it in clear; "
        "set it on the principal and read it with {!$Credential.…}"
        for header in headers
        if _TELLTALE.search(header.name) and "{!" not in header.value
    ]


def created_by(name: str, rows: Sequence[Element]) -> str | None:
    """Return the namespace of the package that a definition is part of: its name's, or that of its own row."""
    own = next((row.value("parameterValue") for row in rows if row.value("parameterType") == "CreatedByNamespace"), "")
    before, mark, _ = name.partition("__")
    return before if mark else own or None
