"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import approvals, creating, manifest, named_credentials, own_certificates, packages
from callout.entrypoints.web.sections import Section

#: The headings that sections stand under.
INTEGRATIONS, PEOPLE, CODE, LOOKING = "Integrations", "People and access", "Packages", "Look and mend"

SECTIONS: tuple[Section, ...] = (
    creating.SECTION,
    named_credentials.SECTION,
    own_certificates.SECTION,
    manifest.SECTION,
    packages.SECTION,
    approvals.SECTION,
)
