from callout.core.errors import CalloutError, DefinitionError, Problem, Refused, StoreError, VaultError
from callout.core.explanation import Remedy
from callout.core.reasons import REASONS, Blame, Telling


def test_a_refusal_carries_the_reason_of_the_table_and_its_blame() -> None:
    for reason in REASONS:
        refused = Refused(reason.code, "got x; expected y")
        assert refused.reason is reason
        assert refused.blame is reason.blame
        assert str(refused) == f"{reason.code}: got x; expected y"


def test_a_refusal_without_remedies_of_its_own_has_the_general_one() -> None:
    refused = Refused("rate_limited", "", retry_after=3, connect_url="https://c.example")
    assert refused.remedies == (Remedy(refused.reason.remedy),)
    assert (refused.retry_after, refused.connect_url) == (3, "https://c.example")
    assert refused.telling is Telling.FULL


def test_a_refusal_with_remedies_names_those() -> None:
    remedies = (Remedy("a", "b"), Remedy("c"))
    assert Refused("timed_out", "", *remedies).remedies == remedies


def test_a_problem_says_place_got_expected_and_the_nearest_match() -> None:
    problem = Problem("named_credentials.Orders.url", "'x'", "an absolute URL", nearest="y", where="m.yaml:3")
    assert str(problem) == (
        "m.yaml:3: named_credentials.Orders.url: got 'x'; expected an absolute URL; did you mean 'y'?"
    )
    assert str(Problem("a", "b", "c")) == "a: got b; expected c"


def test_a_definition_error_lists_every_problem_on_a_line() -> None:
    error = DefinitionError([Problem("a", "1", "2"), Problem("b", "3", "4")])
    assert str(error) == "a: got 1; expected 2\nb: got 3; expected 4"
    assert error.problems == (Problem("a", "1", "2"), Problem("b", "3", "4"))
    assert error.blame is Blame.ADMIN


def test_every_error_on_purpose_is_a_callout_error_that_blames_someone() -> None:
    assert CalloutError().blame is Blame.CALLOUT
    assert VaultError("got no key; expected one").blame is Blame.ADMIN
    assert StoreError().blame is Blame.CALLOUT
