"""Long lists in short pages: what a filter leaves of them, so many at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from callout.entrypoints.web.visit import Visit, number_in

#: Rows of one page.
ROWS = 50
#: Characters of a filter that are looked at: each row is searched for each word of it.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list. `question` is the filter, `page` counts from 1, `total` all rows that the filter leaves."""

    rows: Sequence[Any]
    question: str
    page: int
    pages: int
    total: int
    whole: int
    path: str

    def at(self, page: int) -> str:
        """Return the address of another page of the same list."""
        return f"{self.path}?{urlencode({'q': self.question, 'page': page})}"


def listing(visit: Visit, rows: Sequence[Any], text_of: Callable[[Any], str]) -> Listing:
    """Return the page of a list that is asked for with `q` and `page`. `text_of` is what the filter looks at."""
    question = visit.asked("q")[:LONGEST]
    words = dict.fromkeys(question.lower().split())
    left = [row for row in rows if all(word in text_of(row).lower() for word in words)] if words else rows
    pages = max(1, -(-len(left) // ROWS))
    page = min(number_in(visit.asked("page")) or 1, pages)
    return Listing(
        left[(page - 1) * ROWS : page * ROWS], question, page, pages, len(left), len(rows), visit.request.url.path
    )
