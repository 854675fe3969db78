"""`kill -9` at every step of a refresh, many rounds of each, and what became of the token.

The authorization server is oidc-provider: its refresh tokens rotate, and one that is used twice takes its family
along. A round ends in adopted, retried, or a stated reason; one that ends in anything else is a silent loss.

    python bench/crash.py [--rounds 50] [--seed 1] [--json]

Exit codes: 0 no silent loss; 1 at least one. It needs what the tests need (`make setup`), and uses loopback alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.counterparties.crashing import Crashes, Outcome, Step
from tests.counterparties.rotating import rotating_world


def measure(rounds: int, seed: int) -> dict[Step, Counter[Outcome]]:
    """Make so many rounds of each step, and say on standard error how far it is."""
    found: dict[Step, Counter[Outcome]] = {step: Counter() for step in Step}
    with (
        tempfile.TemporaryDirectory(prefix="callout-crash-") as folder,
        rotating_world(Path(folder), processes=1) as world,
    ):
        crashes = Crashes(world, seed)
        for number in range(rounds):
            for step in Step:
                found[step][crashes.round(step)] += 1
            print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def table(found: dict[Step, Counter[Outcome]]) -> str:
    """Return the figures for people."""
    outcomes = list(Outcome)
    short = [outcome.name.lower() for outcome in outcomes]
    lines = [f"{'killed':28}" + "".join(f"{name:>11}" for name in short)]
    lines += [f"{step:28}" + "".join(f"{counts[each]:>11}" for each in outcomes) for step, counts in found.items()]
    return "\n".join([*lines, "", *(f"{name:10} {outcome}" for name, outcome in zip(short, outcomes, strict=True))])


def main() -> int:
    """Measure, print, and say whether anything was lost in silence."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=50, help="rounds of each step (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides the random moments (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    since = time.monotonic()
    found = measure(options.rounds, options.seed)
    lost = sum(counts[Outcome.LOST] for counts in found.values())
    if options.json:
        shown = {step: {each.name.lower(): counts[each] for each in Outcome} for step, counts in found.items()}
        print(json.dumps({"rounds": options.rounds, "lost": lost, "steps": shown}))
    else:
        print(table(found))
        print(f"\n{lost} silent losses in {options.rounds * len(Step)} kills, {time.monotonic() - since:.0f} s")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
