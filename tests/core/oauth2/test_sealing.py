from datetime import timedelta

from callout.core.oauth2.sealing import from_sealable, sealable
from callout.core.protocol import Token
from callout.core.secret import Secret
from tests.core.oauth2.answers import NOW


def test_a_token_is_the_same_after_sealing_and_opening() -> None:
    until = NOW + timedelta(hours=1)
    token = Token(Secret("a"), NOW, "Bearer", until, Secret("r"), "s")
    assert from_sealable(sealable(token), issued_at=NOW, expires_at=until) == token
    bare = Token(Secret("a"), NOW)
    assert from_sealable(sealable(bare), issued_at=NOW, expires_at=None) == bare
    assert "a" not in str(sealable(token))
