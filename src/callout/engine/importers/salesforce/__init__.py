"""Reads a Salesforce project: its named credentials, external credentials and grants become definitions.

The door is `read_project` (files in, `Imported` out), `wanted` (which files of a directory to hand to it) and
`lines` (the report as text). Nothing is stored here: the definitions go through the same plan as a manifest.
"""

from callout.engine.importers.salesforce.files import LARGEST_FILE, wanted
from callout.engine.importers.salesforce.project import read_project
from callout.engine.importers.salesforce.report import ByHand, Entry, Imported, Outcome, lines

__all__ = ["LARGEST_FILE", "ByHand", "Entry", "Imported", "Outcome", "lines", "read_project", "wanted"]
