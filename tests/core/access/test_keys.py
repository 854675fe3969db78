"""A principal whose certificate has no private key is not configured, and is told what mends it."""

import pytest

from callout.core.access.keys import lacking_key
from callout.core.model.credentials import ExternalCredential, Principal
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate
from tests.core.rules.test_own_certificates import Signing

HUB_KEY = Certificate("Hub_Key")
SERVICE = Principal("Service")


@pytest.mark.parametrize(
    ("parameters", "configured", "lacking"),
    [
        ({"signing_certificate": "Hub_Key"}, {}, True),
        ({"signing_certificate": "Hub_Key"}, {HUB_KEY.key: frozenset({"private_key"})}, False),
        ({"signing_certificate": "Another"}, {}, False),  # the rules refuse it
        ({"scope": "Hub_Key"}, {}, False),
    ],
)
def test_a_key_that_is_named_has_to_be_there(parameters, configured, lacking) -> None:
    hub = ExternalCredential("Hub", "signing", parameters, principals=(SERVICE,))
    step = lacking_key(Org.of(hub, HUB_KEY, configured=configured), Signing, hub, SERVICE)
    assert (step is not None) is lacking
    if step is not None:
        assert (step.reason, step.held) == ("principal_not_configured", False)
        assert step.remedies[0].command == "callout certificate import Hub_Key FILE"


def test_that_of_the_principal_counts() -> None:
    hub = ExternalCredential("Hub", "signing", {"signing_certificate": "Hub_Key"})
    own = Principal("Own", parameters={"signing_certificate": "Own_Key"})
    there = {Certificate("Own_Key").key: frozenset({"private_key"})}
    assert lacking_key(Org.of(hub, HUB_KEY, Certificate("Own_Key"), configured=there), Signing, hub, own) is None
