"""The manifest: definitions as a YAML or JSON file. Reading, writing, and its published JSON Schema."""

from callout.engine.manifest.desired import Manifest, Resolve, SecretOrigin, SecretSource
from callout.engine.manifest.read import read_manifest

__all__ = ["Manifest", "Resolve", "SecretOrigin", "SecretSource", "read_manifest"]
