"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    account,
    approvals,
    creating,
    external_credentials,
    identity_providers,
    manifest,
    my_connections,
    named_credentials,
    own_certificates,
    packages,
    permission_sets,
    principals,
    trying,
)
from callout.entrypoints.web.sections import Section

SECTIONS: tuple[Section, ...] = (
    creating.SECTION,
    named_credentials.SECTION,
    external_credentials.SECTION,
    identity_providers.SECTION,
    principals.SECTION,
    own_certificates.SECTION,
    manifest.SECTION,
    permission_sets.SECTION,
    packages.SECTION,
    approvals.SECTION,
    trying.SECTION,
    my_connections.SECTION,
    account.SECTION,
)
