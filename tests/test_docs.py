"""The pages say what the code says."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callout import __version__
from callout.core.formula.functions import FUNCTIONS
from callout.core.formula.scope import ORGANIZATION_FIELDS, SHORT_FIELDS, USER_FIELDS
from callout.core.model.org import Org
from callout.core.protocols import CATALOGUE
from callout.core.reasons import REASONS
from callout.engine.manifest import read_manifest
from callout.engine.plan import make_plan

ROOT = Path(__file__).parent.parent


def test_generated_pages_are_those_that_the_code_makes_today() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_docs.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "reference" / "protocols").glob("*.md")), ids=lambda p: p.stem)
def test_the_manifest_on_the_page_of_a_protocol_is_accepted(page) -> None:
    assert page.stem in CATALOGUE, "the page is left over from a protocol that has gone"
    (manifest,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = make_plan(Org(), read_manifest(manifest, page.name, str), CATALOGUE, now=now)
    assert {type(each.definition).__name__ for each in made.planned} >= {"ExternalCredential", "NamedCredential"}


def test_every_file_that_the_walk_through_names_exists() -> None:
    page = (ROOT / "docs" / "how-a-callout-works.md").read_text()
    named = set(re.findall(r"`((?:core|engine|app|adapters|entrypoints)/[\w/.]+)`", page))
    assert named
    assert [name for name in named if not (ROOT / "src" / "callout" / name).exists()] == []


def test_every_reason_that_the_walk_through_names_is_in_the_table() -> None:
    page = (ROOT / "docs" / "how-a-callout-works.md").read_text()
    stages = page.split("## Processes")[0]
    codes = {reason.code for reason in REASONS}
    unknown = set(re.findall(r"`([a-z]+_[a-z_]+)`", stages)) - codes
    assert unknown == set()


def test_every_function_of_formulas_is_on_their_page_with_what_it_does_and_an_example() -> None:
    page = (ROOT / "docs" / "formulas.md").read_text()
    for function in FUNCTIONS.values():
        row = next((line for line in page.splitlines() if line.startswith(f"| `{function.signature}` |")), "")
        assert function.help.replace("||", "&#124;&#124;") in row, function.name
        assert function.example[1] in row
    for fields in (SHORT_FIELDS, USER_FIELDS, ORGANIZATION_FIELDS):
        assert all(told in page for told in fields.values())


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_changelog_has_a_section_for_what_is_not_released_or_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text or f"## [{__version__}]" in text


def test_the_manifest_on_the_page_about_token_endpoints_is_accepted() -> None:
    page = (ROOT / "docs" / "token-endpoints.md").read_text()
    (manifest,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = make_plan(Org.of(), read_manifest(manifest, "page.yaml", lambda source: source.name), CATALOGUE, now=now)
    declared = {name.partition(".")[0] for name in made.planned[0].definition.parameters}
    assert declared <= {parameter.name for parameter in CATALOGUE["oauth2_refresh_token"].parameters}
