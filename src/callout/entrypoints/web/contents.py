"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import keys, named_credentials, permission_sets, users
from callout.entrypoints.web.sections import Section

#: The headings that sections stand under.
INTEGRATIONS, PEOPLE, CODE, LOOKING = "Integrations", "People and access", "Packages", "Look and mend"

SECTIONS: tuple[Section, ...] = (
    named_credentials.SECTION,
    permission_sets.SECTION,
    users.SECTION,
    keys.SECTION,
)
