"""`kill -9` at every step of a refresh, and what became of the token: used by a test and by `make bench-crash`.

Nothing in Callout knows of it. The steps are brought about from outside: the write lock of the database is held, the
proxy before the token endpoint holds what it carries, and the server is killed by its ids when the step is reached.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

import httpx2

from tests.counterparties.rotating import World
from tests.counterparties.tcp_proxy import Fault
from tests.journeys.processes import PATIENCE

#: While a process goes through a step that nobody can see from outside, it is killed at a random moment within, seconds.
WITHIN = 0.02


class Step(StrEnum):
    """Where in a refresh the process is killed."""

    BEFORE_INTENT = "before the intent"
    AFTER_INTENT = "after the intent"
    AFTER_SEND = "after the request was sent"
    HALF_READ = "with the answer half read"
    BEFORE_WRITE = "before the write"
    DURING_WRITE = "during the write"
    AFTER_WRITE = "after the write"


class Outcome(StrEnum):
    """What a round ended in. `LOST` is what must never be."""

    ADOPTED = "adopted: the token was stored, and no further grant was made"
    RETRIED = "retried: a further grant gave a token"
    RECONNECT = "stated: reconnect_required"
    UNKNOWN = "stated: refresh_outcome_unknown"
    LOST = "lost without a word"


STATED = {"reconnect_required": Outcome.RECONNECT, "refresh_outcome_unknown": Outcome.UNKNOWN}


class Crashes:
    """Rounds of one world with one `serve` of one worker, which is started anew after each."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self._made = 0
        self._random = random.Random(seed)
        self._database = world.home.folder / "callout.db"

    def round(self, step: Step) -> Outcome:
        """Let the token go stale, kill the worker at this step of its refresh, and see what becomes of it."""
        self._connected()
        self.world.let_access_token_go_stale()
        caller = threading.Thread(target=self._call_that_may_fail)
        _STEPS[step](self, caller)
        caller.join(PATIENCE)
        assert not caller.is_alive()
        self.world.start_again()
        return self._outcome()

    # --- what the steps are made of ----------------------------------------------------------------------------

    def before_intent(self, caller: threading.Thread) -> None:
        """The database lets nobody write: the refresh cannot have begun."""
        seen = len(self.world.external.received)
        with self._write_lock():
            caller.start()
            self._wait(lambda: len(self.world.external.received) > seen)
            time.sleep(self._random.uniform(0, WITHIN))  # where in the step the kill falls is left to chance
            self._kill()

    def after_intent(self, caller: threading.Thread) -> None:
        """The connection is there, and nothing is taken from it."""
        self._hold(Fault.HANG, caller)
        assert self._open_intents() == 1, "the intent is written before the grant leaves"
        self._kill()

    def after_send(self, caller: threading.Thread) -> None:
        """The server has rotated; its answer is held back."""
        self._hold(Fault.HOLD_ANSWER, caller)
        self._kill()
        self.world.proxy.release()

    def half_read(self, caller: threading.Thread) -> None:
        """A part of the answer has been passed on."""
        self._hold(Fault.HOLD_HALF, caller)
        self._kill()
        self.world.proxy.release()

    def before_write(self, caller: threading.Thread) -> None:
        """The answer is there, and the database lets nobody write."""
        self._hold(Fault.HOLD_ANSWER, caller)
        with self._write_lock():
            self.world.proxy.release()
            time.sleep(self._random.uniform(0, WITHIN))  # as above
            self._kill()

    def during_write(self, caller: threading.Thread) -> None:
        """The answer is there; the kill falls anywhere around the write."""
        self._hold(Fault.HOLD_ANSWER, caller)
        self.world.proxy.release()
        time.sleep(self._random.uniform(0, WITHIN))  # as above
        self._kill()

    def after_write(self, caller: threading.Thread) -> None:
        """The new generation is in the database."""
        before = self._generation()
        caller.start()
        self._wait(lambda: self._generation() != before)
        self._kill()

    def _hold(self, fault: Fault, caller: threading.Thread) -> None:
        self.world.proxy.faults.append(fault)
        caller.start()
        try:
            assert self.world.proxy.reached.get(timeout=PATIENCE) is fault
        except queue.Empty:
            raise AssertionError("got no token request; expected one") from None

    def _kill(self) -> None:
        started = [json.loads(line) for line in self.world.servers[0].log.splitlines() if '"worker 1"' in line]
        pid = [line["pid"] for line in started if line["event"] == "started"][-1]
        for each in (pid, self.world.servers[0].pid):  # the worker first, and what would start it again
            os.kill(each, signal.SIGKILL)
        self._made = len(self.world.grants())

    def _call_that_may_fail(self) -> None:
        with suppress(httpx2.TransportError):
            self.call()

    def call(self) -> httpx2.Response:
        """Make one callout."""
        where = f"{self.world.servers[0].gateway}/callout/Orders/orders/7"
        return httpx2.get(where, headers={"Callout-Key": self.world.key}, timeout=PATIENCE, trust_env=False)

    # --- the database, read by another program ------------------------------------------------------------------

    @contextmanager
    def _write_lock(self) -> Iterator[None]:
        connection = sqlite3.connect(self._database, isolation_level=None, timeout=PATIENCE)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    def _ask(self, statement: str) -> int:
        connection = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=PATIENCE)
        try:
            row = connection.execute(statement).fetchone()
        finally:
            connection.close()
        return int(row[0]) if row is not None and row[0] is not None else 0

    def _generation(self) -> int:
        return self._ask("SELECT max(generation) FROM token")

    def _open_intents(self) -> int:
        return self._ask("SELECT count(*) FROM intent")

    # --- before and after ---------------------------------------------------------------------------------------

    def _connected(self) -> None:
        """Begin with a token that is accepted; connect anew where the round before ended without one."""
        self.world.proxy.faults.clear()
        if self._until_definite().status_code != 200:
            self.world.connect()
            self._wait(lambda: self._until_definite().status_code == 200)

    def _until_definite(self) -> httpx2.Response:
        """Call until the answer is one that stays: a success, or a reason that says what is to be done."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(httpx2.TransportError):
                answer = self.call()
                reason = answer.headers.get("Callout-Error")
                if answer.status_code == 200 or reason in (*STATED, "principal_not_configured"):
                    return answer
            if time.monotonic() > deadline:
                return answer
            time.sleep(0.05)  # the pace of the asking

    def _outcome(self) -> Outcome:
        answer = self._until_definite()
        if answer.status_code == 200:
            return Outcome.ADOPTED if len(self.world.grants()) == self._made else Outcome.RETRIED
        reason = answer.headers.get("Callout-Error", "")
        stated = json.dumps(self.world.home.json("status"))
        known = STATED.get(reason)
        return known if known is not None and reason.removeprefix("refresh_") in stated else Outcome.LOST

    def _wait(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < deadline, "got nothing; expected the step to be reached"
            time.sleep(0.0005)  # the pace of the asking


_STEPS = {
    Step.BEFORE_INTENT: Crashes.before_intent,
    Step.AFTER_INTENT: Crashes.after_intent,
    Step.AFTER_SEND: Crashes.after_send,
    Step.HALF_READ: Crashes.half_read,
    Step.BEFORE_WRITE: Crashes.before_write,
    Step.DURING_WRITE: Crashes.during_write,
    Step.AFTER_WRITE: Crashes.after_write,
}
