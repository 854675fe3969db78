"""Every preset, and the search for one by words: as they are written, or nearly."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from callout.engine.presets.preset import Preset
from callout.engine.setup import NotDefined, unknown

_WORD = re.compile(r"[a-z0-9]+")
#: How like a word has to be to one that is there, where it is not there itself (0 to 1).
_LIKE = 0.8
#: Words that are looked for, and characters of each.
MOST_WORDS, LONGEST_WORD = 12, 40
#: What a word is worth that is found: as the id or the label, at the start of a word there, in it; elsewhere less.
_WHOLE, _START, _WITHIN, _TOLD, _NEARLY = 16, 8, 4, 2, 1


@dataclass(frozen=True, slots=True)
class Presets:
    """Presets by id."""

    by_id: Mapping[str, Preset] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Preset]:
        return iter(sorted(self.by_id.values(), key=lambda preset: preset.id))

    def find(self, identifier: str) -> Preset:
        """Return a preset by its id; raises `NotDefined` with the nearest id, and with what a search would find."""
        found = self.by_id.get(identifier)
        if found is not None:
            return found
        problem = unknown(
            f"presets.{identifier}", identifier, self.by_id, "a preset; `callout presets WORDS` finds one"
        )
        raise NotDefined([problem])

    def search(self, words: Sequence[str]) -> list[Preset]:
        """Return the presets that every word is found in, the best first; all of them where there is no word.

        Of very many words the first are looked for: one that is nearly found costs much.
        """
        parts = (part for word in words for part in _WORD.findall(word.lower()[:LONGEST_WORD]))
        wanted = list(islice(dict.fromkeys(parts), MOST_WORDS))
        worth = {preset.id: [_worth(preset, word) for word in wanted] for preset in self}
        having = [preset for preset in self if all(worth[preset.id])]
        return sorted(having, key=lambda preset: (-sum(worth[preset.id]), preset.id))


def _worth(preset: Preset, word: str) -> int:
    """Return how well one word is found in a preset; 0: it is not."""
    named = _WORD.findall(f"{preset.id} {preset.label}".lower())
    told = _WORD.findall(" ".join((preset.description, preset.protocol, *preset.tags)).lower())
    if word in (preset.id, preset.label.lower()) or word == named[0]:
        return _WHOLE
    if any(each.startswith(word) for each in named):
        return _START
    if any(word in each for each in named):
        return _WITHIN
    if any(each.startswith(word) for each in told):
        return _TOLD
    return _NEARLY if difflib.get_close_matches(word, [*named, *told], n=1, cutoff=_LIKE) else 0
