"""OpenBao's server for development (in memory, unsealed) on a port that the system chooses.

    python openbao_process.py BAO FOLDER ROOT_TOKEN

OpenBao names its port nowhere when it chose it, but for the one after it, where it listens for a cluster: so that line is
what is waited for. Standard output says in one line of JSON when it is ready and where; the server ends when standard
input does, and so does this.
"""

import json
import re
import signal
import subprocess
import sys
import threading

_CLUSTER = re.compile(r'cluster address: "127\.0\.0\.1:(\d+)"')


def relay(server: subprocess.Popen) -> None:
    """Pass on what the server says, and say when it is ready."""
    port = 0
    for line in server.stdout:
        print(line, end="", file=sys.stderr, flush=True)
        if (found := _CLUSTER.search(line)) is not None:
            port = int(found[1]) - 1
        if line.startswith("==> OpenBao server started"):
            print(json.dumps({"event": "ready", "url": f"http://127.0.0.1:{port}"}), flush=True)


def main(bao: str, folder: str, token: str) -> int:
    """Serve until standard input ends, or the server does."""
    command = [bao, "server", "-dev", "-dev-listen-address=127.0.0.1:0", "-dev-no-store-token"]
    server = subprocess.Popen(
        [*command, f"-dev-root-token-id={token}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"HOME": folder},
    )
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    threading.Thread(target=relay, args=(server,), daemon=True).start()
    threading.Thread(target=lambda: (sys.stdin.read(), server.terminate()), daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
