"""An external system over TLS, in threads, that asks for a certificate of its clients: OpenSSL's own handshakes and alerts."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509


class Asking(ThreadingHTTPServer):
    """`shown` has, by connection, the subject of the certificate that the client of each request presented."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.context = context
        self.shown: list[tuple[int, str]] = []

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def subjects(self) -> list[str]:
        """The subjects, one for each request."""
        return [subject for _, subject in self.shown]

    @property
    def connections(self) -> int:
        return len({connection for connection, _ in self.shown})

    def finish_request(self, request, client_address) -> None:
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request, client_address) -> None:
        """A handshake that failed: the client was told by an alert."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Asking

    def do_GET(self) -> None:
        der = self.connection.getpeercert(binary_form=True)
        subject = x509.load_der_x509_certificate(der).subject.rfc4514_string() if der else "nobody"
        self.server.shown.append((self.client_address[1], subject))
        body = subject.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Say nothing."""


def asking_context(
    own, clients: bytes, *, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, required: bool = True
) -> ssl.SSLContext:
    """Return what a server needs: `own` is trustme's certificate of it, `clients` the authorities (PEM) of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=clients.decode())
    context.minimum_version = context.maximum_version = version
    return context


@contextmanager
def asking_server(context: ssl.SSLContext) -> Iterator[Asking]:
    """Run an external system that asks for a certificate."""
    server = Asking(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
