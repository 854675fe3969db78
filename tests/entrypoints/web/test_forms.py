"""Forms: what is drawn is read back as it was, and each problem stands at its field."""

from hypothesis import given
from hypothesis import strategies as st

from callout.core.protocols import CATALOGUE
from callout.entrypoints.web.forms import Drawn, Field, Group, Kind, draw, fields_of_parameters, placed, read
from callout.entrypoints.web.visit import Form

FIELDS = (
    Field(("label",), "Label"),
    Field(("url",), "URL", Kind.URL, required=True),
    Field(("on",), "On", Kind.CHECK, absent=True),
    Field(("codes",), "Codes", Kind.NUMBERS),
    Field(("lines",), "Lines", Kind.LINES),
    Field(("names",), "Names", Kind.PICK, options=("a", "b")),
    Field(("private",), "Private", Kind.CHOICE, choices=(("", "As it is"), ("true", "Yes"), ("false", "No"))),
    Field(("parameters", "scope"), "Scope"),
    Field(("parameters", "claims"), "Claims", Kind.MAP),
    Field(("users",), "Users", Kind.MAP),
    Field(
        ("rows",),
        "Rows",
        Kind.ROWS,
        fields=(Field(("name",), "Name"), Field(("calls",), "Calls", Kind.NUMBER), Field(("deep", "text"), "Text")),
    ),
    Field(("secrets", "key"), "Key", Kind.SECRET),
)
GROUPS = (Group("All", FIELDS),)
texts = st.text(st.characters(categories=("L", "N"), include_characters="-_. é"), min_size=1, max_size=8).map(str.strip)
some = texts.filter(bool)


def sent(drawn: Drawn) -> list[tuple[str, str]]:
    """What a browser sends for a field."""
    value = drawn.value
    match drawn.field.kind:
        case Kind.ROWS | Kind.MAP:
            return [pair for row in drawn.rows for each in row for pair in sent(each)]
        case Kind.CHECK:
            return [(drawn.name, "true")] if value else []
        case Kind.PICK:
            return [(drawn.name, each) for each in value or []]
        case Kind.LINES:
            return [(drawn.name, "\r\n".join(value or []))]
        case Kind.NUMBERS:
            return [(drawn.name, ", ".join(map(str, value or [])))]
        case Kind.SECRET:
            return [(drawn.name, "")]
        case _:
            return [(drawn.name, str(value).lower() if isinstance(value, bool) else str(value or ""))]


@given(
    st.fixed_dictionaries(
        {"url": some, "on": st.booleans()},
        optional={
            "label": some,
            "codes": st.lists(st.integers(400, 999), min_size=1, max_size=3, unique=True),
            "lines": st.lists(some, min_size=1, max_size=3),
            "names": st.lists(some, min_size=1, max_size=3, unique=True).map(sorted),
            "private": st.booleans(),
            "users": st.dictionaries(some, some, min_size=1, max_size=2),
            "rows": st.lists(
                st.fixed_dictionaries(
                    {"name": some, "calls": st.integers(1, 99), "deep": st.fixed_dictionaries({"text": some})}
                ),
                min_size=1,
                max_size=3,
            ),
            "parameters": st.fixed_dictionaries({"scope": some, "claims.sub": some, "other": some}),
            "untouched": some,
        },
    )
)
def test_what_is_drawn_is_read_back(definition) -> None:
    pairs = [pair for group in draw(GROUPS, definition).groups for drawn in group.fields for pair in sent(drawn)]
    whole = read(GROUPS, Form(pairs), definition)
    assert {name: value for name, value in whole.items() if value != {}} == definition


def test_a_field_that_is_emptied_is_left_out_and_a_secret_is_kept() -> None:
    before = {"url": "u", "label": "old", "parameters": {"scope": "s", "claims.sub": "x"}, "secrets": {"key": "typed"}}
    whole = read(GROUPS, Form([("url", "u"), ("label", ""), ("secrets/key", "")]), before)
    assert "label" not in whole
    assert whole["parameters"] == {}
    assert whole["secrets"] == {"key": "typed"}


def test_a_row_that_is_marked_is_removed_and_an_empty_one_never_was() -> None:
    pairs = [("rows/0/name", "a"), ("rows/1/name", "b"), ("rows/0/remove", "true"), ("rows/2/name", "  ")]
    assert read(GROUPS, Form(pairs), {})["rows"] == [{"name": "b"}]


def test_rows_keep_their_order_past_ten() -> None:
    pairs = [(f"rows/{number}/name", f"n{number}") for number in (10, 2, 0, 11)]
    assert [row["name"] for row in read(GROUPS, Form(pairs), {})["rows"]] == ["n0", "n2", "n10", "n11"]


def test_a_number_that_is_none_is_left_for_the_rules_to_refuse() -> None:
    assert read(GROUPS, Form([("codes", "400, forty")]), {})["codes"] == [400, "forty"]


def document(*places: str) -> dict:
    return {
        "problems": [{"place": p, "got": "x", "expected": "y", "nearest": None, "text": f"{p}: no"} for p in places]
    }


def test_each_problem_stands_at_its_field_and_what_has_none_above() -> None:
    told = document(
        "s.N.url", "s.N.rows[0].name", "s.N.parameters.claims.sub", "s.N.codes[1]", "s.N.unknown", "users.x"
    )
    definition = {"rows": [{"name": "a"}], "parameters": {"claims.sub": "v"}}
    drawing = draw(GROUPS, definition, placed(told, "s.N"))
    assert {each.name for each in drawing.wrong} == {"url", "rows/0/name", "parameters/claims/0/value", "codes"}
    assert drawing.problems == ["got x; expected y", "users.x: no"]


def test_another_name_that_begins_alike_is_not_meant() -> None:
    assert placed(document("s.Name2.url"), "s.Name") == {(): ["s.Name2.url: no"]}


def test_every_parameter_of_every_protocol_has_a_field() -> None:
    for protocol in CATALOGUE.values():
        fields = fields_of_parameters(protocol.parameters)
        assert [field.path[-1] for field in fields] == [p.name for p in protocol.parameters]
        for field, parameter in zip(fields, protocol.parameters, strict=True):
            assert (field.kind is Kind.SECRET) is (parameter.secret and parameter.key is None)
            assert parameter.help in field.help


def test_a_row_whose_number_is_none_is_no_row() -> None:
    pairs = [(f"rows/{number}/name", "x") for number in ("²", "9" * 5000, "-1", "1.5", "")]
    assert read(GROUPS, Form([*pairs, ("rows/999999999/name", "y")]), {})["rows"] == [{"name": "y"}]


def test_of_very_many_problems_some_are_shown_and_the_rest_is_counted() -> None:
    definition = {"rows": [{"name": f"n{number}"} for number in range(1000)]}
    problems = {("rows", str(number), "name"): ["got x"] for number in range(1000)}
    drawing = draw(GROUPS, definition, problems)
    assert len(drawing.wrong) == 200
    assert drawing.problems == ["and 800 more places where something is wrong"]
