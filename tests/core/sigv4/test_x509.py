from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.secret import reveal
from callout.core.sigv4 import CredentialScope, sign_with_certificate
from tests.keys import key_pair, self_signed

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SCOPE = CredentialScope("eu-central-1", "rolesanywhere")
REQUEST = HttpRequest("POST", "https://rolesanywhere.example/sessions", body=b"{}")


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384"])
def test_the_same_request_is_signed_the_same_twice(kind: str) -> None:
    pair = key_pair(kind, certificates=(self_signed(kind),))
    assert sign_with_certificate(REQUEST, pair, SCOPE, NOW) == sign_with_certificate(REQUEST, pair, SCOPE, NOW)


def test_the_signer_is_the_serial_number_of_the_certificate_in_decimal_digits() -> None:
    pair = key_pair("P-256", certificates=(self_signed("P-256"),))
    written = dict(sign_with_certificate(REQUEST, pair, SCOPE, NOW).headers)["Authorization"]
    assert reveal(written).startswith(f"AWS4-X509-ECDSA-SHA256 Credential={0xA1B2C3}/20300101/eu-central-1/")


def test_the_signature_does_not_show_when_the_request_is_printed() -> None:
    pair = key_pair("P-256", certificates=(self_signed("P-256"),))
    after = sign_with_certificate(REQUEST, pair, SCOPE, NOW)
    signature = reveal(dict(after.headers)["Authorization"]).rpartition("=")[2]
    assert signature not in repr(after)


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (key_pair("Ed25519", certificates=(self_signed("RSA"),)), "of another kind"),
        (key_pair("RSA"), "without a certificate"),
    ],
)
def test_a_key_that_roles_anywhere_does_not_take_is_refused(pair, said) -> None:
    with pytest.raises(Refused, match=said) as refused:
        sign_with_certificate(REQUEST, pair, SCOPE, NOW)
    assert refused.value.reason.code == "principal_not_configured"
