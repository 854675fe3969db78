from callout.core.key_pair import KeyPair
from callout.core.secret import Secret


def test_a_key_pair_does_not_show_its_private_key() -> None:
    assert "c4n4ry" not in repr(KeyPair("Orders", "k1", Secret("c4n4ry")))
