"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    account,
    client_certificates,
    creating,
    external_credentials,
    keys,
    named_credentials,
    permission_set_groups,
    permission_sets,
    profiles,
    trusted_issuers,
    trying,
    users,
)
from callout.entrypoints.web.sections import Section

SECTIONS: tuple[Section, ...] = (
    creating.SECTION,
    named_credentials.SECTION,
    external_credentials.SECTION,
    permission_sets.SECTION,
    permission_set_groups.SECTION,
    profiles.SECTION,
    users.SECTION,
    keys.SECTION,
    trusted_issuers.SECTION,
    client_certificates.SECTION,
    trying.SECTION,
    account.SECTION,
)
