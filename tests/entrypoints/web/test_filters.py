"""How templates write what they are given."""

import pytest

from callout.entrypoints.web.filters import linked, timed


@pytest.mark.parametrize(
    ("place", "title", "path"),
    [
        ("permission_sets.Order Clerks", "Order Clerks", "/setup/permission-sets/Order%20Clerks"),
        ("permission_set_groups.Staff.muted", "Staff (muted)", "/setup/permission-set-groups/Staff"),
        ("named_credentials.ns__Orders", "ns__Orders", "/setup/named-credentials/ns__Orders"),
        ("profiles.a/b", "a/b", "/setup/profiles/a%2Fb"),
        ("key co_1234… of alice", "key co_1234… of alice", ""),
        ("permission_sets", "permission_sets", ""),
    ],
)
def test_a_place_of_a_manifest_leads_to_its_page_where_it_has_one(place: str, title: str, path: str) -> None:
    found = linked(place)
    assert (found["title"], found["path"]) == (title, path)


def test_the_times_of_a_message_are_written_as_all_others_are() -> None:
    assert (
        timed("good until 2026-11-24T00:47:52.947177+00:00, as told") == "good until 2026-11-24 00:47:52 UTC, as told"
    )
    assert timed("a life such as 2h, or 2030-01-31") == "a life such as 2h, or 2030-01-31"
    assert timed(None) == ""
