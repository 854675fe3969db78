"""A sealed private key is loaded, and told from another's."""

import json

import pytest

from callout.core.jose.jwk import public_jwk
from callout.core.private_key import belongs_to, loaded
from callout.core.secret import Secret
from tests.keys import KINDS, key, pem_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_loaded_as_it_was_written(kind) -> None:
    assert pem_of(loaded(Secret(pem_of(key(kind))))) == pem_of(key(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_key_belongs_to_its_own_public_key_alone(kind) -> None:
    own = json.dumps({**public_jwk(key(kind).public_key()), "kid": "of-another-name"})
    assert belongs_to(Secret(pem_of(key(kind))), own)
    assert not belongs_to(Secret(pem_of(key("P-256", 1))), own)
    assert not belongs_to(Secret(pem_of(key(kind))), "")
