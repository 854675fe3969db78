"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    account,
    creating,
    external_credentials,
    identity_providers,
    my_connections,
    named_credentials,
    permission_sets,
    principals,
    trying,
)
from callout.entrypoints.web.sections import Section

SECTIONS: tuple[Section, ...] = (
    creating.SECTION,
    named_credentials.SECTION,
    external_credentials.SECTION,
    principals.SECTION,
    identity_providers.SECTION,
    permission_sets.SECTION,
    trying.SECTION,
    my_connections.SECTION,
    account.SECTION,
)
