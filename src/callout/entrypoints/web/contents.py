"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    account,
    creating,
    external_credentials,
    named_credentials,
    permission_sets,
    trying,
)
from callout.entrypoints.web.sections import Section

SECTIONS: tuple[Section, ...] = (
    creating.SECTION,
    named_credentials.SECTION,
    external_credentials.SECTION,
    permission_sets.SECTION,
    trying.SECTION,
    account.SECTION,
)
