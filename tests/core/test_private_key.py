"""A sealed private key is loaded."""

import pytest

from callout.core.private_key import loaded
from callout.core.secret import Secret
from tests.keys import KINDS, key, pem_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_loaded_as_it_was_written(kind) -> None:
    assert pem_of(loaded(Secret(pem_of(key(kind))))) == pem_of(key(kind))
