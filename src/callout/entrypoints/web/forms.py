"""Forms of definitions: fields declared once, drawn with what is defined and what is wrong, and read back.

A field stands at a `path` of the manifest's own form of a definition (`("parameters", "token_endpoint")`), so the place
that a problem names is the field that it is shown at, and what is read is what `… .set` takes. Its name in HTML is its
path, joined by slashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from callout.core.protocol import Parameter
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.visit import Form, number_in

#: Rows that stand empty at the end of a list, to be filled in.
SPARE_ROWS = 1
#: Problems that are shown: who has more has sent what no page of ours would, and each is looked for at every field.
MOST_PROBLEMS = 200


class Kind(StrEnum):
    """How a field is drawn and what it holds."""

    TEXT = "text"
    URL = "url"
    LONG = "long"  # text of several lines, or a formula
    NUMBER = "number"
    CHECK = "check"
    CHOICE = "choice"
    SECRET = "secret"
    KEY = "key_file"  # a secret of several lines, or what a file holds
    LINES = "lines"  # a list of texts, one a line
    NUMBERS = "numbers"  # a list of numbers, with commas
    PICK = "pick"  # a list of names out of those that there are
    ROWS = "rows"  # a list of records
    MAP = "map"  # texts by a name that is free


#: Kinds of which no value is ever drawn.
SECRETS = frozenset({Kind.SECRET, Kind.KEY})


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `choices` are values with their labels, `options` names that may be proposed, `fields` those of a row.

    `absent` is the value that a definition has where it says nothing; a text that is left empty is left out. A `secret`
    is never drawn: `held` says whether there is one. `redraws`: the form has other fields with another value of it.
    `short` is the field of a row that stands alone, as a text, where the row holds nothing else. `explicit`: an empty
    list is said, since what is left out would mean another (what a standard definition has). Of a `PICK`, `choices`
    word its options; of a `MAP`, `fields` are its `key` and `value`, where they are not any texts.
    """

    path: tuple[str, ...]
    label: str
    kind: Kind = Kind.TEXT
    help: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    absent: Any = None
    held: bool = False
    redraws: bool = False
    row: str = "row"  # what one row is called
    see: tuple[str, str] | None = None  # a link that helps: its text and where it leads
    short: str = ""
    explicit: bool = False

    @property
    def name(self) -> str:
        """The name in HTML."""
        return "/".join(self.path)


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading. A `folded` one is shown when it is asked for, or where a field of it is filled in."""

    title: str
    fields: tuple[Field, ...]
    help: str = ""
    folded: bool = False
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A field as it is shown. `rows` are those of a list, each with its fields."""

    field: Field
    name: str
    value: Any
    problems: tuple[str, ...] = ()
    rows: tuple[tuple[Drawn, ...], ...] = ()

    @property
    def id(self) -> str:
        """The id in HTML."""
        return "f-" + re.sub(r"[^A-Za-z0-9_-]", "-", self.name)

    @property
    def is_filled(self) -> bool:
        """Say whether there is something in it that a folded group would hide."""
        wanted = self.value not in (None, "", [], {}, False, self.field.absent)
        return wanted or bool(self.problems) or any(each.is_filled for row in self.rows for each in row)


@dataclass(frozen=True, slots=True)
class DrawnGroup:
    """A group as it is shown. `named`: a problem elsewhere is mended by a field of it."""

    group: Group
    fields: tuple[Drawn, ...]
    named: bool = False

    @property
    def open(self) -> bool:
        """Say whether its fields are seen at once."""
        return not self.group.folded or self.named or any(each.is_filled for each in self.fields)


@dataclass(slots=True)
class Drawing:
    """A form with its values. `problems` are those that no field of it has."""

    groups: list[DrawnGroup] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[Drawn]:
        """The fields with a problem, also those in rows."""
        return [each for each in self._all() if each.problems]

    def lost(self, form: Form) -> list[str]:
        """Return the labels of the secrets that a form brought: a page never shows them, so they are typed again."""
        return [each.field.label for each in self._all() if each.field.kind in SECRETS and form.raw(each.name)]

    def _all(self) -> Iterator[Drawn]:
        for group in self.groups:
            yield from _flat(group.fields)


def draw(
    groups: Iterable[Group],
    definition: Mapping[str, Any],
    problems: Mapping[tuple[str, ...], Sequence[str]] | None = None,
) -> Drawing:
    """Return a form that shows a definition, each problem (see `placed`) at its field."""
    found = list((problems or {}).items())
    left = {place: list(texts) for place, texts in found[:MOST_PROBLEMS]}
    told = " ".join(text for texts in left.values() for text in texts)
    drawing = Drawing()
    for group in groups:
        drawn = tuple(_drawn(each, each.path, at(definition, each.path), left) for each in group.fields)
        drawing.groups.append(DrawnGroup(group, drawn, any(f"“{each.label}”" in told for each in group.fields)))
    drawing.problems = [text for texts in left.values() for text in texts]
    if len(found) > MOST_PROBLEMS:
        drawing.problems.append(f"and {len(found) - MOST_PROBLEMS} more places where something is wrong")
    return drawing


def placed(document: Mapping[str, Any], *prefixes: str) -> dict[tuple[str, ...], list[str]]:
    """Return the problems of a problem document by their place within the definition at one of these prefixes."""
    found: dict[tuple[str, ...], list[str]] = {}
    for problem in document.get("problems") or ():
        place, text = str(problem["place"]), f"got {problem['got']}; expected {problem['expected']}"
        text = text.replace("allow_private_network: true", "“Allow private network”")  # what its field is called
        if place.endswith(".parameters") and str(problem["got"]).startswith("no "):  # one that is missing is a field
            place += f".{problem['got'].removeprefix('no ')}"
        if problem.get("nearest"):
            text += f"; did you mean {problem['nearest']}?"
        prefix = next((each for each in prefixes if place == each or place.startswith((f"{each}.", f"{each}["))), None)
        if prefix is None:
            found.setdefault((), []).append(str(problem["text"]))
        else:
            rest = re.sub(r"\[([^\]]*)\]", r".\1", place.removeprefix(prefix)).strip(".")
            found.setdefault(tuple(rest.split(".")) if rest else (), []).append(text)
    if not found and document.get("detail"):
        found[()] = [str(document["detail"])]
    return found


def with_unfilled(
    problems: Mapping[tuple[str, ...], list[str]], groups: Iterable[Group], definition: Mapping[str, Any]
) -> dict[tuple[str, ...], list[str]]:
    """Return the problems, and those of fields that are needed and empty: the first that was found may hide them.

    Secrets are left out: whether one is held already, the definition does not say.
    """
    empty = [
        each.path
        for group in groups
        for each in group.fields
        if each.required and each.kind not in SECRETS and at(definition, each.path) in (None, "", [])
    ]
    return {**{path: ["got nothing; expected it to be filled in"] for path in empty}, **problems}


def read(groups: Iterable[Group], form: Form, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition with what a form says; what the form has no field for stays as it was."""
    whole = deepcopy(dict(definition))
    for each in (each for group in groups for each in group.fields):
        value = _read(each, each.path, form)
        put(whole, each.path, value, keep=each.kind in SECRETS)
    return whole


def fields_of_parameters(
    parameters: Iterable[Parameter],
    *,
    at_path: tuple[str, ...] = ("parameters",),
    certificates: Sequence[str] = (),
    held: Iterable[str] = (),
) -> tuple[Field, ...]:
    """Return the fields of what a protocol declares, at a place of the definition. `held` are secrets that are set."""
    known = set(held)
    return tuple(_field_of(each, at_path, certificates, known) for each in parameters)


def _field_of(parameter: Parameter, start: tuple[str, ...], certificates: Sequence[str], held: set[str]) -> Field:
    label, path = words(parameter.name), (*start, parameter.name)
    told = f"{parameter.help}. Left out: {parameter.default}." if parameter.default else parameter.help
    needed = parameter.required and parameter.default is None and not parameter.unless and not parameter.when
    if parameter.key is not None:
        return Field(path, label, Kind.MAP, told, row="value")
    if parameter.secret:
        return Field(path, label, Kind.SECRET, told, required=needed, held=parameter.name in held)
    if parameter.key_pair:
        choices = (("", "None"), *((name, name) for name in certificates))
        return Field(path, label, Kind.CHOICE, told, required=needed, choices=choices)
    if parameter.choices:
        first = (("", f"Usual: {parameter.default}" if parameter.default else "Choose…"),)
        return Field(
            path,
            label,
            Kind.CHOICE,
            told,
            needed,
            (*first, *((each, each) for each in parameter.choices)),
            redraws=True,
        )
    kind = Kind.URL if parameter.url else Kind.LONG if parameter.formula else Kind.TEXT
    return Field(path, label, kind, told, required=needed)


# --- drawing ----------------------------------------------------------------------------------------------------


def _drawn(spec: Field, path: tuple[str, ...], value: Any, left: dict[tuple[str, ...], list[str]]) -> Drawn:
    rows: tuple[tuple[Drawn, ...], ...] = ()
    if spec.kind in (Kind.ROWS, Kind.MAP):
        rows = tuple(_rows(spec, path, value, left))
    problems = _taken(left, path)
    return Drawn(spec, "/".join(path), value if value is not None else spec.absent, problems, rows)


def _rows(
    spec: Field, path: tuple[str, ...], value: Any, left: dict[tuple[str, ...], list[str]]
) -> Iterator[tuple[Drawn, ...]]:
    if spec.kind is Kind.MAP:
        entries = [{"key": key, "value": text} for key, text in (value or {}).items()]
        inner: tuple[Field, ...] = spec.fields or (Field(("key",), "Name"), Field(("value",), "Value", Kind.LONG))
        for key in [key for key in left if key[: len(path)] == path and len(key) > len(path)]:
            at_row = next((i for i, e in enumerate(entries) if e["key"] == ".".join(key[len(path) :])), None)
            if at_row is not None:
                left.setdefault((*path, str(at_row), "value"), []).extend(left.pop(key))
    else:
        entries = [{spec.short: each} if isinstance(each, str) else each for each in value or []]
        inner = spec.fields
        if spec.short:
            _move_to_rows(left, path, spec.short, [str(each.get(spec.short)) for each in entries])
    for number, entry in enumerate([*entries, *[{}] * SPARE_ROWS]):
        row = (*path, str(number))
        yield tuple(_drawn(each, (*row, *each.path), at(entry, each.path), left) for each in inner)


def _move_to_rows(
    left: dict[tuple[str, ...], list[str]], path: tuple[str, ...], short: str, names: Sequence[str]
) -> None:
    """Give problems at the name of a row the place of a field of it: names may hold dots, so places are joined."""
    for place in [place for place in left if place[: len(path)] == path]:
        joined = ".".join(place[len(path) :])
        for number, name in enumerate(names):
            if joined == name or joined.startswith(f"{name}."):
                rest = joined.removeprefix(name).strip(".").split(".")[0]
                left.setdefault((*path, str(number), rest or short), []).extend(left.pop(place))
                break


def _taken(left: dict[tuple[str, ...], list[str]], path: tuple[str, ...]) -> tuple[str, ...]:
    mine = [place for place in left if place[: len(path)] == path]
    return tuple(text for place in mine for text in left.pop(place))


def _flat(drawn: Iterable[Drawn]) -> Iterator[Drawn]:
    for each in drawn:
        yield each
        for row in each.rows:
            yield from _flat(row)


# --- reading ----------------------------------------------------------------------------------------------------


def _read(spec: Field, path: tuple[str, ...], form: Form) -> Any:
    name = "/".join(path)
    match spec.kind:
        case Kind.CHECK:
            return name in form
        case Kind.SECRET | Kind.KEY:
            return form.raw(name) or ("" if spec.required and spec.kind is Kind.KEY else None)
        case Kind.NUMBER:
            return _number(form.text(name)) if form.text(name) else None
        case Kind.LINES:
            return _split(form.text(name), "\n") or None
        case Kind.NUMBERS:
            return [_number(each) for each in _split(form.text(name).replace(",", "\n"), "\n")] or None
        case Kind.PICK:
            picked = sorted({each for text in form.texts(name) for each in _split(text, "\n")})
            return picked if picked or spec.explicit else None
        case Kind.MAP:
            rows = _read_rows((Field(("key",), ""), Field(("value",), "")), path, form)
            return {row.get("key", ""): row.get("value", "") for row in rows} or None
        case Kind.ROWS:
            rows = [_shortened(spec, row) for row in _read_rows(spec.fields, path, form)]
            return rows if rows or spec.explicit else None
        case Kind.CHOICE if {value for value, _ in spec.choices} == {"", "true", "false"}:
            return {"true": True, "false": False}.get(form.text(name))
        case _:
            return form.text(name) or ("" if spec.required else None)


def _read_rows(fields: Sequence[Field], path: tuple[str, ...], form: Form) -> list[dict[str, Any]]:
    start = "/".join(path) + "/"
    numbers = {name.removeprefix(start).partition("/")[0] for name in form.values if name.startswith(start)}
    found = []
    for number in sorted((each for each in numbers if number_in(each) is not None), key=int):
        row: dict[str, Any] = {}
        for each in fields:
            put(row, each.path, _read(each, (*path, number, *each.path), form))
        if any(value not in (None, "", False, {}) for value in row.values()) and f"{start}{number}/remove" not in form:
            found.append(row)
    return found


def _shortened(spec: Field, row: dict[str, Any]) -> Any:
    alone = bool(spec.short) and row.keys() == {spec.short}
    return row[spec.short] if alone else row


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text


def _split(text: str, separator: str) -> list[str]:
    return [each.strip() for each in text.split(separator) if each.strip()]


# --- places in a definition ---------------------------------------------------------------------------------------


def at(definition: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path, or None. Of parameters with keys, `claims` stands for every `claims.NAME`."""
    for number, part in enumerate(path):
        if not isinstance(definition, Mapping):
            return None
        if part not in definition and number == len(path) - 1:
            keyed = {k.removeprefix(f"{part}."): v for k, v in definition.items() if k.startswith(f"{part}.")}
            return keyed or None
        definition = definition.get(part)
    return definition


def put(definition: dict[str, Any], path: tuple[str, ...], value: Any, *, keep: bool = False) -> None:
    """Put a value at a path; None takes away what is there, unless it is to be kept."""
    *above, last = path
    for part in above:
        inner = definition.get(part)
        if inner is None and value is None:
            return
        definition = definition.setdefault(part, {}) if inner is None else inner
    if value is None and keep:
        return
    if above[-1:] == ["parameters"] or above[-1:] == ["secrets"]:
        for key in [key for key in definition if key.startswith(f"{last}.")]:
            del definition[key]
        if isinstance(value, dict):
            definition.update({f"{last}.{key}": text for key, text in value.items()})
            return
    if value is None:
        definition.pop(last, None)
    else:
        definition[last] = value
