"""Every preset that is shipped, one by one: its texts, and the org that it makes with made-up values."""

import json
import re
from urllib.parse import urlsplit

import pytest

from callout.core.formula import ISSUED_TOKEN, parse
from callout.core.model.people import User
from callout.core.protocols import CATALOGUE
from callout.engine.presets import fill
from tests.world import make_world, shipped_presets

EVERY = list(shipped_presets())
#: With these, a certificate of Callout's own signs.
CERTIFICATE = "certificate"

each = pytest.mark.parametrize("preset", EVERY, ids=lambda preset: preset.id)


def inputs_of(preset) -> dict[str, str]:
    return {name: each.example for name, each in preset.inputs.items()}


def wanted(preset) -> dict:
    return {
        "name": "Made",
        "preset": preset.id,
        "inputs": inputs_of(preset),
        "secrets": {name: f"canary-{name}" for name in preset.secrets},
        "user": "alice",
    }


async def world_with_alice():
    world = make_world()
    await world.define(User("alice"), User("admin", "System Administrator"))
    return world


def test_there_are_many_and_every_protocol_is_there():
    assert len(EVERY) >= 75
    assert {preset.protocol for preset in EVERY} <= CATALOGUE.keys()


def those(breaks) -> list[str]:
    return [preset.id for preset in EVERY if breaks(preset)]


def test_ids_are_small_letters_digits_and_hyphens():
    assert those(lambda preset: re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", preset.id) is None) == []


def helps_of(preset) -> list[str]:
    return [*preset.secrets.values(), *(i.help for i in preset.inputs.values())]


def test_texts_are_one_line_without_a_full_stop():
    def is_odd(told: str) -> bool:
        return not told or told != told.strip() or not told.isprintable() or (told[-1] == "." and told[-4:] != " SG.")

    assert those(lambda p: any(map(is_odd, (p.label, p.description, *helps_of(p), *p.tags)))) == []
    assert those(lambda p: not p.description[0].isupper()) == []
    assert those(lambda p: p.note and not p.note.endswith(".")) == []
    assert those(lambda p: not p.tags or any(tag != tag.lower() for tag in p.tags)) == []


def test_placeholders_are_the_declared_inputs():
    assert those(lambda preset: preset.placeholders != preset.inputs.keys()) == []


def filled_by_example(preset):
    return fill(preset, "Made", inputs_of(preset))


def test_examples_and_defaults_are_of_the_form_that_is_asked_for():
    for preset in EVERY:
        assert filled_by_example(preset)
        defaults = {name: i.default for name, i in preset.inputs.items() if i.default is not None}
        assert fill(preset, "Made", {**inputs_of(preset), **defaults})


def test_every_url_is_https():
    def is_plain(preset) -> bool:
        filled = filled_by_example(preset)
        urls = [filled.url, preset.docs, *(v for k, v in filled.parameters.items() if k.endswith("_endpoint"))]
        return not all(url.startswith("https://") and urlsplit(url).hostname for url in urls)

    assert those(is_plain) == []
    assert those(lambda preset: preset.url.endswith("/")) == []


def test_what_is_tried_is_a_path_and_a_json_body():
    for preset in EVERY:
        if (test := filled_by_example(preset).test) is not None:
            assert test.path.startswith("/"), preset.id
            assert test.path.isascii(), preset.id
            assert json.loads(test.body or "{}") is not None


BAD = ("a/b", "a b", "a#b", "a?b", "a\\b", "a\nb", "{!1}", "a'b", "")


def test_no_input_can_hold_what_ends_a_host_or_a_formula():
    patterns = {(p.id, i.pattern) for p in EVERY for i in p.inputs.values()}
    assert [(name, bad) for name, pattern in patterns for bad in BAD if re.fullmatch(pattern, bad)] == []


def test_formulas_read_the_declared_secrets_and_no_other():
    for preset in EVERY:
        filled = filled_by_example(preset)
        texts = [*filled.headers.values(), *(v for k, v in filled.parameters.items() if "{!" in v)]
        read = {name for text in texts for credential, name in parse(text).names if credential == "Made"}
        if preset.protocol in ("custom", "api_key_in_query"):
            assert read == preset.secrets.keys(), preset.id
        assert read - ISSUED_TOKEN <= preset.secrets.keys(), preset.id


@each
async def test_a_preset_makes_a_working_org(preset):
    world = await world_with_alice()
    made = await world.run("named_credential.create", **wanted(preset))
    steps = [step["command"] for step in made["next"]]
    assert not any("=-" in step for step in steps), "with its secrets, none is missing"
    diagnosed = await world.run("diagnose", name="Made", user="alice", path=made_path(preset))
    failed = [step["name"] for step in diagnosed["steps"] if not step["held"]]
    if CATALOGUE[preset.protocol].interactive:
        assert [step.split()[1] for step in steps] == ["identity-provider", "connect", "send"]
    else:
        signs = ["certificate"] if CERTIFICATE in preset.inputs else []
        assert [step.split()[1] for step in steps] == [*signs, "send"]
    if not CATALOGUE[preset.protocol].interactive and CERTIFICATE not in preset.inputs:
        assert failed == []
        assert "canary" not in json.dumps(diagnosed)


def made_path(preset) -> str:
    test = fill(preset, "Made", inputs_of(preset)).test
    return test.path if test is not None else ""


@pytest.mark.parametrize("preset", [p for p in EVERY if p.secrets], ids=lambda preset: preset.id)
async def test_without_its_secrets_a_preset_says_which_are_to_be_set(preset):
    world = await world_with_alice()
    made = await world.run("named_credential.create", **{**wanted(preset), "secrets": {}})
    missing = made["next"][0]["command"]
    assert {name for name in preset.secrets if f"{name}=-" in missing} == preset.secrets.keys(), missing


async def test_the_command_that_show_prints_has_everything_that_a_preset_asks_for():
    world = make_world()
    for preset in EVERY:
        shown = await world.run("preset.show", id=preset.id)
        words = shown["command"].split()
        assert words[3:5] == ["--preset", preset.id]
        given = {word.partition("=")[0] for word in words[5:]} - {"--input", "--secret"}
        assert given == {*preset.secrets, *(name for name, i in preset.inputs.items() if i.default is None)}
