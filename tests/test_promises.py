"""The table of what a refresh promises says which tests show it, and they are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "refresh.md"
HEADING = "## The thirty promises\n"
LINK = re.compile(r"\[`(\w+)`\]\(([^)#]+)\)")
SKIPS = {"skip", "skipif", "xfail", "importorskip"}
#: What a test of the event loop may wait with, in seconds: a turn of it, or a thread's.
A_TURN = 0.001


def rows() -> list[list[str]]:
    """The cells of each row below the heading of the table."""
    section = PAGE.read_text().split(HEADING)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def known_in(path: Path) -> dict[str, ast.stmt]:
    """The tests that a file has: its functions, and what Hypothesis makes of a machine."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found |= {node.targets[0].id: node} if node.targets[0].id.startswith("Test") else {}
    return found


def is_skipped(node: ast.stmt) -> bool:
    """Whether a test may be left out, or may fail."""
    return any(isinstance(each, ast.Attribute) and each.attr in SKIPS for each in ast.walk(node))


def test_the_table_has_the_thirty_in_their_order_and_each_says_what_and_how() -> None:
    table = rows()
    assert [row[0] for row in table] == [f"R{number}" for number in range(1, 31)]
    assert [row for row in table if len(row) != 4 or not all(row)] == []


def test_every_promise_names_tests_that_are_there_and_run() -> None:
    wrong = []
    for label, _, cell, _ in rows():
        links = LINK.findall(cell)
        if not links or LINK.sub("", cell).strip(", "):
            wrong.append(f"{label}: got {cell}; expected links to tests alone")
        for name, target in links:
            path = PAGE.parent / target
            test = known_in(path).get(name) if path.is_file() else None
            if test is None:
                wrong.append(f"{label}: {target} has no test {name}")
            elif is_skipped(test):
                wrong.append(f"{label}: {name} may be skipped")
    assert wrong == []


def test_no_test_is_named_by_a_number_of_the_table() -> None:
    assert [name for row in rows() for name, _ in LINK.findall(row[2]) if re.match(r"test_r\d", name)] == []


def sleeps(path: Path) -> list[tuple[str, int]]:
    """The calls of `sleep` in a file that wait for more than a turn."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    waits = [call for call in calls if isinstance(call.func, ast.Attribute | ast.Name) and named(call) == "sleep"]
    return [(str(path.relative_to(ROOT)), call.lineno) for call in waits if not is_a_turn(call)]


def named(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_a_turn(call: ast.Call) -> bool:
    (seconds,) = call.args
    return isinstance(seconds, ast.Constant) and isinstance(seconds.value, int | float) and seconds.value <= A_TURN


def test_no_test_of_core_or_engine_waits_for_time_to_pass() -> None:
    below = [path for ring in ("core", "engine") for path in sorted((ROOT / "tests" / ring).rglob("*.py"))]
    assert len(below) > 50
    assert [found for path in below for found in sleeps(path)] == []
