"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    account,
    audit_trail,
    callout_log,
    creating,
    external_credentials,
    health,
    named_credentials,
    permission_sets,
    troubleshooting,
    trying,
)
from callout.entrypoints.web.sections import Section

SECTIONS: tuple[Section, ...] = (
    creating.SECTION,
    named_credentials.SECTION,
    external_credentials.SECTION,
    permission_sets.SECTION,
    trying.SECTION,
    callout_log.SECTION,
    troubleshooting.SECTION,
    health.SECTION,
    audit_trail.SECTION,
    account.SECTION,
)
