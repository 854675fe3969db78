"""First contentful paint of the list of named credentials, with 5,000 of them, beside a static page of the same size.

Chromium opens both, in turns, many times: the list as `callout serve` makes it, and what it made as a file that a plain
server sends. The ratio says what making it costs; the machine is in both figures.

    python bench/setup_list.py [--credentials 5000] [--rounds 30] [--json]

Exit codes: 0 the median is under a second; 1 it is not. It needs what the tests need (`make setup`), and uses loopback
alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx2
from playwright.sync_api import Page
from tests.counterparties.browsing import chromium
from tests.counterparties.setup_browsing import Setup, signed_in
from tests.furnished import Api
from tests.journeys.processes import PATIENCE, callout_home

#: The list, its last page, and what a filter leaves of it.
LISTS = {
    "the list": "/setup/named-credentials",
    "its last page": "/setup/named-credentials?page=100",
    "filtered": "/setup/named-credentials?q=name4321",
    "Quick Find": "/setup/find?q=name4321",
}
MOST_SECONDS = 1.0
_PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
    for (const each of list.getEntries()) if (each.name === "first-contentful-paint") done(each.startTime);
}).observe({type: "paint", buffered: true}))"""


def manifest(credentials: int) -> str:
    """Return so many named credentials, ten to an external credential."""
    externals = {
        f"External{n}": {"protocol": "basic", "principals": {"Service": {}}} for n in range(-(-credentials // 10))
    }
    named = {
        f"Name{n}": {
            "label": f"System number {n}",
            "url": f"https://system{n}.example.com/v2",
            "external_credential": f"External{n // 10}",
        }
        for n in range(credentials)
    }
    return json.dumps({"external_credentials": externals, "named_credentials": named})


@contextmanager
def static(files: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    """Serve these bodies, with their media types, by path; gives the address."""

    class Sent(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, body = files.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def painted(page: Page, address: str) -> float:
    """Open an address; returns when the first content was painted, in seconds."""
    page.goto(address)
    return float(page.evaluate(_PAINTED)) / 1000


def files_of(setup: Setup, page: Page) -> dict[str, tuple[str, bytes]]:
    """Return what the lists are made of, as they are now."""
    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    files = {}
    with httpx2.Client(base_url=setup.base, cookies=cookies, trust_env=False, timeout=PATIENCE) as client:
        for path in (*LISTS.values(), "/setup/files/setup.css", "/setup/files/setup.js", "/setup/files/callout.svg"):
            answer = client.get(path).raise_for_status()
            files[path] = (answer.headers["content-type"], answer.content)
    return files


def measure(credentials: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the medians in seconds, the slowest, and the size in bytes, of each list."""
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in LISTS}
    with (
        tempfile.TemporaryDirectory(prefix="callout-list-") as folder,
        callout_home(Path(folder) / "home") as home,
        home.serve() as server,
        chromium(Path(folder)) as browser,
    ):
        api = Api(server, home.create_key("admin"))
        api.ask("POST", "/apply", manifest=manifest(credentials))
        with signed_in(browser, server.setup, api.key) as setup:
            files = files_of(setup, setup.page)
            with static(files) as plain:
                for number in range(rounds + 1):
                    for name, path in LISTS.items():
                        for base, times in zip((server.setup, plain), found[name], strict=True):
                            seconds = painted(setup.page, base + path)
                            if number:  # the first round warms up
                                times.append(seconds)
                    print(f"\rround {number} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {
        name: {
            "median": statistics.median(made),
            "slowest": max(made),
            "static": statistics.median(sent),
            "ratio": statistics.median(made) / statistics.median(sent),
            "bytes": len(files[LISTS[name]][1]),
        }
        for name, (made, sent) in found.items()
    }


def main() -> int:
    """Measure, print, and say whether it is quick enough."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--credentials", type=int, default=5000, help="named credentials (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="times that each is opened (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    found = measure(options.credentials, options.rounds)
    if options.json:
        print(json.dumps({"credentials": options.credentials, "rounds": options.rounds, "lists": found}))
    else:
        print(
            f"{options.credentials:,} named credentials, {options.rounds} rounds, seconds to the first contentful paint"
        )
        print(f"{'':16}{'median':>9}{'slowest':>9}{'static':>9}{'ratio':>8}{'bytes':>9}")
        for name, row in found.items():
            times = "".join(f"{row[each]:>9.3f}" for each in ("median", "slowest", "static"))
            print(f"{name:16}{times}{row['ratio']:>8.1f}{row['bytes']:>9,}")
    return 0 if all(row["median"] < MOST_SECONDS for row in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
