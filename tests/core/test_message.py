import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.errors import Refused
from callout.core.message import HOP_BY_HOP, HttpRequest, HttpResponse, as_sent, form_body, header_lines
from callout.core.secret import Redactable, Secret, reveal

REQUEST = HttpRequest("GET", "https://a.example/x", (("X-A", Redactable.of("1")), ("x-a", Redactable.of("2"))))


def test_a_header_that_is_written_replaces_all_of_its_name_in_any_case() -> None:
    changed = REQUEST.with_headers(("X-a", "3"))
    assert changed.headers == (("X-a", Redactable.of("3")),)
    assert len(REQUEST.headers) == 2


def test_headers_written_together_keep_order_and_duplicates() -> None:
    changed = REQUEST.with_headers(("B", "1"), ("b", Secret("2")))
    assert [(n, reveal(v)) for n, v in changed.headers] == [("X-A", "1"), ("x-a", "2"), ("B", "1"), ("b", "2")]


def test_a_header_of_an_answer_is_found_in_any_case_and_the_first_counts() -> None:
    response = HttpResponse(200, "OK", (("Content-TYPE", "a"), ("content-type", "b")), b"")
    assert response.header("content-type") == "a"
    assert response.header("missing") is None


def test_neither_request_nor_answer_shows_a_secret() -> None:
    request = HttpRequest("POST", "https://a.example", body=form_body((("key", Secret("c4n4ry")),)))
    assert "c4n4ry" not in repr(request.with_headers(("Authorization", Secret("c4n4ry"))))
    assert "c4n4ry" not in repr(HttpResponse(200, "OK", (), b'{"access_token": "c4n4ry"}'))


def test_a_form_is_encoded_as_rfc_6749_appendix_b_says() -> None:
    body = form_body((("a b", " %&+£€"), ("client_secret", Secret("p&=w"))))
    assert reveal(body) == "a+b=+%25%26%2B%C2%A3%E2%82%AC&client_secret=p%26%3Dw"
    assert body.redacted == "a+b=+%25%26%2B%C2%A3%E2%82%AC&client_secret=…"


def test_header_lines_are_what_goes_on_the_wire() -> None:
    lines = header_lines((("Host", Redactable.of("a.example")), ("X-Key", Redactable.of("k", Secret("é")))))
    assert lines == "Host: a.example\r\nX-Key: ké\r\n".encode()


@pytest.mark.parametrize("breaking", ["\r", "\n", "\0", "\r\nX-Evil: 1", "\ud800"])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_value_that_would_break_out_of_its_header_never_gets_there(breaking: str, hidden: bool) -> None:
    text = f"c4n4ry{breaking}"
    value = Redactable.of("Bearer ", Secret(text) if hidden else text)
    with pytest.raises(Refused) as refused:
        header_lines((("Authorization", value),))
    assert refused.value.reason.code == "formula_failed"
    assert "Authorization" in refused.value.detail
    assert "c4n4ry" not in str(refused.value)


@given(st.lists(st.tuples(st.sampled_from(["A", "B-c"]), st.text())))
def test_header_lines_have_exactly_one_line_for_each_header_or_are_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        lines = header_lines(tuple((name, Redactable.of(value)) for name, value in pairs))
    except Refused:
        assert any(set("\r\n\0") & set(value) for _, value in pairs)
    else:
        assert lines.count(b"\n") == lines.count(b"\r\n") == len(pairs)


def test_the_connection_own_fields_are_those_of_rfc_9110() -> None:
    assert {"connection", "te", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection"} <= HOP_BY_HOP
    assert all(name == name.lower() for name in HOP_BY_HOP)


def test_a_header_value_is_shown_as_the_bytes_that_are_sent() -> None:
    value = Redactable.of("für ", Secret("ü"))
    shown = as_sent(value)
    assert reveal(shown).encode("latin-1") == header_lines((("X", value),))[3:-2]
    assert shown.redacted == "fÃ¼r …"
    assert as_sent(Redactable.of("plain")) == Redactable.of("plain")
