"""A key pair is told apart by its name and public parts, and never shows its private key."""

from callout.core.key_pair import KeyPair
from callout.core.secret import Secret

PRIVATE = "-----BEGIN PRIVATE KEY-----\nc4n4ry\n-----END PRIVATE KEY-----\n"


def test_the_private_key_shows_nowhere() -> None:
    pair = KeyPair("Signing", "kid-1", Secret(PRIVATE), ("-----BEGIN CERTIFICATE-----",))
    assert "c4n4ry" not in repr(pair)
    assert repr(pair) == "KeyPair(name='Signing', kid='kid-1')"


def test_one_that_was_renewed_is_another() -> None:
    old, new = KeyPair("Signing", "kid-1", Secret(PRIVATE)), KeyPair("Signing", "kid-2", Secret(PRIVATE))
    assert {old: 1}.get(new) is None
    assert old == KeyPair("Signing", "kid-1", Secret(PRIVATE))
