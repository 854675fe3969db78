"""What a password has to be (NIST SP 800-63B-4 section 3.1.1)."""

import pytest

from callout.engine.sign_in.password_rules import LONGEST, SHORTEST, normalized, refusal_of_password


@pytest.mark.parametrize(
    "password",
    [
        "grass under nine moons",
        "correct horse battery staple garden",
        "zzzz yyyy xxxx wwww vvvv",
        "wtpjmkqzrvbl",
        "928461750382",
        "\u044f \u043b\u044e\u0431\u043b\u044e \u0442\u0435\u0431\u044f \u043d\u0430\u0432\u0435\u043a\u0438",
        "the callout that nobody answered",
        "x7" * 30 + "abcde",
        "grass " * 60 + "end",
    ],
)
def test_long_is_enough(password):
    assert refusal_of_password(normalized(password), "alice") is None


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("a" * (SHORTEST - 1), "characters"),
        ("grass moons" + " \ufb01" * (LONGEST // 2), "at most"),
        ("aaaaaaaaaaaaaaa", "different"),
        ("ababababababab", "different"),
        ("password1234", "made of"),
        ("Password!Password!", "made of"),
        ("callout2026!!", "made of"),
        ("CalloutAdmin1", "made of"),
        ("alice-smith-2026", "made of"),
        ("smithsmithsmith", "made of"),
        ("Al\u0131ce".replace("\u0131", "i") + "AliceAlice", "made of"),
        ("correct horse battery staple", "many people"),
        ("letmeinletmein", "many people"),
        ("qwertyuiop1234", "many people"),
        ("abcdefghijklm", "many people"),
        ("123456789012", "many people"),
        ("210987654321", "many people"),
        ("Administrator1!", "many people"),
        ("!!!iloveyouforever!!!", "many people"),
    ],
)
def test_what_would_be_tried_first_is_refused(password, said):
    refusal = refusal_of_password(normalized(password), "alice.smith")
    assert refusal is not None
    assert said in " ".join(refusal)
    assert password not in " ".join(refusal)


def test_characters_are_counted_after_normalization():
    composed, decomposed = "\u00e9" * 3 + "abcdefghi!", "e\u0301" * 3 + "abcdefghi!"
    assert len(normalized(decomposed)) == len(composed)
    assert normalized("\uff41\ufb01") == "afi"


def test_a_name_of_signs_alone_refuses_nothing():
    assert refusal_of_password("grass under nine moons", "--") is None
