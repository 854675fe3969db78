"""The house keeps its shape: sizes, docstrings, mirrors and words, read from the source itself."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
BENCHES = sorted((ROOT / "bench").rglob("*.py"))

LONGEST_FILE = 500
LONGEST_FUNCTION = 60
BANNED = re.compile(r"(^|_)(manager|handler|helpers?|utils?|util|whitelist|blacklist|misc|common)(_|$)", re.IGNORECASE)
#: Names that a library asks for.
ASKED_FOR = {"add_signal_handler", "set_exception_handler", "exception_handlers"}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*SOURCES, *TESTS, *BENCHES], ids=relative)
def test_no_file_is_longer_than_500_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def functions_of(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_no_function_is_longer_than_60_lines(path: Path) -> None:
    long = [
        f"{f.name}: {f.end_lineno - f.lineno + 1}"
        for f in functions_of(path)
        if f.end_lineno - f.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "the first lines say what the file does"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_name_is_one_of_the_words_that_say_nothing(path: Path) -> None:
    names = {path.stem} | {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assert [name for name in names - ASKED_FOR if BANNED.search(name)] == []


CORE = ROOT / "src" / "callout" / "core"
MIRRORED = [p for p in SOURCES if p.is_relative_to(CORE) and p.name != "__init__.py"]
#: Modules that hold shapes alone: there is nothing to run.
SHAPES = {"ports.py"}


@pytest.mark.parametrize("path", MIRRORED, ids=relative)
def test_every_module_of_core_has_a_test_file_of_its_own(path: Path) -> None:
    if path.name in SHAPES:
        return
    folder = ROOT / "tests" / "core" / path.relative_to(CORE).parent
    own = [folder / f"test_{path.stem}.py", *folder.glob(f"test_{path.stem}_*.py")]
    assert any(each.exists() for each in own), f"expected {relative(own[0])}"


def test_no_tracked_text_names_a_path_of_one_machine() -> None:
    machine = re.compile(r"(^|[^a-z.])/(home|root|work|opt)/[a-z]")
    texts = [*SOURCES, *TESTS, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile"]
    found = [relative(t) for t in texts if t != Path(__file__) and machine.search(t.read_text())]
    assert found == []
