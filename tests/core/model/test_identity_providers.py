from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.identity_providers import ExternalAuthIdentityProvider, key_of_provider, provider_of_key
from callout.core.rules.names import developer_name_rule


def test_the_client_of_a_provider_is_sealed_under_a_key_that_no_principal_can_have() -> None:
    key = ExternalAuthIdentityProvider("Id").key
    assert key == key_of_provider("Id")
    assert developer_name_rule(key.external_credential) is not None
    assert provider_of_key(key) == "Id"


def test_the_key_of_a_principal_names_no_provider() -> None:
    assert provider_of_key(UserExternalCredentialKey("Id", "client")) is None
