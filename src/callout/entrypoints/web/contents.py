"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import named_credentials, trying
from callout.entrypoints.web.sections import Section

#: The headings that sections stand under.
INTEGRATIONS, PEOPLE, CODE, LOOKING = "Integrations", "People and access", "Packages", "Look and mend"

SECTIONS: tuple[Section, ...] = (named_credentials.SECTION, trying.SECTION)
