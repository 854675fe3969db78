"""SPIFFE IDs and patterns of them."""

import re

import pytest

from callout.core.spiffe import PATTERN, is_pattern, is_workload_id, overlap

TRUST = "spiffe://example.org"


@pytest.mark.parametrize(
    "text", [f"{TRUST}/orders", f"{TRUST}/ns/prod/sa/orders", "spiffe://a_b-c.1/A.b_c-1", f"{TRUST}/..."]
)
def test_an_id_of_a_workload_is_one_and_is_a_pattern_of_itself(text) -> None:
    assert is_workload_id(text)
    assert is_pattern(text)
    assert overlap(text, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TRUST,
        f"{TRUST}/",
        f"{TRUST}/a/",
        f"{TRUST}//a",
        f"{TRUST}/a/../b",
        f"{TRUST}/.",
        f"{TRUST}:443/a",
        "spiffe://user@example.org/a",
        "spiffe://Example.org/a",
        "SPIFFE://example.org/a",
        f"{TRUST}/a?b=c",
        f"{TRUST}/a#b",
        f"{TRUST}/%61",
        f"{TRUST}/ä",
        f"{TRUST}/a\n",
        "spiffe:///a",
        "https://example.org/a",
        f"{TRUST}/{'a' * 2048}",
    ],
)
def test_what_the_specification_does_not_allow_is_no_id_and_no_pattern(text) -> None:
    assert not is_workload_id(text)
    assert not is_pattern(text)


@pytest.mark.parametrize("text", [f"{TRUST}/*", f"{TRUST}/**", f"{TRUST}/ns/*/sa/orders", f"{TRUST}/ns/prod/**"])
def test_a_pattern_is_no_id(text) -> None:
    assert is_pattern(text)
    assert re.search(PATTERN, text)
    assert not is_workload_id(text)


@pytest.mark.parametrize("text", [f"{TRUST}/**/a", f"{TRUST}/a*", f"{TRUST}/***", "spiffe://*/a", f"{TRUST}*"])
def test_an_asterisk_is_a_whole_segment_and_two_are_the_last(text) -> None:
    assert not is_pattern(text)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/a", "/b", False),
        ("/*", "/a", True),
        ("/*", "/a/b", False),
        ("/**", "/a", True),
        ("/**", "/a/b/c", True),
        ("/a/**", "/a", False),
        ("/a/**", "/b/c", False),
        ("/ns/*/sa/orders", "/ns/prod/sa/*", True),
        ("/ns/*/sa/orders", "/ns/prod/sa/billing", False),
        ("/ns/prod/**", "/ns/*/sa/orders", True),
    ],
)
def test_patterns_overlap_where_an_id_is_covered_by_both(one, other, expected) -> None:
    assert overlap(TRUST + one, TRUST + other) is expected
    assert overlap(TRUST + other, TRUST + one) is expected


def test_a_pattern_covers_its_own_trust_domain_alone() -> None:
    assert not overlap(f"{TRUST}/**", "spiffe://example.org.evil/a")
