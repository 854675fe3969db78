"""What the values of one principal (and user) are made of: parameters, and the rows of sealed values.

One place says so for whoever opens the values, and for whoever asks whether a token was obtained with the same ones.
"""

from __future__ import annotations

from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate


def parameters_of(org: Org, external: ExternalCredential, principal: Principal) -> dict[str, str]:
    """Return the parameters that are in force for a principal: its own win over those of the external credential.

    Those of an identity provider that it names stand below both.
    """
    return {**org.whole(external).parameters, **principal.parameters}


def rows_of(
    org: Org, external: ExternalCredential, principal: Principal, key: UserExternalCredentialKey
) -> tuple[UserExternalCredentialKey, ...]:
    """Return the rows whose sealed values are in force for a key; of equal names that of the later row wins."""
    del principal
    provider = org.provider_of(external)
    return (key,) if provider is None else (provider.key, key)


def certificates_of(org: Org, external: ExternalCredential, principal: Principal) -> dict[str, Certificate]:
    """Return the certificates that the parameters of a principal name, by parameter.

    Which parameters name certificates is known to protocols alone. One that only happens to have such a value counts
    too: that costs a token that need not have been obtained anew, and nothing else.
    """
    given = parameters_of(org, external, principal)
    return {name: org.certificates[value] for name, value in given.items() if value in org.certificates}
