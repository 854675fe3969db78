"""The manifest: definitions as a YAML or JSON file. Reading, writing, and its published JSON Schema."""

from callout.engine.manifest.desired import Manifest, Resolve, SecretOrigin, SecretSource
from callout.engine.manifest.members import members_of
from callout.engine.manifest.plain import plain_fields
from callout.engine.manifest.read import read_manifest
from callout.engine.manifest.schema import manifest_schema
from callout.engine.manifest.shape import standard_of
from callout.engine.manifest.write import write_manifest

__all__ = [
    "Manifest",
    "Resolve",
    "SecretOrigin",
    "SecretSource",
    "manifest_schema",
    "members_of",
    "plain_fields",
    "read_manifest",
    "standard_of",
    "write_manifest",
]
