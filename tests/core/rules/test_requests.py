from callout.core.model.credentials import LimitScope, RateLimit
from callout.core.rules.requests import method_problems, path_problems, rate_limit_problems


def test_methods_are_in_capitals_and_once():
    problems = list(method_problems(("GET", "get", "GET", "B AD"), "m"))
    assert [(p.place, p.nearest) for p in problems] == [("m[get]", "GET"), ("m[GET]", None), ("m[B AD]", None)]


def test_too_many_methods_are_refused():
    assert "at most" in next(method_problems([f"M{n}" for n in range(40)], "m")).expected


def test_patterns_that_could_be_misread_are_refused_and_so_are_doubles():
    problems = list(path_problems(("/items/**", "items", "/items/**"), "p"))
    assert [p.place for p in problems] == ["p[items]", "p[/items/**]"]


def test_too_many_patterns_are_refused():
    assert "at most" in next(path_problems([f"/{n}" for n in range(101)], "p")).expected


def test_rate_limits_have_a_size_and_stand_once():
    good = RateLimit(100, 60, LimitScope.NAMED_CREDENTIAL)
    problems = list(rate_limit_problems((good, RateLimit(0, 60), RateLimit(1, 0), good), "r"))
    assert [p.place for p in problems] == ["r[1].calls", "r[2].seconds", "r[3]"]


def test_too_many_rate_limits_are_refused():
    assert "at most" in next(rate_limit_problems([RateLimit(n, 1) for n in range(1, 10)], "r")).expected
