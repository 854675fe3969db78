"""A token is used only under the inputs that decided it; a refresh token as long as what it hangs on is the same."""

from dataclasses import replace

import pytest

from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.refresh.epoch import fingerprint_of, lineage_of

SERVICE = Principal("Service", parameters={"scope": "a"})
HUB = ExternalCredential("Hub", "oauth2_refresh_token", {"token_endpoint": "https://id/token"}, principals=(SERVICE,))
VERSIONS = {"client_id": 1, "client_secret": 1, "refresh_token": 1}
KEY = UserExternalCredentialKey("Hub", "Service")


def fingerprint(external, principal, version) -> str:
    return fingerprint_of(Org(secret_versions={KEY: version}), external, principal, KEY)


@pytest.mark.parametrize(
    ("external", "principal", "version"),
    [
        (replace(HUB, protocol="oauth2_client_credentials"), SERVICE, 1),
        (replace(HUB, parameters={"token_endpoint": "https://other/token"}), SERVICE, 1),
        (replace(HUB, parameters={**HUB.parameters, "client_authentication": "client_secret_post"}), SERVICE, 1),
        (HUB, replace(SERVICE, parameters={"scope": "b"}), 1),
        (HUB, SERVICE, 2),
    ],
)
def test_every_input_changes_the_fingerprint(external, principal, version) -> None:
    assert fingerprint(external, principal, version) != fingerprint(HUB, SERVICE, 1)


def test_what_is_only_for_people_or_for_answers_does_not() -> None:
    other = replace(HUB, label="Hub", additional_status_codes=(400,))
    assert fingerprint(other, SERVICE, 1) == fingerprint(HUB, SERVICE, 1)


@pytest.mark.parametrize(
    ("external", "principal", "versions", "same"),
    [
        (HUB, replace(SERVICE, parameters={"scope": "b"}), VERSIONS, True),
        (HUB, SERVICE, {**VERSIONS, "client_secret": 2}, True),
        (HUB, SERVICE, {**VERSIONS, "client_id": 2}, False),
        (HUB, SERVICE, {**VERSIONS, "refresh_token": 2}, False),
        (HUB, SERVICE, {}, False),
        (replace(HUB, protocol="other"), SERVICE, VERSIONS, False),
        (HUB, replace(SERVICE, parameters={"token_endpoint": "https://other/token"}), VERSIONS, False),
    ],
)
def test_a_refresh_token_hangs_on_the_client_the_endpoint_and_what_it_began_with(
    external, principal, versions, same
) -> None:
    assert (lineage_of(Org(), external, principal, versions) == lineage_of(Org(), HUB, SERVICE, VERSIONS)) is same


def test_a_refresh_token_never_goes_to_another_issuer_whose_metadata_would_name_the_endpoint() -> None:
    one, other = (replace(HUB, parameters={"issuer": f"https://{name}.example"}) for name in ("one", "other"))
    lineages = {lineage_of(Org(), external, SERVICE, VERSIONS) for external in (HUB, one, other)}
    assert len(lineages) == 3
