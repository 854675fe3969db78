"""Formulas in what a caller sends. What is not a formula stays byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.errors import Refused
from callout.core.formula.request import (
    LONGEST_SOURCES,
    MOST_DIFFERENT,
    MOST_FORMULAS,
    MOST_PARTS,
    evaluated_body,
    evaluated_lines,
)
from callout.core.formula.template import LONGEST_SOURCE
from tests.core.formula.evaluation import scope

JSON = "application/json"


def body_of(body: bytes, kind: str = JSON, encoding: str = "", longest: int = 1_000_000, **secrets: str) -> bytes:
    return evaluated_body(body, scope(**secrets), content_type=kind, content_encoding=encoding, longest=longest)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"key": "{!$Credential.X.Key}"}', b'{"key": "k3y"}'),
        (b"{!$Credential.X.Key}", b"k3y"),
        (b"{{!$Credential.X.Key}}{!'x'}", b"{k3y}x"),
        (b"\xff\xfe{!$Credential.X.Key}\xff", b"\xff\xfek3y\xff"),
        ("é{!$Credential.X.Key}é".encode("latin-1"), b"\xe9k3y\xe9"),
        ("{!HTMLENCODE('<é>')}".encode(), "&lt;é&gt;".encode()),
        (b"<p>{!HTMLENCODE($Credential.X.Key & '&')}</p>", b"<p>k3y&amp;</p>"),
        (b"{!$Credential.Password}\r\n", b"the Password\r\n"),
        (b"{ !x}{", b"{ !x}{"),
        (b"", b""),
    ],
)
def test_formulas_in_a_body_are_replaced_and_nothing_else(body: bytes, sent: bytes) -> None:
    assert body_of(body) == sent


def test_a_value_may_have_line_breaks_in_a_body() -> None:
    assert body_of(b"{!$Credential.X.Pem}", Pem="a\nb") == b"a\nb"


TEXTS = [
    "text/plain",
    "TEXT/XML; charset=utf-8",
    "application/json",
    "application/json;charset=UTF-8",
    "application/vnd.api+json",
    "application/soap+xml; action=x",
    "application/x-www-form-urlencoded",
    "image/svg+xml",
]
BINARIES = ["application/octet-stream", "image/png", "application/pdf", "application/jsonx", "multipart/form-data", "x"]


@pytest.mark.parametrize("kind", TEXTS)
def test_formulas_are_looked_for_in_text(kind: str) -> None:
    assert body_of(b"\xff{!'x'}", kind) == b"\xffx"


@pytest.mark.parametrize("kind", BINARIES)
def test_a_binary_body_stays_as_it_came(kind: str) -> None:
    assert body_of(b"{!'x'} {!broken", kind) == b"{!'x'} {!broken"


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_stays_as_it_came(encoding: str) -> None:
    assert body_of(b"{!'x'} {!broken", encoding=encoding) == b"{!'x'} {!broken"
    assert body_of(b"{!'x'}", encoding=" Identity ") == b"x"


def test_a_body_that_nothing_describes_is_text_where_it_is_utf_8() -> None:
    assert body_of(b"{!'x'}", "") == b"x"
    assert body_of(b"\xff{!'x'} {!broken", "") == b"\xff{!'x'} {!broken"


MULTIPART = (
    b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n{!$Credential.X.Key}\r\n"
    b"--b\r\nContent-Disposition: form-data; name=f; filename=x{!'no'}\r\n\r\n{!broken\r\n"
    b"--b\r\nContent-Disposition: form-data; name=p\r\nContent-Type: image/png\r\n\r\n\xff{!broken\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{!broken\r\n"
    b'--b\r\nContent-Type: application/json\r\n\r\n{"k": "{!\'v\'}"}\r\n--b--\r\n'
)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", 'Multipart/Related; type="x"; boundary="b"'])
def test_of_a_multipart_body_the_text_parts_are_evaluated(kind: str) -> None:
    expected = MULTIPART.replace(b"{!$Credential.X.Key}", b"k3y").replace(b"{!'v'}", b"v")
    assert body_of(MULTIPART, kind) == expected


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\n\r\n{!broken", b"no boundary {!broken"])
def test_a_multipart_body_that_is_not_whole_stays_as_it_came(body: bytes) -> None:
    assert body_of(body, "multipart/form-data; boundary=b") == body


@given(st.binary(max_size=300).filter(lambda body: b"{!" not in body))
def test_bytes_without_a_formula_stay_as_they_are(body: bytes) -> None:
    assert body_of(body) == body
    assert body_of(body + b"{!'x'}" + body) == body + b"x" + body


@pytest.mark.parametrize(
    ("body", "place", "got"),
    [
        (b"a\nbc{!FOO('a')}", "body of the request, line 2, byte 3: formula, line 1, column 3", "function FOO"),
        (b"{!'a'", "line 1, byte 1", "a formula that is not closed"),
        (b"{!LEFT($Credential.X.Key, 1)}", "line 1, byte 1", "LEFT in a body; expected one of HTMLENCODE"),
        (b"{!BASE64ENCODE(BLOB('a'))}", "line 1, byte 1", "BASE64ENCODE in a body; expected one of HTMLENCODE"),
        (b"{!IF(TRUE, 'a', 'b')}", "line 1, byte 1", "IF in a body"),
        (b"{!$User.Id}", "line 1, byte 1", "global $User in a body"),
        (b"{!'\xff'}", "line 1, byte 1", "half of a surrogate pair"),
    ],
)
def test_a_formula_that_cannot_be_is_refused_with_its_place(body: bytes, place: str, got: str) -> None:
    with pytest.raises(Refused) as error:
        body_of(body)
    assert error.value.reason.code == "formula_failed"
    assert place in error.value.detail
    assert got in error.value.detail
    assert error.value.detail.endswith("^")


def test_another_credential_cannot_be_read() -> None:
    with pytest.raises(KeyError):  # the look-up's own refusal: see test_credential
        body_of(b"{!$Credential.Other.Key}")


def test_what_would_be_sent_must_fit_and_is_not_cut_short() -> None:
    assert len(body_of(b"{!$Credential.X.Long}" * 2, longest=2000, Long="x" * 1000)) == 2000
    for body in (b"{!$Credential.X.Long}" * 3, b"{!$Credential.X.Long}" * 2 + b"y"):
        with pytest.raises(Refused, match=r"got a body of \d+ bytes and more from its formulas; expected at most 2000"):
            body_of(body, longest=2000, Long="x" * 1000)


def test_one_request_has_so_many_formulas_and_no_more() -> None:
    assert body_of(b"{!'x'}" * MOST_FORMULAS) == b"x" * MOST_FORMULAS
    with pytest.raises(Refused, match=f"expected at most {MOST_FORMULAS}"):
        body_of(b"{!'x'}" * (MOST_FORMULAS + 1))
    different = b"".join(b"{!'%0*d'}" % (LONGEST_SOURCE - 10, n) for n in range(LONGEST_SOURCES // LONGEST_SOURCE + 1))
    with pytest.raises(Refused, match=f"and {LONGEST_SOURCES} characters in those"):
        body_of(different)
    with pytest.raises(Refused, match=f"{MOST_DIFFERENT} different ones"):
        body_of(b"".join(b"{!'%d'}" % n for n in range(MOST_DIFFERENT + 1)))


def test_a_multipart_body_has_so_many_parts_and_no_more() -> None:
    kind = "multipart/form-data; boundary=b"
    assert body_of(b"--b\r\nA: b\r\n\r\n{!'x'}\r\n" * (MOST_PARTS - 1) + b"--b--", kind).count(b"x") == MOST_PARTS - 1
    with pytest.raises(Refused, match=f"got more than {MOST_PARTS} parts"):
        body_of(b"--b\r\nA: b\r\n\r\nx\r\n" * (MOST_PARTS + 1) + b"{!", kind)


def test_formulas_in_header_lines_are_replaced_and_other_lines_stay() -> None:
    lines = [b"X-Key: {!$Credential.X.Key}", b"X-Raw: \xff", b"x-sig:{!HEX(HMAC('SHA-256', BLOB('a'), BLOB('b')))}"]
    sent = evaluated_lines(lines, scope())
    assert sent[:2] == [b"X-Key: k3y", b"X-Raw: \xff"]
    assert sent[2].startswith(b"x-sig:cb448b440c42ac8a")


def test_headers_have_a_length_that_any_system_takes() -> None:
    long = "x" * 30_000
    assert len(evaluated_lines([b"X-A: {!$Credential.X.Long}"] * 2, scope(Long=long))) == 2
    with pytest.raises(Refused, match=r"got headers of 90015 bytes from the formulas .* expected at most 65536"):
        evaluated_lines([b"X-A: {!$Credential.X.Long}"] * 3, scope(Long=long))


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (b"X-A: {!$User.Id}", "global $User in a header that a caller sets"),
        (b"X-A: {!HTMLENCODE('a')}", "HTMLENCODE in a header that a caller sets"),
        (b"X-A: {!LEFT($Credential.X.Key, 1)}", "LEFT in a header that a caller sets"),
        (b"X-A: {!$Credential.X.Bad}", "a carriage return in the value"),
        (b"X-A: {!'a}", "a text that is not closed"),
        (b"X-A: \xff{!'a'}", "a formula among bytes that are not UTF-8"),
        (b"X-A: {!" + b"x" * LONGEST_SOURCE + b"}", "characters; expected at most 3900"),
    ],
)
def test_a_header_that_cannot_be_is_refused_with_its_name(line: bytes, got: str) -> None:
    with pytest.raises(Refused) as error:
        evaluated_lines([line], scope(Bad="c4n4ry\r\nX-B: 1"))
    assert error.value.reason.code == "formula_failed"
    assert error.value.detail.startswith("header X-A of the request: ")
    assert got in error.value.detail
    assert "c4n4ry" not in error.value.detail
