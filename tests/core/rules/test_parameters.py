import pytest

from callout.core.protocol import Parameter
from callout.core.rules.parameters import key_problems, value_problems

KEYED = Parameter("headers", "A header", key="[a-z]+", reserved=("host",))


def judged(parameter: Parameter, value: str, *, private: bool = False) -> list[str]:
    return [problem.expected for problem in value_problems(parameter, value, "here", private=private)]


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        (Parameter("a", "A"), "x", True),
        (Parameter("a", "A"), "", False),
        (Parameter("a", "A", required=False), "", True),
        (Parameter("a", "A"), "x\r\ny", False),
        (Parameter("a", "A", secret=True), "x", False),
        (Parameter("a", "A", choices=("b", "c")), "c", True),
        (Parameter("a", "A", choices=("b", "c")), "d", False),
        (Parameter("a", "A", url=True), "https://id.example/x?y=1", True),
        (Parameter("a", "A", url=True), "http://127.0.0.1/", False),
        (Parameter("a", "A", pointer=True), "/a/b", True),
        (Parameter("a", "A", pointer=True), "a", False),
    ],
)
def test_a_value_is_judged_as_it_is_declared(parameter: Parameter, value: str, accepted: bool) -> None:
    assert (judged(parameter, value) == []) is accepted


def test_a_private_address_is_accepted_where_it_may_be() -> None:
    assert judged(Parameter("a", "A", url=True), "http://127.0.0.1/", private=True) == []


@pytest.mark.parametrize(("name", "count"), [("headers.accept", 0), ("headers.Accept", 1), ("headers.host", 1)])
def test_the_key_in_a_name_has_to_fit_and_not_to_be_reserved(name: str, count: int) -> None:
    assert len(list(key_problems(KEYED, name, "here"))) == count
