"""What came of each file: imported, to be completed by hand, refused and why; as values, JSON and plain lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from callout.core.model.org import SECTIONS, Definition, name_of
from callout.engine.importers.salesforce.files import Kind
from callout.engine.importers.salesforce.schema import Judgement


class Outcome(StrEnum):
    """What came of a file; the value is what the report says and scripts compare."""

    IMPORTED = "imported"
    TO_BE_COMPLETED = "imported, to be completed"
    REFUSED = "refused"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class ByHand:
    """One thing that metadata does not hold, and the command that supplies it, where there is one."""

    what: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.command}" if self.command else self.what


@dataclass(frozen=True, slots=True)
class Entry:
    """One file and what came of it. `place` is `path:line`; `protocol` is in Salesforce's words.

    `reasons` say why it was refused or not needed; `notes` what else to know; `ignored` counts the elements of the
    file that mean nothing to Callout.
    """

    kind: Kind
    name: str
    place: str
    outcome: Outcome
    protocol: str = ""
    reasons: tuple[str, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        return {
            "kind": str(self.kind),
            "name": self.name,
            "place": self.place,
            "protocol": self.protocol,
            "outcome": str(self.outcome),
            "reasons": list(self.reasons),
            "by_hand": [{"what": item.what, "command": item.command or None} for item in self.by_hand],
            "notes": list(self.notes),
            "ignored_elements": self.ignored,
        }


@dataclass(slots=True)
class Draft:
    """An entry in the making: the readers add to it, `entry` closes it.

    `notes` are about what is imported, `warnings` about the file, whatever comes of it.
    """

    kind: Kind
    name: str
    judgement: Judgement
    line: int = 1
    protocol: str = ""
    needed: bool = True
    reasons: list[str] = field(default_factory=list)
    by_hand: list[ByHand] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ignored: int = 0

    @property
    def place(self) -> str:
        """Where it stands: `path:line`."""
        return f"{self.judgement.path}:{self.line}"

    @property
    def refusals(self) -> tuple[str, ...]:
        """Every reason to refuse it: the problems of its file first, in the order of its lines."""
        return (*map(str, self.judgement.problems), *self.reasons)

    @property
    def refused(self) -> bool:
        """True where there is a reason to refuse it."""
        return self.needed and bool(self.refusals)

    def by_hand_too(self, what: str, command: str = "") -> None:
        """Add a thing to be supplied by hand, once."""
        item = ByHand(what, command)
        if item not in self.by_hand:
            self.by_hand.append(item)

    def entry(self) -> Entry:
        """Return the finished entry."""
        if not self.needed:
            outcome = Outcome.NOT_NEEDED
        elif self.refused:
            outcome = Outcome.REFUSED
        else:
            outcome = Outcome.TO_BE_COMPLETED if self.by_hand else Outcome.IMPORTED
        return Entry(
            kind=self.kind,
            name=self.name,
            place=self.place,
            outcome=outcome,
            protocol=self.protocol,
            reasons=self.refusals,
            by_hand=() if self.refused else tuple(self.by_hand),
            notes=tuple(self.warnings if self.refused else [*self.warnings, *self.notes]),
            ignored=self.ignored,
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """What a Salesforce project came to: definitions for a plan, and the report, one entry a file in path order."""

    definitions: tuple[Definition, ...]
    report: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many files came to what, by kind, protocol and outcome, in that order."""
        found = Counter((str(e.kind), e.protocol, str(e.outcome)) for e in self.report)
        return dict(sorted(found.items()))

    @property
    def outcomes(self) -> dict[str, int]:
        """How many files came to each outcome; every outcome is there."""
        found = Counter(e.outcome for e in self.report)
        return {str(outcome): found[outcome] for outcome in Outcome}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it; of the definitions the names, by section of the manifest."""
        sections: dict[str, list[str]] = {}
        for definition in self.definitions:
            sections.setdefault(SECTIONS[type(definition)], []).append(name_of(definition))
        counts = [
            {"kind": kind, "protocol": protocol, "outcome": outcome, "count": count}
            for (kind, protocol, outcome), count in self.counts.items()
        ]
        return {
            "definitions": sections,
            "report": [entry.to_dict() for entry in self.report],
            "counts": counts,
            "outcomes": self.outcomes,
            "notes": list(self.notes),
        }


def lines(imported: Imported) -> Iterator[str]:
    """Yield the report as plain lines: entries by outcome, then what to know, then the counts.

    The files are other people's, so what a terminal would obey is shown as `�`.
    """
    for line in _lines(imported):
        yield "".join(c if c.isprintable() else "�" for c in line)


def _lines(imported: Imported) -> Iterator[str]:
    for outcome in Outcome:
        entries = [e for e in imported.report if e.outcome is outcome]
        if entries:
            yield f"{outcome} ({len(entries)})"
        for entry in entries:
            protocol = f" [{entry.protocol}]" if entry.protocol else ""
            yield f"  {entry.kind} {entry.name}{protocol}  {entry.place}"
            path = entry.place.rpartition(":")[0]
            for reason in entry.reasons:
                in_file = reason.startswith(f"{path}:")
                yield f"    because: line {reason[len(path) + 1 :]}" if in_file else f"    because: {reason}"
            yield from (f"    by hand: {item}" for item in entry.by_hand)
            yield from (f"    note: {note}" for note in entry.notes)
    yield from (f"note: {note}" for note in imported.notes)
    for (kind, protocol, came_to), count in imported.counts.items():
        yield f"{count:5} {kind}{f' [{protocol}]' if protocol else ''}: {came_to}"
    yield (
        ", ".join(f"{count} {outcome}" for outcome, count in imported.outcomes.items()) + f" of {len(imported.report)}"
    )
