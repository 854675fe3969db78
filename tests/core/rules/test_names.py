"""Names: which are accepted, and which known one a wrong one is nearest to."""

import pytest

from callout.core.rules.names import (
    developer_name_rule,
    namespace_of,
    namespace_rule,
    nearest,
    readable_name_rule,
    user_name_rule,
)


@pytest.mark.parametrize(
    "name", ["A", "Orders", "Orders_2", "a1_b2", "acme__Orders", "acme_tools__My_Orders", "x" * 80]
)
def test_a_developer_name_is_letters_digits_and_single_underscores(name):
    assert developer_name_rule(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "My Orders",
        "1Orders",
        "_Orders",
        "Orders_",
        "My__Own__Orders",
        "ns___X",
        "ns__",
        "__X",
        "a-b",
        "a.b",
        "Ordérs",
        "Orders\n",
        "a" * 16 + "__X",
        "x" * 81,
        "1ns__X",
    ],
)
def test_a_developer_name_of_another_form_is_refused(name):
    assert developer_name_rule(name) is not None


@pytest.mark.parametrize("name", ["a", "acme", "Acme_2", "a23456789012345"])
def test_a_namespace_has_up_to_15_characters(name):
    assert namespace_rule(name) is None


@pytest.mark.parametrize("name", ["", "9x", "a__b", "acme_", "a-b", "a b", "a234567890123456", "a_b_c_d_e_f_g_h_i"])
def test_a_namespace_of_another_form_is_refused(name):
    assert namespace_rule(name) is not None


@pytest.mark.parametrize("name", ["Order Clerks", "Prüfer", "A.B", "x" * 80, "Clerks (EU)"])
def test_a_readable_name_may_have_spaces_and_letters_of_any_script(name):
    assert readable_name_rule(name) is None


@pytest.mark.parametrize("name", ["", " A", "A ", "A/B", "A@B", "A\tB", "A\nB", "-A", "A\u200bB", "x" * 81])
def test_a_readable_name_that_would_be_misread_is_refused(name):
    assert readable_name_rule(name) is not None


@pytest.mark.parametrize("name", ["alice", "alice@example.com", "svc-orders.eu", "a" * 255])
def test_a_user_name_may_be_an_address(name):
    assert user_name_rule(name) is None


@pytest.mark.parametrize("name", ["", "al ice", "a/b", "-x", "a\n", "a" * 256])
def test_a_user_name_that_would_be_misread_is_refused(name):
    assert user_name_rule(name) is not None


def test_the_namespace_stands_before_two_underscores():
    assert namespace_of("acme__Orders") == "acme"
    assert namespace_of("My_Orders") is None


def test_the_nearest_name_may_differ_in_case_alone():
    assert nearest("orders", ["Invoices", "Orders"]) == "Orders"


def test_nothing_is_near_a_name_that_resembles_none():
    assert nearest("zzz", ["Invoices", "Orders"]) is None
