"""Which addresses may be dialled: tables of every special one, plain and wrapped in others."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.adapters.outbound.address import METADATA_ADDRESSES, Allowed, judge, judge_name

PRIVATE = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "169.254.1.1": "link-local",
    "100.64.0.1": "carrier",
    "100.127.255.255": "carrier",
    "198.18.0.1": "benchmarking",
    "::1": "loopback",
    "fc00::1": "unique local",
    "fdff::1": "unique local",
    "fe80::1": "link-local",
    "febf::1": "link-local",
    "fec0::1": "site-local",
}
NEVER = {
    "0.0.0.0": "this network",
    "0.1.2.3": "this network",
    "192.0.2.1": "documentation",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "192.0.0.1": "protocol assignment",
    "192.88.99.1": "6to4 relay",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "ff02::1": "multicast",
    "2001:db8::1": "documentation",
    "3fff::1": "documentation",
    "100::1": "discard",
    "5f00::1": "segment routing",
    "fe80::1%eth0": "zone",
    "8.8.8.8%1": "zone",
    "": "no IP address",
    "localhost": "no IP address",
    "2130706433": "no IP address",
    "0x7f.1": "no IP address",
    "127.1": "no IP address",
}
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "172.15.0.1",
    "172.32.0.1",
    "192.167.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.1.1",
    "2606:4700::1",
    "2a00::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_be_dialled_only_where_that_is_allowed(address: str) -> None:
    judgement = judge(address)
    assert judgement.allowed is Allowed.IF_PRIVATE_NETWORK_ALLOWED
    assert PRIVATE[address] in judgement.what or "loopback" in judgement.what


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_dialled(address: str) -> None:
    judgement = judge(address)
    assert judgement.allowed is Allowed.NEVER
    assert NEVER[address] in judgement.what


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert judge(address).allowed is Allowed.ALWAYS


@pytest.mark.parametrize("address", sorted(map(str, METADATA_ADDRESSES)))
def test_cloud_metadata_addresses_are_never_dialled(address: str) -> None:
    assert judge(address).allowed is Allowed.NEVER
    assert "metadata" in judge(address).what


def wrapped(four: str) -> dict[str, str]:
    number = int(ipaddress.IPv4Address(four))
    high, low = number >> 16, number & 0xFFFF
    flipped = number ^ 0xFFFFFFFF
    return {
        "mapped": f"::ffff:{four}",
        "mapped in hexadecimal": f"::ffff:{high:x}:{low:x}",
        "compatible": str(ipaddress.IPv6Address(number)),
        "translated": f"::ffff:0:{high:x}:{low:x}",
        "NAT64": f"64:ff9b::{high:x}:{low:x}",
        "local NAT64 /96": f"64:ff9b:1::{high:x}:{low:x}",
        "local NAT64 /48": f"64:ff9b:1:{high:x}:{low >> 8:x}:{(low & 0xFF) << 8:x}::",
        "6to4": f"2002:{high:x}:{low:x}::1",
        "Teredo client": f"2001:0:808:808:0:0:{flipped >> 16:x}:{flipped & 0xFFFF:x}",
        "Teredo server": f"2001:0:{high:x}:{low:x}:0:0:f7f7:f7f7",
    }


@pytest.mark.parametrize(
    "four", ["127.0.0.1", "10.1.2.3", "192.168.7.9", "169.254.169.254", "100.100.100.200", "224.0.0.5"]
)
@pytest.mark.parametrize("how", wrapped("1.2.3.4"))
def test_an_address_inside_another_is_judged(four: str, how: str) -> None:
    assert judge(wrapped(four)[how]).allowed >= judge(four).allowed > Allowed.ALWAYS


@pytest.mark.parametrize(
    "name", ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data.ec2.internal"]
)
def test_names_of_metadata_endpoints_are_never_dialled(name: str) -> None:
    assert judge_name(name).allowed is Allowed.NEVER


def test_other_names_are_judged_by_their_addresses() -> None:
    assert judge_name("api.example.com").allowed is Allowed.ALWAYS


@given(st.ip_addresses())
def test_what_the_standard_library_calls_not_global_is_not_always_allowed(address) -> None:
    if not address.is_global and not (address.version == 6 and address in ipaddress.IPv6Network("2001::/23")):
        inside = getattr(address, "ipv4_mapped", None)
        if inside is None or not inside.is_global:
            assert judge(str(address)).allowed is not Allowed.ALWAYS
