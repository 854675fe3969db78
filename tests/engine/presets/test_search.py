import pytest

from callout.engine.setup import NotDefined
from tests.world import shipped_presets


def found(words: str) -> list[str]:
    return [preset.id for preset in shipped_presets().search(words.split())]


def test_no_word_finds_every_preset_in_the_order_of_ids():
    assert found("") == sorted(shipped_presets().by_id)


@pytest.mark.parametrize("word", ["stripe", "Stripe", "STRIPE"])
def test_the_id_is_found_first_in_any_case(word):
    assert found(word)[0] == "stripe"


def test_a_name_is_worth_more_than_what_is_told_of_it():
    assert found("google")[:2] == ["google", "google-gemini"]
    assert found("jira")[0] == "jira"
    assert "atlassian-oauth" in found("jira")


def test_every_word_has_to_be_found():
    assert found("salesforce jwt")[0] == "salesforce-jwt"
    assert found("salesforce weather") == []


@pytest.mark.parametrize(
    ("written", "meant"), [("paymnts", "stripe"), ("salesfroce", "salesforce"), ("calender", "calendly")]
)
def test_a_word_need_not_be_written_exactly(written, meant):
    assert meant in found(written)


def test_what_is_like_nothing_finds_nothing():
    assert found("zzzzzz") == []


def test_of_very_many_words_the_first_are_looked_for():
    twelve = "s st str stri strip stripe t r i p e tr"
    assert "stripe" in found(f"{twelve} zzzzzz")
    assert found(twelve + " s" * 10_000) == found(twelve)


def test_an_unknown_id_is_refused_with_the_nearest():
    with pytest.raises(NotDefined, match="did you mean 'stripe'"):
        shipped_presets().find("strpe")
