import pytest

from callout.core.peer import is_this_machine


@pytest.mark.parametrize(
    ("peer", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.7", False),
        ("::ffff:192.0.2.7", False),
        ("fe80::1%eth0", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_a_loopback_address_is_of_this_machine_and_no_other(peer: str, here: bool) -> None:
    assert is_this_machine(peer) is here
