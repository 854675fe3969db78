from callout.core.jose import ALGORITHMS, parameters
from callout.core.protocol import Parameter

DECLARED = [each for each in vars(parameters).values() if isinstance(each, Parameter)]


def test_every_algorithm_that_signs_can_be_chosen() -> None:
    assert parameters.SIGNING_ALGORITHM.choices == ALGORITHMS


def test_the_algorithm_is_never_a_declared_member_of_the_header() -> None:
    assert "alg" in parameters.HEADER_CLAIMS.reserved


def test_what_is_signed_can_be_said_with_formulas_and_the_key_by_its_name() -> None:
    assert {p.name for p in DECLARED if p.formula} == {"claims", "header_claims"}
    assert {p.name for p in DECLARED if p.key_pair} == {"signing_certificate"}
