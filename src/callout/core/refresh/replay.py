"""May this request be sent again after a refresh?

A refresh rule matched, so the external system refused the request before acting on it: sending it again is safe
where the same bytes can be sent. That is so when the request is whole and its body, if any, was kept whole.
"""

from __future__ import annotations

DONE = b"done"
NOT_POSSIBLE = b"not-possible"


def may_replay(*, attempts: int, request_complete: bool, body_kept: bool) -> bool:
    """Return True for a first attempt whose bytes are all at hand."""
    return attempts == 0 and request_complete and body_kept
