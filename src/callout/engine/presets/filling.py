"""A preset with its placeholders filled in: what the same in a manifest would be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from callout.core.errors import DefinitionError, Problem
from callout.core.rules import nearest
from callout.engine.presets.preset import NAME, PLACEHOLDER, Preset, Trial


@dataclass(frozen=True, slots=True)
class Filled:
    """The texts of a preset in which no placeholder is left."""

    url: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    test: Trial | None


def fill(preset: Preset, name: str, inputs: Mapping[str, str]) -> Filled:
    """Fill in a preset for what is to be called `name`.

    Raises `DefinitionError` with every input that is missing, unknown, or of another form.
    """
    problems = list(_problems(preset, inputs))
    if problems:
        raise DefinitionError(problems)
    given = {key: known.default for key, known in preset.inputs.items() if known.default is not None}
    values = {**given, **inputs, NAME: name}

    def filled(text: str) -> str:
        return PLACEHOLDER.sub(lambda found: values[found[1]], text)

    return Filled(
        filled(preset.url),
        {key: filled(value) for key, value in preset.parameters.items()},
        {key: filled(value) for key, value in preset.headers.items()},
        Trial(filled(preset.test.path), filled(preset.test.body)) if preset.test is not None else None,
    )


def _problems(preset: Preset, inputs: Mapping[str, str]) -> Iterator[Problem]:
    for key, known in preset.inputs.items():
        if key not in inputs and known.default is None:
            expected = f"{known.help}, such as --input {key}={known.example}"
            yield Problem(f"inputs.{key}", "nothing", expected)
    for key, value in inputs.items():
        place = f"inputs.{key}"
        if key not in preset.inputs:
            taken = ", ".join(preset.inputs) or "none"
            yield Problem(place, f"input {key!r}", f"one that {preset.id} takes: {taken}", nearest(key, preset.inputs))
        elif re.fullmatch(preset.inputs[key].pattern, value) is None:
            known = preset.inputs[key]
            yield Problem(place, repr(value[:80]), f"{known.help}, such as {known.example}")
