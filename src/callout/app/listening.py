"""The gateway's TLS: which files the settings name, and what happens when one of them is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from callout.adapters.inbound import TlsFiles, TlsListening
from callout.app.log import log
from callout.core.errors import DefinitionError, Problem
from callout.settings import Settings

#: Between two looks at the files, in seconds.
FOLLOW_SECONDS = 1.0


def listening_of(settings: Settings) -> TlsListening | None:
    """Return how the gateway speaks TLS, or None where it does not. Raises `DefinitionError`."""
    if not settings.tls_certificate_file:
        for name in ("tls_key_file", "client_ca_file"):
            if getattr(settings, name):
                expected = "CALLOUT_TLS_CERTIFICATE_FILE too: without it no TLS is spoken"
                raise DefinitionError([Problem(f"CALLOUT_{name.upper()}", getattr(settings, name), expected)])
        return None
    certificate = Path(settings.tls_certificate_file).expanduser()
    key = Path(settings.tls_key_file).expanduser() if settings.tls_key_file else certificate
    authorities = Path(settings.client_ca_file).expanduser() if settings.client_ca_file else None
    return TlsListening(TlsFiles(certificate, key, authorities))


async def follow_files(tls: TlsListening, retire: Callable[[], None]) -> None:
    """Log what certificates of callers were refused for, and take over files that were replaced.

    Raises `DefinitionError` while what is there cannot be used.

    `retire` is called where authorities were removed: what they judged is to be judged again.
    """
    for because, count in tls.refused():
        log("client_certificate_refused", because=because, count=count)
    taken = await asyncio.to_thread(tls.follow)
    if taken.certificate:
        log("certificate_replaced", file=str(tls.files.certificate), ends=taken.ends)
    if taken.authorities:
        log("client_authorities_replaced", file=str(tls.files.authorities))
    if taken.removed:
        retire()
