"""A Flask application that is served in a thread, on a free port of the loopback address, until its `with` block ends."""

from __future__ import annotations

import threading
from typing import Self

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

#: How often it is looked whether it is to stop, in seconds.
POLLING = 0.02


class _Silent(WSGIRequestHandler):
    """What came is kept by the applications themselves."""

    def log(self, *_: object) -> None:
        """Write nothing."""


class ServedApplication:
    """An application and the thread that serves it."""

    def __init__(self, application: Flask) -> None:
        self._server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLLING,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
