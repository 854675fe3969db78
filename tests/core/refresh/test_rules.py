import pytest

from callout.core.refresh.rules import refresh_statuses, refusal_of


def test_401_is_a_sign_of_stale_credentials_always() -> None:
    assert refresh_statuses(()) == {401}
    assert refresh_statuses((400, 601, 401)) == {400, 401, 601}


@pytest.mark.parametrize("status", [400, 401, 403, 419, 499, 600, 601, 712, 899, 999])
def test_4xx_and_6xx_to_9xx_may_be_additional_status_codes(status: int) -> None:
    assert refusal_of(status) is None


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (100, "does not refuse anything"),
        (200, "does not refuse anything"),
        (302, "does not refuse anything"),
        (399, "does not refuse anything"),
        (500, "the external system's own failure"),
        (599, "the external system's own failure"),
        (99, "three digits"),
        (0, "three digits"),
        (-401, "three digits"),
        (1000, "three digits"),
    ],
)
def test_other_statuses_are_refused_with_the_reason(status: int, why: str) -> None:
    assert why in (refusal_of(status) or "")
