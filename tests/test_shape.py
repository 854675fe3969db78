"""The house keeps its shape: sizes, docstrings, mirrors and words, read from the source itself."""

import ast
import re
from functools import cache
from pathlib import Path

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


def test_no_file_is_longer_than_500_lines() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in [*SOURCES, *TESTS, *BENCHES]}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def blocks_below(node: ast.AST):
    """Yield every statement below, and what holds statements; no expression: nothing is defined in one."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from blocks_below(child)


@cache
def read(path: Path) -> tuple[str | None, list[tuple[str, int]], set[str]]:
    """Return a module's docstring, its functions with their lengths in lines, and the names that it defines."""
    tree = ast.parse(path.read_text())
    blocks = list(blocks_below(tree))
    functions = [node for node in blocks if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    names = {node.name for node in [*functions, *(node for node in blocks if isinstance(node, ast.ClassDef))]}
    return ast.get_docstring(tree), [(f.name, f.end_lineno - f.lineno + 1) for f in functions], names


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        (relative(path), name, length)
        for path in [*SOURCES, *TESTS]
        for name, length in read(path)[1]
        if length > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_module_says_what_it_is() -> None:
    silent = [relative(path) for path in SOURCES if not read(path)[0]]
    assert silent == [], "the first lines say what the file does"


def names_of(path: Path) -> set[str]:
    return {path.stem, *read(path)[2]}


def test_no_name_is_one_of_the_words_that_say_nothing() -> None:
    found = [(relative(path), n) for path in SOURCES for n in names_of(path) - ASKED_FOR if BANNED.search(n)]
    assert found == []


CORE = ROOT / "src" / "callout" / "core"
MIRRORED = [p for p in SOURCES if p.is_relative_to(CORE) and p.name != "__init__.py"]
#: Modules that hold shapes alone: there is nothing to run.
SHAPES = {"ports.py"}


def test_every_module_of_core_has_a_test_file_of_its_own() -> None:
    missing = []
    for path in MIRRORED:
        folder = ROOT / "tests" / "core" / path.relative_to(CORE).parent
        own = [folder / f"test_{path.stem}.py", *folder.glob(f"test_{path.stem}_*.py")]
        if path.name not in SHAPES and not any(each.exists() for each in own):
            missing.append(relative(own[0]))
    assert missing == []


def test_no_tracked_text_names_a_path_of_one_machine() -> None:
    machine = re.compile(r"(^|[^a-z.])/(home|root|work|opt)/[a-z]")
    texts = [*SOURCES, *TESTS, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile"]
    found = [relative(t) for t in texts if t != Path(__file__) and machine.search(t.read_text())]
    assert found == []
