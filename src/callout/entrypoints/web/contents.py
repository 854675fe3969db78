"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    external_credentials,
    identity_providers,
    my_connections,
    named_credentials,
    principals,
)
from callout.entrypoints.web.sections import Section

#: The headings that sections stand under.
INTEGRATIONS, PEOPLE, CODE, LOOKING = "Integrations", "People and access", "Packages", "Look and mend"

SECTIONS: tuple[Section, ...] = (
    named_credentials.SECTION,
    external_credentials.SECTION,
    principals.SECTION,
    identity_providers.SECTION,
    my_connections.SECTION,
)
