from datetime import UTC, datetime

from callout.core.model.connections import Attempt
from callout.core.model.credentials import UserExternalCredentialKey


def test_an_attempt_shows_neither_its_state_nor_whose_browser_it_is() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    key = UserExternalCredentialKey("Own", "User", "alice")
    attempt = Attempt(b"digest!", key, "alice", b"session!", "f", b"sealed!", "", b"link!", now, now)
    assert [each for each in ("digest!", "session!", "sealed!", "link!") if each in repr(attempt)] == []
    assert "alice" in repr(attempt)
