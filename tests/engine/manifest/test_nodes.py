"""YAML text as nodes: what is refused, with file and line, and never with the text itself."""

import json

import pytest

from callout.core.errors import DefinitionError
from callout.engine.manifest.nodes import (
    DEEPEST,
    LONGEST_TEXT,
    Kind,
    ListNode,
    MapNode,
    ScalarNode,
    compose,
    kind_of,
)


def refused(text, name="m.yaml"):
    with pytest.raises(DefinitionError) as caught:
        compose(text, name)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: [1,\nb: 2", "m.yaml:3"),
        ("a: 'x", "m.yaml:1"),
        ("a:\n  - x\n b: 1", "m.yaml:3"),
        ("a: b: c", "m.yaml:1"),
        ("- a\nb: 1", "m.yaml:2"),
        ("a: 1\nb: @x", "m.yaml:2"),
        ('a: "\\q"', "m.yaml:1"),
    ],
)
def test_text_that_is_not_yaml_is_refused_with_its_line(text, where):
    problem = refused(text)
    assert problem.where == where
    assert "not YAML" in problem.got


@pytest.mark.parametrize(
    "text",
    [
        "password: *hunter2",
        "password: !hunter2 x",
        "password: !hunter2!x x",
        "password: 'hunter2",
        'password: "hunter2\\q"',
        "password: hunter2: x",
        "password: @hunter2",
        "password: hunter2\x07",
        "password: hunter2\ud800",
    ],
)
def test_an_error_never_shows_what_was_read(text):
    assert "hunter2" not in str(refused(text))


def test_a_character_that_yaml_does_not_allow_is_refused_with_its_line():
    assert refused("a: 1\nb: x\x07y\n").where == "m.yaml:2"


def test_tags_are_refused_so_that_nothing_is_constructed():
    problem = refused("a:\n  b: !!python/object/apply:print [x]")
    assert (problem.got, problem.where) == ("a tag (!…)", "m.yaml:2")
    assert refused("a: !!str 1").got == "a tag (!…)"


def test_an_alias_repeats_its_anchor():
    root = compose("a: &x [1, 2]\nb: *x", "m.yaml")
    assert root.entries[0][1] is root.entries[1][1]


def test_an_alias_without_an_anchor_above_it_is_refused():
    assert refused("a: 1\nb: *x").where == "m.yaml:2"


def test_an_alias_inside_its_own_anchor_is_refused():
    assert "without an anchor" in refused("a: &x [*x]").got
    assert "without an anchor" in refused("b: &x 1\na: &x [*x]").got


def test_aliases_that_multiply_are_refused_before_they_are_followed():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert refused("\n".join(lines)).got == "aliases that multiply"


def test_nesting_is_bounded():
    compose("[" * DEEPEST + "]" * DEEPEST, "m.yaml")
    assert refused("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)).got == "deeper nesting"


def test_the_text_is_bounded():
    assert str(LONGEST_TEXT) in refused(" " * (LONGEST_TEXT + 1)).expected


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null"])
def test_an_empty_manifest_is_refused_because_it_is_more_likely_a_mistake(text):
    assert refused(text).got == "an empty manifest"


def test_a_second_document_is_refused():
    assert refused("a: 1\n---\nb: 2").where == "m.yaml:2"


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        ("", Kind.NOTHING),
        ("null", Kind.NOTHING),
        ("~", Kind.NOTHING),
        ("true", Kind.BOOLEAN),
        ("False", Kind.BOOLEAN),
        ("<<", Kind.MERGE),
        ("yes", Kind.TEXT),
        ("off", Kind.TEXT),
        ("42", Kind.INTEGER),
        ("-0x1F", Kind.TEXT),
        ("0x1F", Kind.INTEGER),
        ("0o17", Kind.INTEGER),
        ("1e5", Kind.NUMBER),
        (".5", Kind.NUMBER),
        (".inf", Kind.NUMBER),
        ("1.2.3", Kind.TEXT),
        ("12:30", Kind.TEXT),
        ("2026-01-01", Kind.TEXT),
    ],
)
def test_plain_scalars_are_typed_as_yaml_1_2_does(plain, kind):
    assert kind_of(plain) is kind


def test_a_quoted_scalar_is_text():
    assert compose("'true'", "m.yaml") == ScalarNode("true", Kind.TEXT, 1)


def test_lines_count_from_one_and_entries_keep_their_order():
    root = compose("b: 1\na:\n  - x\n", "m.yaml")
    assert isinstance(root, MapNode)
    assert [key.text for key, _ in root.entries] == ["b", "a"]
    assert root.entries[1][1] == ListNode((ScalarNode("x", Kind.TEXT, 3),), 3)


def test_a_node_does_not_show_its_text():
    assert "hunter2" not in repr(compose("a: hunter2", "m.yaml"))


def test_json_with_tabs_and_escapes_beyond_the_first_plane_is_read():
    text = json.dumps({"label": "a/b \\ud83d 😀"}, indent="\t").replace("/", "\\/")
    assert compose(text, "m.json").entries[0][1].text == "a/b \\ud83d 😀"


def test_an_unpaired_surrogate_in_json_is_refused():
    assert "not YAML" in refused('{"a": "\\ud83d"}', "m.json").got
