"""A trusted issuer: what tokens may be signed with, and what a verified token was verified by."""

from dataclasses import replace

from callout.core.model.issuers import SIGNATURE_ALGORITHMS, TrustedIssuer

EXAMPLE = TrustedIssuer("Example", "https://id.example.com", "callout")


def test_without_algorithms_every_one_with_a_public_key_is_accepted_and_none_with_a_shared_secret() -> None:
    assert EXAMPLE.accepted_algorithms == SIGNATURE_ALGORITHMS
    assert not [name for name in SIGNATURE_ALGORITHMS if name.startswith("HS") or name == "none"]


def test_a_token_is_verified_again_where_trust_changes_and_not_where_a_mapping_does() -> None:
    assert replace(EXAMPLE, users={"x": "alice"}).verification == EXAMPLE.verification
    for change in ({"audience": "x"}, {"jwks_uri": "https://x.example.com"}, {"algorithms": ("ES256",)}):
        assert replace(EXAMPLE, **change).verification != EXAMPLE.verification
