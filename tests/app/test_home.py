"""Keeping up: definitions are followed whatever happens, what is too old is not decided on, no record is lost unseen."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from callout.app.home import RecordWriter, keep_up, why_not_ready
from callout.app.operations import operations_of
from callout.core.errors import Refused, StoreError
from callout.engine.operations import LOCAL

PATIENCE = 60


@asynccontextmanager
async def keeping_up(home):
    task = asyncio.ensure_future(keep_up(home))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


class Failing:
    """Stands before something: the first calls of one method raise."""

    def __init__(self, real: object, name: str, *errors: Exception) -> None:
        self._real, self._name, self._errors = real, name, list(errors)
        self.worked = asyncio.Event()

    def __getattr__(self, name: str):
        if name != self._name:
            return getattr(self._real, name)
        return self._call

    async def _call(self):
        if self._errors:
            raise self._errors.pop(0)
        self.worked.set()
        return await getattr(self._real, self._name)()


async def define(home, name: str) -> None:
    """Define a user, as another process would: this one learns of it from the store."""
    await operations_of(home).run("user.set", {"name": name, "profile": "Standard User"}, LOCAL)


async def until_known(home, name: str) -> None:
    known = asyncio.Event()
    home.org.followers.append(lambda org: known.set() if name in org.users else None)
    await define(home, name)
    async with asyncio.timeout(PATIENCE):
        await known.wait()


async def until_read_again(logged) -> list[tuple[str, str]]:
    """What is logged until the store is read again: the step that does so ends after what it read is known."""
    events: list[tuple[str, str]] = []
    async with asyncio.timeout(PATIENCE):
        while not events or events[-1][0] != "store_read_again":
            events += [(line["event"], line.get("because", "")) for line in logged()]
            await asyncio.sleep(0)
    return events


ERRORS = [StoreError("got a locked database"), KeyError("unforeseen"), ValueError("unforeseen too")]


async def test_definitions_are_followed_after_every_kind_of_error(home, logged) -> None:
    home.store = Failing(home.store, "changed", *ERRORS)
    async with keeping_up(home) as task:
        await until_known(home, "alice")
        events = await until_read_again(logged)
        assert not task.done()
    assert events[0] == ("store_not_read", "got a locked database")
    assert events[1][1].startswith("an unforeseen KeyError in tests.app.test_home")
    assert events[3:] == [("store_read_again", "")]


async def test_a_change_whose_reading_failed_is_read_again(home) -> None:
    home.org._definitions = Failing(home.org._definitions, "generation", KeyError("unforeseen"))
    async with keeping_up(home):
        await until_known(home, "alice")
    assert home.org.unreachable_since is None


async def test_a_row_of_equal_errors_is_logged_once(home, logged) -> None:
    home.store = Failing(home.store, "changed", *[StoreError("got a locked database")] * 20)
    async with keeping_up(home), asyncio.timeout(PATIENCE):
        await home.store.worked.wait()
        await until_known(home, "alice")
        events = await until_read_again(logged)
    assert [event for event, _ in events] == ["store_not_read", "store_read_again"]


async def test_definitions_that_were_not_confirmed_for_too_long_are_not_ready(home) -> None:
    assert why_not_ready(home) is None
    home.org.confirmed_at -= home.settings.longest_without_store + 1
    assert home.org.unreachable_since is None, "nobody noted that the store cannot be read"
    assert "expected the store to answer" in why_not_ready(home)


async def test_callouts_stop_while_a_store_hangs_and_go_on_when_it_answers(home) -> None:
    answering = asyncio.Event()

    class Hanging:
        async def changed(self) -> bool:
            await answering.wait()
            return False

    home.store = Hanging()
    home.org.confirmed_at -= home.settings.longest_without_store + 1
    async with keeping_up(home), asyncio.timeout(PATIENCE):
        while admitted(home) != "overloaded":
            await asyncio.sleep(0)
        answering.set()
        while admitted(home) != "named_credential_not_found":
            await asyncio.sleep(0)


def admitted(home) -> str:
    with pytest.raises(Refused) as caught:
        home.callouts.admit("Nothing", [], None, None, None)
    return caught.value.reason.code


async def test_definitions_that_do_not_change_are_confirmed_all_the_same(home) -> None:
    home.org.confirmed_at = old = home.org.confirmed_at - 60
    async with keeping_up(home), asyncio.timeout(PATIENCE):
        while home.org.confirmed_at == old:
            await asyncio.sleep(0)


class Waiting:
    """Stands in for the records of a process: `failing` says how writing them ends."""

    def __init__(self) -> None:
        self.waiting, self.dropped = 5, 0
        self.failing: Exception | None = None
        self.begun, self.may_end = threading.Semaphore(0), threading.Semaphore(0)
        self.at_once = self.most_at_once = 0
        self.may_end.release(1000)

    def tick(self) -> None:
        """Time passes by itself."""

    def flush(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        self.begun.release()
        self.may_end.acquire()
        self.at_once -= 1
        if self.failing is not None:
            raise self.failing


async def test_the_log_says_when_records_are_dropped_and_when_they_are_written_again(logged) -> None:
    records = Waiting()
    writer = RecordWriter(records)
    records.failing = StoreError("disk full")
    for dropped in (0, 3, 8):
        records.dropped = dropped
        await writer.flush()
    assert logged() == [
        {"event": "audit_not_written", "waiting": 5, "because": "disk full"},
        {"event": "records_dropped", "dropped": 3, "waiting": 5},
    ]
    records.failing = None
    await writer.flush()
    await writer.flush()
    assert logged() == [{"event": "audit_written_again", "dropped": 8}]
    records.failing, records.dropped = OSError("a secret"), 9
    await writer.flush()
    events = logged()
    assert [line["event"] for line in events] == ["audit_not_written", "records_dropped"]
    assert events[0]["because"].startswith("an unforeseen OSError in tests.app.test_home")
    assert events[1]["dropped"] == 1


async def test_records_are_never_written_by_two_threads_at_once() -> None:
    records = Waiting()
    writer = RecordWriter(records)
    records.may_end = threading.Semaphore(0)
    first = asyncio.ensure_future(writer.flush())
    await asyncio.to_thread(records.begun.acquire)
    first.cancel()
    second = asyncio.ensure_future(writer.flush())
    await asyncio.sleep(0)
    records.may_end.release(2)
    await asyncio.wait({first, second})
    assert first.cancelled()
    assert records.most_at_once == 1
