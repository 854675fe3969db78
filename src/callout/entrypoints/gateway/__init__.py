"""The data plane: HTTP/1.1 from callers, answered by external systems; bytes in, bytes out."""

from callout.entrypoints.gateway.limits import Limits
from callout.entrypoints.gateway.server import Gateway

__all__ = ["Gateway", "Limits"]
