"""ministack, which answers as AWS does, on a free port of the loopback address, judging who may (`AUTH=true`).

    python ministack_process.py FOLDER

Run by the Python of the environment that has ministack (`make setup`). Its own command takes no port that the system
chooses, and none that is taken already: so it is served here as it serves itself, on a socket that listens. Standard
output says in one line of JSON when it is ready and where; it ends when its standard input ends.
"""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Serve until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    os.environ |= {"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(folder)}
    os.environ |= {"SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0"}  # no listeners but ours

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]

    async def run() -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: os.read(0, 1024) or ended.set())
        print(json.dumps({"event": "ready", "endpoint": f"http://127.0.0.1:{port}"}), flush=True)
        await serve(app, config, shutdown_trigger=ended.wait)

    asyncio.run(run())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
