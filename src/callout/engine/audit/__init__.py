"""The audit trail in use: listed, exported (JSON Lines, CEF, OCSF), verified, pruned. `trail` has the use cases."""

from callout.engine.audit.exported import verify_exported
from callout.engine.audit.trail import Audit, kept_head

__all__ = ["Audit", "kept_head", "verify_exported"]
