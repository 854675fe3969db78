"""`callout demo`: the main job done for real, on loopback, by the programs that a user would run.

A home is made in a temporary folder; the sandbox and the server run as processes of their own; definitions, keys and
remedies go through the command line; callouts go over HTTP. Each scene prints what was sent, what the external
system received (its secrets as `…`) and what was answered, and holds it against what is expected.

- `run`: arguments, order of the scenes, exit code
- `world`: the processes, the command line, callouts, what the sandbox received
- `scenes`, `importing`: the scenes
- `transcript`: how it is printed
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

import httpx2

from callout.demo.importing import imported_project
from callout.demo.scenes import (
    contractor_is_refused_then_allowed,
    first_callout,
    guest_is_refused,
    package_is_refused_then_allowed,
    package_made_credential,
    quick_create,
    stale_as_400,
    stale_as_601,
)
from callout.demo.transcript import Transcript
from callout.demo.world import Unexpected, World, opened

Scene = Callable[[World], None]
#: In the order in which they are played.
SCENES: tuple[Scene, ...] = (
    first_callout,
    stale_as_400,
    stale_as_601,
    guest_is_refused,
    contractor_is_refused_then_allowed,
    package_is_refused_then_allowed,
    package_made_credential,
    quick_create,
    imported_project,
)
INTERRUPTED = 130


def run(arguments: Sequence[str], *, scenes: Sequence[Scene] = SCENES) -> int:
    """Play the scenes. Returns 0, 1 where something was not as expected, 130 where it was interrupted."""
    parser = argparse.ArgumentParser(prog="callout demo", description="See the main job done for real, on loopback.")
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end, until Ctrl-C")
    keep = parser.parse_args(arguments).keep
    transcript = Transcript(sys.stdout)
    # Also Ctrl-C: whoever starts a job in the background starts it with SIGINT ignored, and `kill -INT` is to end it.
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with opened(transcript) as world:
            _play(world, scenes)
            if keep:
                _keep(world)
    except (Unexpected, httpx2.HTTPError, subprocess.SubprocessError, OSError, LookupError, ValueError) as error:
        transcript.failed(str(error) if isinstance(error, Unexpected) else f"{type(error).__name__}: {error}")
        return 1
    except KeyboardInterrupt:
        transcript.say("stopped")
        return 0 if keep and transcript.complete else INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _play(world: World, scenes: Sequence[Scene]) -> None:
    for number, scene in enumerate(scenes, start=1):
        world.transcript.scene(number, len(scenes), (scene.__doc__ or "").partition("\n")[0])
        world.forget()
        scene(world)
    world.transcript.done(len(scenes))


def _keep(world: World) -> None:
    world.transcript.running(world)
    threading.Event().wait()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
