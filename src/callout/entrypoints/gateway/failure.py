"""Logs an error of Callout's own: where it was raised, and not its text, which could quote a header."""

from __future__ import annotations

import logging
import traceback

log = logging.getLogger(__name__)


def log_failure(callout_id: bytes, error: Exception) -> None:
    """Log that a callout failed, and where."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "callout %s failed: %s in %s, line %s", callout_id.decode(), type(error).__name__, place.filename, place.lineno
    )
