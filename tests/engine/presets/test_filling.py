import re

import pytest

from callout.core.errors import DefinitionError
from callout.engine.presets import fill, read_presets

TEXT = """
desk:
  label: Desk
  description: Tickets
  docs: https://desk.example.com/docs
  url: https://{site}.desk.example.com/{version}
  protocol: custom
  inputs:
    site: {help: Site, example: acme}
    version: {help: Version, example: v3, default: v2, pattern: "v[0-9]"}
  parameters: {audience: "https://{site}.desk.example.com"}
  headers: {X-Site: "{site}", Authorization: "{!$Credential.{name}.ApiKey}"}
  secrets: {ApiKey: Key}
  test: {path: "/{version}/me", body: '{"query": "{ me { id } }"}'}
"""
DESK = read_presets({"a.yaml": TEXT}).find("desk")


def problems_of(**inputs: str) -> list[str]:
    with pytest.raises(DefinitionError) as refused:
        fill(DESK, "Help", inputs)
    return [str(problem) for problem in refused.value.problems]


def test_every_text_is_filled_in_and_formulas_read_the_new_credential():
    filled = fill(DESK, "Help", {"site": "acme"})
    assert filled.url == "https://acme.desk.example.com/v2"
    assert filled.parameters == {"audience": "https://acme.desk.example.com"}
    assert filled.headers == {"X-Site": "acme", "Authorization": "{!$Credential.Help.ApiKey}"}
    assert (filled.test.path, filled.test.body) == ("/v2/me", '{"query": "{ me { id } }"}')


def test_an_input_wins_over_its_default():
    assert fill(DESK, "Help", {"site": "acme", "version": "v3"}).url.endswith("/v3")


def test_a_missing_input_is_told_with_what_it_is_and_an_example():
    assert problems_of() == ["inputs.site: got nothing; expected Site, such as --input site=acme"]


def test_an_unknown_input_is_told_with_the_nearest():
    assert "did you mean 'site'" in problems_of(sites="acme")[1]


@pytest.mark.parametrize(
    "value", ["", "acme.evil.example", "acme/..", "acme@x", "a b", "acme?", "acme#", "-acme", "acme\n", "{!1}"]
)
def test_no_input_moves_a_preset_to_another_host(value):
    (problem,) = problems_of(site=value)
    assert problem == f"inputs.site: got {value!r}; expected Site, such as acme"


def test_all_problems_of_inputs_come_at_once():
    told = problems_of(version="three", colour="red")
    assert [re.match(r"inputs\.\w+", each)[0] for each in told] == ["inputs.site", "inputs.version", "inputs.colour"]
