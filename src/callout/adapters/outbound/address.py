"""May this address be dialled? Pure: an address in, a judgement out.

Addresses that carry another one (IPv4-mapped and -compatible, NAT64, 6to4, Teredo) are judged by the ones inside
too, and the harshest judgement counts. Cloud metadata addresses hand out credentials to whoever asks: they are
never allowed, whatever a named credential says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Allowed(IntEnum):
    """When an address may be dialled; the higher, the harsher."""

    ALWAYS = 0
    IF_PRIVATE_NETWORK_ALLOWED = 1
    NEVER = 2


@dataclass(frozen=True, slots=True)
class Judgement:
    """When an address may be dialled, and what it is (`a loopback address`)."""

    allowed: Allowed
    what: str


PUBLIC = Judgement(Allowed.ALWAYS, "a public address")
_METADATA = Judgement(Allowed.NEVER, "a cloud metadata address")
_NO_ADDRESS = Judgement(Allowed.NEVER, "no IP address")
_ZONED = Judgement(Allowed.NEVER, "an address with a zone id")

#: Amazon (also ECS and EKS), Google, Azure's wire server, Alibaba, Oracle.
METADATA_ADDRESSES = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "169.254.169.123",
            "169.254.169.253",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd00:ec2::253",
            "fd20:ce::254",
        ),
    )
)
METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)

_SOMETIMES = Allowed.IF_PRIVATE_NETWORK_ALLOWED
_NEVER = Allowed.NEVER
#: RFC 6890 and the IANA special-purpose registries. The first network that holds the address decides.
_RULES: tuple[tuple[Network, Judgement], ...] = tuple(
    (ip_network(network), Judgement(allowed, what))
    for network, allowed, what in (
        ("127.0.0.0/8", _SOMETIMES, "a loopback address"),
        ("10.0.0.0/8", _SOMETIMES, "a private address (RFC 1918)"),
        ("172.16.0.0/12", _SOMETIMES, "a private address (RFC 1918)"),
        ("192.168.0.0/16", _SOMETIMES, "a private address (RFC 1918)"),
        ("169.254.0.0/16", _SOMETIMES, "a link-local address"),
        ("100.64.0.0/10", _SOMETIMES, "a shared address of a carrier (RFC 6598)"),
        ("198.18.0.0/15", _SOMETIMES, "a benchmarking address (RFC 2544)"),
        ("0.0.0.0/8", _NEVER, "an address of this network (RFC 791)"),
        ("192.0.2.0/24", _NEVER, "a documentation address"),
        ("198.51.100.0/24", _NEVER, "a documentation address"),
        ("203.0.113.0/24", _NEVER, "a documentation address"),
        ("192.0.0.0/24", _NEVER, "a protocol assignment (RFC 6890)"),
        ("192.88.99.0/24", _NEVER, "a 6to4 relay (RFC 7526)"),
        ("224.0.0.0/4", _NEVER, "a multicast address"),
        ("255.255.255.255/32", _NEVER, "the broadcast address"),
        ("240.0.0.0/4", _NEVER, "a reserved address (RFC 1112)"),
        ("::1/128", _SOMETIMES, "the loopback address"),
        ("::/128", _NEVER, "the unspecified address"),
        ("fc00::/7", _SOMETIMES, "a unique local address (RFC 4193)"),
        ("fe80::/10", _SOMETIMES, "a link-local address"),
        ("fec0::/10", _SOMETIMES, "a site-local address (RFC 3879)"),
        ("ff00::/8", _NEVER, "a multicast address"),
        ("2001:db8::/32", _NEVER, "a documentation address"),
        ("3fff::/20", _NEVER, "a documentation address"),
        ("100::/64", _NEVER, "a discard address (RFC 6666)"),
        ("5f00::/16", _NEVER, "a segment routing address (RFC 9602)"),
    )
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_LOW_32 = 0xFFFFFFFF


def judge(address: str) -> Judgement:
    """Judge one numeric address, as a resolver returns it."""
    if "%" in address:
        return _ZONED
    try:
        parsed = ip_address(address)
    except ValueError:
        return _NO_ADDRESS
    return _judge(parsed)


def judge_name(host: str) -> Judgement:
    """Judge a host's name, before it is resolved: names of cloud metadata endpoints are never allowed."""
    return _METADATA if host.rstrip(".").lower() in METADATA_NAMES else PUBLIC


def _judge(address: IPv4Address | IPv6Address) -> Judgement:
    if address in METADATA_ADDRESSES:
        return _METADATA
    for network, judgement in _RULES:
        if address in network:
            return judgement
    inside = _addresses_inside(address) if isinstance(address, IPv6Address) else ()
    return max((_judge(a) for a in inside), key=lambda judgement: judgement.allowed, default=PUBLIC)


def _addresses_inside(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address carries."""
    number = int(address)
    if any(address in network for network in (_MAPPED, _TRANSLATED, _COMPATIBLE, _NAT64)):
        return (IPv4Address(number & _LOW_32),)
    if address in _NAT64_LOCAL:
        # RFC 6052 section 2.2 for /48: bits 48 to 63 and 72 to 87; a network may also use /96 inside it.
        return (IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF), IPv4Address(number & _LOW_32))
    if address in _6TO4:
        return (IPv4Address(number >> 80 & _LOW_32),)
    if address in _TEREDO:
        return (IPv4Address(number >> 64 & _LOW_32), IPv4Address(~number & _LOW_32))
    return ()
