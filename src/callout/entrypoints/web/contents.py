"""The sections of Setup, in the order in which they stand there."""

from callout.entrypoints.web import (
    external_credentials,
    named_credentials,
    permission_sets,
    quick_create,
)
from callout.entrypoints.web.sections import Section

SECTIONS: tuple[Section, ...] = (
    named_credentials.SECTION,
    external_credentials.SECTION,
    quick_create.SECTION,
    permission_sets.SECTION,
)
