"""The way out: addresses are judged, judged addresses are dialled, connections are verified and kept."""

from callout.adapters.outbound.client import OutboundTransport
from callout.adapters.outbound.connection import Connection, Receiver
from callout.adapters.outbound.pool import Outbound

__all__ = ["Connection", "Outbound", "OutboundTransport", "Receiver"]
