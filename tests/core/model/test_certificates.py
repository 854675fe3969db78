"""Mappings of client certificates."""

from callout.core.model.certificates import ClientCertificate


def test_a_mapping_knows_a_certificate_by_the_one_thing_that_is_given() -> None:
    assert ClientCertificate("Orders", "alice", dns="a.example.com").identity == ("dns", "a.example.com")
    assert ClientCertificate("Orders", "alice").identity == ("", "")
    assert ClientCertificate("Orders", "alice", dns="a", subject="CN=a").identity == ("", "")


def test_a_fingerprint_is_compared_without_colons_and_case() -> None:
    assert ClientCertificate("Orders", "alice", sha256="AB:0C").fingerprint == "ab0c"
