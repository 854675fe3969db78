"""Log lines stay whole beside those of other processes, and none of them is worth a failure."""

import io
import json

from callout.app.log import described, log
from callout.core.errors import StoreError


class Pieces(io.StringIO):
    """A stream that remembers what each write brought, as a file without a buffer sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)


def test_a_line_is_written_in_one_piece(monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr", written := Pieces())
    log("started", child="setup", pid=7)
    (piece,) = written.pieces
    assert json.loads(piece) == {"event": "started", "child": "setup", "pid": 7}
    assert piece.endswith("}\n")


def test_a_log_that_is_closed_stops_nothing(monkeypatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    log("started")


def test_an_error_that_was_not_foreseen_is_not_quoted() -> None:
    try:
        {}["a secret"]
    except KeyError as error:
        found = described(error)
    assert found.startswith("an unforeseen KeyError in tests.app.test_log, line ")
    assert "secret" not in found
    assert described(StoreError("got a locked database")) == "got a locked database"
