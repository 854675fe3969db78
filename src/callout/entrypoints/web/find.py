"""Quick Find: type a few letters, be there. Sections, what they hold, and what can be done are found alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from starlette.responses import Response

from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit

#: Places that are shown; the best first.
MOST_FOUND = 12
#: Characters of a question that are looked at.
LONGEST = 100


def pages_of(sections: tuple[Section, ...]) -> tuple[Page, ...]:
    """Return the pages of Quick Find over these sections."""

    async def results(visit: Visit) -> Response:
        question = visit.asked("q")[:LONGEST]
        found = best(question, places(sections, visit)) if question else []
        template = "find_results.html" if visit.asked("part") else "find.html"
        return visit.page(template, question=question, found=found)

    return (Page("/setup/find", get=results),)


def places(sections: tuple[Section, ...], visit: Visit) -> Iterator[Place]:
    """Yield every place that who asks may go to."""
    for section in sections:
        if section.seen_by(visit):
            yield Place(section.title, section.path, "Setup", section.words)
            yield from section.places
            if section.found is not None:
                yield from section.found(visit)


def best(question: str, candidates: Iterable[Place]) -> list[Place]:
    """Return the places that a question finds, the best first; of equal ones the shorter title."""
    scored = ((score(question, place), place) for place in candidates)
    ranked = sorted(
        ((points, place) for points, place in scored if points), key=lambda p: (-p[0], len(p[1].title), p[1].title)
    )
    return [place for _, place in ranked[:MOST_FOUND]]


def score(question: str, place: Place) -> int:
    """Say how well a place answers a question, in points; 0: not at all.

    Each word of the question is found in the title, as its start, as the start of one of its words, within it, as the
    start of one of its words but for one letter, or as letters of it in their order; or in the words that one may call it.
    """
    total = 0
    for word in question.lower().split():
        points = max(_points(word, place.title.lower()), _points(word, place.words.lower()) // 2)
        if not points:
            return 0
        total += points
    return total + (5 if question.lower() == place.title.lower() else 0)


def _points(word: str, text: str) -> int:
    if text.startswith(word):
        return 40
    if any(part.startswith(word) for part in text.replace("_", " ").split()):
        return 30
    if word in text:
        return 20
    initials = "".join(part[0] for part in text.split())
    if len(word) > 1 and initials.startswith(word):
        return 15
    if len(word) > 3 and any(_nearly_starts(part, word) for part in text.split()):
        return 12
    return 8 if len(word) > 2 and _in_order(word, text) else 0


def _nearly_starts(text: str, word: str) -> bool:
    """Say whether a text starts with a word of which one letter is wrong, missing, too many, or swapped with the next.

    The first letter is right: people look at that one.
    """
    least = min(len(text), len(word))
    at = next((at for at in range(least) if text[at] != word[at]), least)
    if not at:
        return False
    there, typed = text[at:], word[at:]
    swapped = typed[1:2] + typed[:1] + typed[2:]
    return there.startswith((typed[1:], swapped)) or there[1:].startswith((typed, typed[1:]))


def _in_order(word: str, text: str) -> bool:
    """Say whether the letters of a word stand in a text in their order, the first at the start of one of its words."""
    starts = [at for at, letter in enumerate(text) if letter == word[0] and (at == 0 or not text[at - 1].isalnum())]
    for start in starts:
        rest = iter(text[start + 1 :])
        if all(letter in rest for letter in word[1:]):
            return True
    return False
