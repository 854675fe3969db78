"""The components of RFC 9421 sections 2.1 and 2.2, by the RFC's own examples: https://www.rfc-editor.org/rfc/rfc9421.

What is signed cannot be seen in a signature, so it is made with a shared secret and compared with that of the text which
the RFC says. Content-Digest is compared with the examples of RFC 9530: https://www.rfc-editor.org/rfc/rfc9530.
"""

import base64
import hmac
from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.http_signatures import HMAC, Message, Signing, content_digest, signature

KEY = bytes(range(64))
CREATED = datetime.fromtimestamp(1618884473, UTC)
URL = "https://www.example.com/path?param=value"
#: Section 2.1; a line that is folded arrives as one, as whoever reads it has to unfold it (RFC 9112 section 5.2).
FIELDS = [
    ("Host", "www.example.com"),
    ("Date", "Tue, 20 Apr 2021 02:07:56 GMT"),
    ("X-OWS-Header", "   Leading and trailing whitespace.   "),
    ("Cache-Control", "max-age=60"),
    ("Cache-Control", "   must-revalidate"),
    ("Example-Dict", " a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
    ("X-Empty-Header", ""),
]
#: Section 2.1.3.
COMMAS = [("Example-Header", "value, with, lots"), ("Example-Header", "of, commas")]
#: Section 2.2.8.
PARAMETERS = "https://www.example.com/path?param=value&foo=bar&baz=batman&qux="
ENCODED = (
    "https://www.example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace"
    "&fa%C3%A7ade%22%3A%20=something"
)

#: Section, URL, fields, the component as it is declared, and its value.
COMPONENTS = [
    ("2.1", URL, FIELDS, "host", "www.example.com"),
    ("2.1", URL, FIELDS, "date", "Tue, 20 Apr 2021 02:07:56 GMT"),
    ("2.1", URL, FIELDS, "x-ows-header", "Leading and trailing whitespace."),
    ("2.1", URL, FIELDS, "cache-control", "max-age=60, must-revalidate"),
    ("2.1", URL, FIELDS, "example-dict", "a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
    ("2.1", URL, FIELDS, "x-empty-header", ""),
    ("2.1.2", URL, FIELDS, '"example-dict";key="a"', "1"),
    ("2.1.2", URL, FIELDS, '"example-dict";key="d"', "?1"),
    ("2.1.2", URL, FIELDS, '"example-dict";key="b"', "2;x=1;y=2"),
    ("2.1.2", URL, FIELDS, '"example-dict";key="c"', "(a b c)"),
    ("2.1.3", URL, COMMAS, "example-header", "value, with, lots, of, commas"),
    ("2.1.3", URL, COMMAS, '"example-header";bs', ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"),
    ("2.2.1", URL, [], "@method", "POST"),
    ("2.2.2", URL, [], "@target-uri", URL),
    ("2.2.3", URL, [], "@authority", "www.example.com"),
    ("2.2.3", "https://WWW.Example.com:443/", [], "@authority", "www.example.com"),
    ("2.2.3", "https://www.example.com:8443/", [], "@authority", "www.example.com:8443"),
    ("2.2.4", "http://www.example.com/path?param=value", [], "@scheme", "http"),
    ("2.2.5", URL, [], "@request-target", "/path?param=value"),
    ("2.2.6", URL, [], "@path", "/path"),
    ("2.2.6", "https://www.example.com", [], "@path", "/"),
    ("2.2.7", f"{URL}&foo=bar&baz=bat%2Dman", [], "@query", "?param=value&foo=bar&baz=bat%2Dman"),
    ("2.2.7", "https://www.example.com/path?queryString", [], "@query", "?queryString"),
    ("2.2.7", "https://www.example.com/path", [], "@query", "?"),
    ("2.2.8", PARAMETERS, [], '"@query-param";name="baz"', "batman"),
    ("2.2.8", PARAMETERS, [], '"@query-param";name="qux"', ""),
    ("2.2.8", PARAMETERS, [], '"@query-param";name="param"', "value"),
    ("2.2.8", ENCODED, [], '"@query-param";name="var"', "this%20is%20a%20big%0Amultiline%20value"),
    ("2.2.8", ENCODED, [], '"@query-param";name="bar"', "with%20plus%20whitespace"),
    ("2.2.8", ENCODED, [], '"@query-param";name="fa%C3%A7ade%22%3A%20"', "something"),
]


def signed(url: str, fields: list[tuple[str, str]], *covered: str) -> str:
    signing = Signing(HMAC, covered, CREATED, "k", KEY, names_algorithm=False)
    return signature(Message("POST", url, fields), signing)[1]


@pytest.mark.parametrize(
    ("url", "fields", "component", "value"),
    [case[1:] for case in COMPONENTS],
    ids=[f"{section} {component}" for section, _, _, component, _ in COMPONENTS],
)
def test_a_component_is_signed_with_the_value_that_the_rfc_gives_it(url, fields, component, value) -> None:
    named = component if component.startswith('"') else f'"{component}"'
    base = f'{named}: {value}\n"@signature-params": ({named});created=1618884473;keyid="k"'
    expected = base64.b64encode(hmac.digest(KEY, base.encode(), "sha256")).decode()
    assert signed(url, fields, component) == f"sig1=:{expected}:"


@pytest.mark.parametrize(
    ("url", "component"),
    [
        ("https://www.example.com/?a=1&a=2", '"@query-param";name="a"'),  # section 2.2.8: one that stands twice
        (URL, '"@query-param";name="absent"'),
        (URL, "absent"),  # section 2.5: a component that is not there
        (URL, "@status"),  # section 2.2.9: of responses alone
    ],
)
def test_what_has_no_one_value_is_refused(url: str, component: str) -> None:
    with pytest.raises(Refused, match="cannot be signed") as refused:
        signed(url, [], component)
    assert refused.value.reason.code == "malformed_request"


@pytest.mark.parametrize(
    ("source", "body", "digest"),
    [
        ("RFC 9530 appendix B.1", b'{"hello": "world"}\n', "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
        ("RFC 9421 section 2.5", b'{"hello": "world"}', "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        (
            "RFC 9421 appendix B.2",
            b'{"hello": "world"}',
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ),
    ],
)
def test_the_digest_of_the_content_is_the_published_one(source: str, body: bytes, digest: str) -> None:
    assert content_digest(body, digest.partition("=")[0]) == digest, source
