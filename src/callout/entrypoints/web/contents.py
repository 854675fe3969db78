"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import audit_trail, callout_log, health, named_credentials, troubleshooting, trying
from callout.entrypoints.web.sections import Section

#: The headings that sections stand under.
INTEGRATIONS, PEOPLE, CODE, LOOKING = "Integrations", "People and access", "Packages", "Look and mend"

SECTIONS: tuple[Section, ...] = (
    named_credentials.SECTION,
    trying.SECTION,
    callout_log.SECTION,
    troubleshooting.SECTION,
    health.SECTION,
    audit_trail.SECTION,
)
