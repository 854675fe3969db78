"""docs/setup.md shows every page of the console, as it was walked."""

from __future__ import annotations

import re
from pathlib import Path

from tests.setup_console import AFTER, pages

DOCS = Path(__file__).parents[3] / "docs"
SHOWN = re.compile(
    r"^(?P<sentence>\S.*[.)])\n\n!\[(?P<told>[^\]]+)\]\(images/setup/(?P<name>[\w.-]+)\.png\)$", re.MULTILINE
)
#: Most bytes of all pictures together.
HEAVIEST = 4_500_000


def test_every_page_has_a_picture_and_a_sentence() -> None:
    shown = {found["name"] for found in SHOWN.finditer((DOCS / "setup.md").read_text())}
    wanted = {each.picture for each in pages()} | {path.removeprefix("/setup/").replace("/", "-") for path in AFTER}
    assert wanted - shown == set(), "take its picture with `make screenshots`, and say in docs/setup.md what it is for"


def test_every_picture_is_shown_and_there() -> None:
    shown = re.findall(r"\(images/setup/([^)]+)\)", (DOCS / "setup.md").read_text())
    kept = {each.name: each.stat().st_size for each in (DOCS / "images" / "setup").glob("*.png")}
    assert sorted(shown) == sorted(kept), "each once"
    assert sum(kept.values()) < HEAVIEST
