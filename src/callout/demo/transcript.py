"""The transcript: scenes, commands, and each callout in three columns (or blocks, where the screen is narrow)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from callout.demo.world import Exchanged, World

#: Width where nobody looks at a screen, and the least for three columns.
WIDTH, LEAST_FOR_COLUMNS = 132, 100
REDACTED = "…"
#: Headers that say something in a demo; the others are left out.
TOLD = {"callout-id", "authorization", "x-source", "x-desk", "callout-error", "callout-replay", "callout-key"}
TITLES = ("request sent", "request received (secrets …)", "answer")


class Transcript:
    """Prints. `title` is the scene that is being played, `complete` says whether all were.

    `width` is that of the screen where there is one, else `WIDTH`.
    """

    def __init__(self, stdout: IO[str], *, width: int | None = None) -> None:
        width = width or (None if stdout.isatty() else WIDTH)
        self._console = Console(file=stdout, width=width, highlight=False, markup=False, emoji=False)
        self._hidden: tuple[str, ...] = ()
        self.title = "setting up"
        self.complete = False

    def hide(self, *secrets: str) -> None:
        """Print these texts as `…` wherever they stand in a request or an answer."""
        self._hidden = (*self._hidden, *secrets)

    def scene(self, number: int, of: int, title: str) -> None:
        """Begin a scene."""
        self.title = f"scene {number}: {title}"
        self._console.print()
        self._console.rule(Text(f"{number}/{of}  {title}", style="bold"), align="left")

    def say(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(Text(text))

    def command(self, command: str) -> None:
        """Print a command that is being run."""
        self._console.print(Text.assemble(("$ ", "green"), command), soft_wrap=True)

    def file(self, path: Path) -> None:
        """Print a file."""
        self._console.print(Text.assemble(("$ ", "green"), f"cat {path}"), soft_wrap=True)
        self._console.print(Text(path.read_text(), style="dim"), soft_wrap=True)

    def cause(self, detail: str, remedies: Sequence[str]) -> None:
        """Print a cause and what mends it."""
        self._console.print(Text.assemble(("cause:  ", "bold red"), detail), soft_wrap=True)
        for remedy in remedies:
            self._console.print(Text.assemble(("remedy: ", "bold green"), remedy), soft_wrap=True)

    def exchanged(self, made: Exchanged, *, as_whom: str | None) -> None:
        """Print one callout."""
        cells = [self._redacted(cell) for cell in (_sent(made, as_whom), _received(made.received), _answer(made))]
        if self._console.width >= LEAST_FOR_COLUMNS:
            table = Table(*TITLES, expand=True, header_style="bold", box=box.SQUARE)
            for column in table.columns:
                column.overflow, column.ratio = "fold", 1
            table.add_row(*cells)
            self._console.print(table)
            return
        for title, cell in zip(TITLES, cells, strict=True):
            self._console.print(Text(title, style="bold underline"))
            self._console.print(Padding(cell, (0, 0, 0, 2)))

    def _redacted(self, text: str) -> Text:
        for secret in self._hidden:
            text = text.replace(secret, REDACTED)
        return Text(text)

    def done(self, scenes: int) -> None:
        """Say that every scene was as expected."""
        self.complete = True
        self._console.print()
        self._console.rule(Text(f"All {scenes} scenes were as expected.", style="bold green"), align="left")

    def failed(self, because: str) -> None:
        """Say that this scene was not as expected, and why."""
        self._console.print(Text.assemble((f"\nFAILED in {self.title}\n", "bold red"), because), soft_wrap=True)

    def running(self, world: World) -> None:
        """Say what is left running, with the keys, which are worth nothing elsewhere."""
        table = Table(show_header=False, box=None, pad_edge=False)
        for name, url in world.where.items():
            if name != "event":
                table.add_row(name.replace("_", " "), url)
        for name, key in world.keys.items():
            table.add_row(f"key of {name}", key)
        table.add_row("home", str(world.home))
        gateway, alice = world.where["gateway"], world.keys["alice"]
        self._console.print(Group(Text("\nStill running, with demo keys that are worth nothing elsewhere:"), table))
        self.say("\nTry:")
        self._console.print(Text(f"  curl -i -H 'Callout-Key: {alice}' {gateway}/callout/Shop/orders"), soft_wrap=True)
        self._console.print(Text(f"  curl -X POST {world.where['control']}/expire"), soft_wrap=True)
        self._console.print(Text(f"  callout status --home {world.home}"), soft_wrap=True)
        self.say("\nStop with Ctrl-C; the folder is removed then.")


def _sent(made: Exchanged, as_whom: str | None) -> str:
    sent = made.answer.request
    lines = [made.address, f"by {as_whom or 'a guest'}", ""]
    lines += [f"{sent.method} {sent.url.raw_path.decode()}", f"Host: {sent.headers['host']}"]
    return "\n".join((*lines, *_headers(made.headers)))


def _received(received: Iterable[Mapping[str, Any]]) -> str:
    blocks: list[str] = []
    for each in received:
        lines = [f"{each['method']} {each['target']}", *_headers(each["headers"])]
        if each["body_text"]:
            lines.append(each["body_text"])
        known = each["authenticated"] or {}
        lines.append(f"→ {each['status']}" + (f" (token number {known['token']})" if "token" in known else ""))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) or "nothing: no byte left"


def _answer(made: Exchanged) -> str:
    answer = made.answer
    members = answer.json()
    told = ("title", "reason", "blame") if made.problem else ("path", "query", "authenticated")
    shown = {name: members[name] for name in told if members.get(name)}
    body = json.dumps(shown, ensure_ascii=False).removesuffix("}") + ", …}"
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    return "\n".join((f"{answer.status_code} {answer.reason_phrase}", *_headers(headers), body))


def _headers(headers: Iterable[Sequence[str]]) -> Iterable[str]:
    return (f"{name}: {value}" for name, value in headers if name.lower() in TOLD)
