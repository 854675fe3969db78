"""What people and programs read: results on standard output, notes and errors on standard error.

With `--json` everything that a program could want, errors too, is one JSON value on standard output.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

#: Exit codes by blame.
EXIT_CODES: Mapping[str, int] = {"caller": 2, "admin": 3, "external": 4, "callout": 5}

Result = Mapping[str, Any]
Lines = Iterable["RenderableType | EndsInCommand"]


def exit_code(blame: str | None) -> int:
    """Return the exit code for a blame; 0 where there is none."""
    return 0 if blame is None else EXIT_CODES.get(blame, EXIT_CODES["callout"])


@dataclass(frozen=True, slots=True)
class EndsInCommand:
    """A line whose end is a command that is meant to be given as it is printed."""

    line: Text


class Output:
    """Writes results, notes and errors. `machine` is True with `--json`.

    `place` are the options that say where, as they were given: printed commands need them too.
    """

    def __init__(self, stdout: IO[str], stderr: IO[str]) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.machine = False
        self.place = ""

    def result(self, result: Result, lines: Callable[[Any], Lines]) -> None:
        """Write a result: as JSON, or as the lines made of it."""
        if self.machine:
            self._json(result)
            return
        self._print(self.stdout, lines(result))

    def _print(self, stream: IO[str], lines: Lines) -> None:
        console = _console(stream)
        with console.capture() as captured:
            for line in lines:
                console.print(self._whole(line) if isinstance(line, EndsInCommand) else line)
        written = captured.get()
        if not stream.isatty():  # the cells of a table are padded: of no use to a pipe
            written = "".join(f"{line.rstrip()}\n" for line in written.splitlines())
        stream.write(written)
        stream.flush()

    def _whole(self, ending: EndsInCommand) -> Text:
        said = ending.line.plain
        placed = " --home " in said or " --url " in said or said.endswith(" --help")
        return ending.line if placed or not self.place else ending.line + self.place

    def _json(self, members: Result) -> None:
        indent = 2 if self.stdout.isatty() else None
        self.stdout.write(json.dumps(members, indent=indent, ensure_ascii=False) + "\n")
        self.stdout.flush()

    def bytes(self, chunk: bytes) -> None:
        """Write bytes as they are, and at once: an answer may be a stream of events."""
        self.stdout.flush()
        binary = getattr(self.stdout, "buffer", None)
        if binary is None:
            self.stdout.write(chunk.decode("utf-8", "replace"))
        else:
            binary.write(chunk)
            binary.flush()
        self.stdout.flush()

    def note(self, text: str) -> None:
        """Say something that is not the result."""
        self.stderr.write(text + "\n")
        self.stderr.flush()

    def problem(self, document: Result) -> int:
        """Write a problem document; the one place that prints errors. Returns the exit code."""
        if self.machine:
            self._json(document)
        else:
            self._print(self.stderr, _problem_lines(document))
        return exit_code(document.get("blame", "callout"))

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show that something is going on, on a terminal only."""
        if self.machine or not self.stderr.isatty():
            yield
            return
        with _console(self.stderr).status(text):
            yield


def _problem_lines(document: Result) -> Lines:
    from rich.text import Text

    title = Text.assemble(("error: ", "bold red"), document.get("title", "refused"))
    if document.get("reason"):
        title.append(f" ({document['reason']})", style="dim")
    yield title
    problems = document.get("problems")
    details = [p["text"] for p in problems] if problems else str(document.get("detail", "")).splitlines()
    for detail in details:
        yield Text("  " + detail)
    for remedy in document.get("remedy", ()):
        yield remedy_line(remedy)
    if document.get("callout_id"):
        yield command_line("  ", f"callout explain {document['callout_id']}", style="dim")


def remedy_line(remedy: str) -> RenderableType | EndsInCommand:
    """Show one remedy."""
    from rich.text import Text

    line = Text.assemble(("  → ", "green"), remedy)
    return EndsInCommand(line) if ": callout " in remedy else line


def command_line(start: str, command: str, style: str = "") -> EndsInCommand:
    """Show a command that can be given as it is printed, after some words."""
    from rich.text import Text

    return EndsInCommand(Text(f"{start}{command}", style=style))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> Lines:
    """Show rows under their columns, or a sentence where there is none."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(shown(cell)) for cell in row))
    yield made if made.rows else Text(empty)


def shown(value: object) -> str:
    """Show one value in a cell or line."""
    match value:
        case None | "" | []:
            return "–"
        case True:
            return "yes"
        case False:
            return "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{k}={v}" for k, v in value.items()) or "–"
        case _:
            return str(value)


def fields(result: Result, *names: str) -> Lines:
    """Show some members, one a line."""
    from rich.text import Text

    width = max(map(len, names))
    for name in names:
        yield Text.assemble((name.replace("_", " ").ljust(width + 2), "bold"), shown(result.get(name)))


def message(result: Result) -> Lines:
    """Show what a change says of itself."""
    from rich.text import Text

    yield Text(str(result["message"]))


def text(line: str, style: str = "") -> RenderableType:
    """Return a line that is shown as it is: no markup is read in it."""
    from rich.text import Text

    return Text(line, style=style)


def _console(stream: IO[str]) -> Console:
    """Return a console; where nobody looks at a screen, lines are never broken or cut."""
    from rich.console import Console

    width = None if stream.isatty() else 100_000
    return Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)
