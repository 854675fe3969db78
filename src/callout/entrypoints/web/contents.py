"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    client_certificates,
    keys,
    named_credentials,
    permission_set_groups,
    permission_sets,
    profiles,
    trusted_issuers,
    users,
)
from callout.entrypoints.web.sections import Section

#: The headings that sections stand under.
INTEGRATIONS, PEOPLE, CODE, LOOKING = "Integrations", "People and access", "Packages", "Look and mend"

SECTIONS: tuple[Section, ...] = (
    named_credentials.SECTION,
    permission_sets.SECTION,
    permission_set_groups.SECTION,
    profiles.SECTION,
    users.SECTION,
    keys.SECTION,
    trusted_issuers.SECTION,
    client_certificates.SECTION,
)
