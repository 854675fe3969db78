"""Who asks, by address alone: enough for pages that hold no secret, never a proof of a caller."""

from __future__ import annotations

import ipaddress


def is_this_machine(peer: str) -> bool:
    """True for a loopback address, also one that is mapped into IPv6 (RFC 4291 section 2.5.5.2)."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
