"""Signs in a body: found wherever they are in the first 64 KiB, however the body comes in pieces, and bounded."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.model.credentials import BodySign
from callout.core.refresh.bodies import BodyJudge, scan_maker
from callout.core.refresh.content import MOST_JUDGED, decoder_of

GRAPHQL = BodySign(json_pointer="/errors/*/extensions/code", equals=("UNAUTHENTICATED", "AUTH_NOT_AUTHENTICATED"))
SLACK = BodySign(json_pointer="/error", equals=("token_expired", "invalid_auth"))
SOAP = BodySign(soap_fault_code=("INVALID_SESSION_ID",))
TEXT = BodySign(text=("session expired", "sitzung abgelaufen"))

FAULT = b"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com">
<soapenv:Header><a><b>x</b></a></soapenv:Header>
<soapenv:Body><soapenv:Fault><faultcode>%b</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID found
</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"""
FAULT_12 = b"""<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:m="urn:m"><e:Body><e:Fault>
<e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>m:Other</e:Value><e:Subcode><e:Value>%b</e:Value></e:Subcode>
</e:Subcode></e:Code><e:Reason><e:Text xml:lang="en">no</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"""


def judge(sign: BodySign, pieces: list[bytes], coding: str = "") -> bool:
    decoder = decoder_of(coding)
    assert decoder is not None
    judging = BodyJudge([("it", scan_maker(sign)())], decoder)
    for piece in pieces:
        judging.feed(piece, ended=False)
    judging.feed(b"", ended=True)
    return judging.sign == "it"


def errors(*codes: str, **more: object) -> bytes:
    return json.dumps({"errors": [{"extensions": {"code": code}} for code in codes], **more}).encode()


MATCHING = [
    (GRAPHQL, errors("UNAUTHENTICATED")),
    (GRAPHQL, errors("OTHER", "AUTH_NOT_AUTHENTICATED", data=None)),
    (GRAPHQL, b' \r\n{"data":{"errors":[1,{"x":"}"}]},"errors":[{"extensions":{"code":"UNAUTH\\u0045NTICATED"}}]}'),
    (GRAPHQL, b"\xef\xbb\xbf" + errors("UNAUTHENTICATED")),
    (SLACK, b'{"ok":false,"error":"token_expired"}'),
    (SLACK, b'{"ok":false,"error":"no","error":"token_expired"'),
    (BodySign(json_pointer="/error/code", equals=("190",)), b'{"error":{"message":"a \\" b","code":190}}'),
    (BodySign(json_pointer="/ok", equals=("false",)), b'{"ok":false}'),
    (BodySign(json_pointer="/a~1b/m~0n/1", equals=("x",)), b'{"a/b":{"m~n":["w","x"]}}'),
    (BodySign(json_pointer="/*", equals=("x",)), b'["w",["x"],{"*":1},"x"]'),
    (SOAP, FAULT % b"sf:INVALID_SESSION_ID"),
    (SOAP, FAULT % b"\n INVALID_SESSION_ID "),
    (SOAP, FAULT_12 % b"m:INVALID_SESSION_ID"),
    (SOAP, (FAULT % b"sf:INVALID_SESSION_ID").decode().replace("UTF-8", "UTF-16").encode("utf-16")),
    (TEXT, b"<html>session expired</html>"),
]
OTHERS = [
    (GRAPHQL, errors("FORBIDDEN")),
    (GRAPHQL, b'{"data":{"errors":[{"extensions":{"code":"UNAUTHENTICATED"}}]}}'),
    (GRAPHQL, b'{"errors":{"0":{"extensions":{"code":"UNAUTHENTICATED"}}}}'),
    (GRAPHQL, b'{"errors":[{"extensions":{"code":["UNAUTHENTICATED"]}}]}'),
    (GRAPHQL, b'{"errors" [{"extensions":{"code":"UNAUTHENTICATED"}}]}'),
    (GRAPHQL, b'{"errors":[{"extensions":{"code":"UNAUTHENTICATED'),
    (GRAPHQL, b'{} {"errors":[{"extensions":{"code":"UNAUTHENTICATED"}}]}'),
    (GRAPHQL, b"[" * 70_000),
    (SLACK, b'{"ok":true,"warning":"token_expired"}'),
    (SLACK, b'{"error":{"error":"token_expired"}}'),
    (SLACK, b'["error","token_expired"]'),
    (SLACK, b'<error>"token_expired"</error>'),
    (BodySign(json_pointer="/error/code", equals=("190",)), b'{"error":{"code":1901}}'),
    (BodySign(json_pointer="/error/code", equals=("190",)), b'{"error":{"code":190'),
    (SOAP, FAULT % b"sf:INVALID_FIELD"),
    (SOAP, FAULT_12 % b"m:EXPIRED"),
    (SOAP, (FAULT % b"sf:INVALID_SESSION_ID").replace(b"faultcode", b"detail")),
    (SOAP, b"<Envelope><Body><Answer>INVALID_SESSION_ID</Answer></Body></Envelope>"),
    (SOAP, b"<html><body>INVALID_SESSION_ID</body></html>"),
    (SOAP, b'<!DOCTYPE e [<!ENTITY a "INVALID_SESSION_ID">]>' + (FAULT % b"&a;").partition(b"?>")[2]),
    (SOAP, b'{"faultcode":"INVALID_SESSION_ID"}'),
    (SOAP, b""),
    (TEXT, b"the session has expired"),
]


@pytest.mark.parametrize(("sign", "body"), MATCHING)
def test_a_sign_is_found(sign, body) -> None:
    assert judge(sign, [body])


@pytest.mark.parametrize(("sign", "body"), OTHERS)
def test_what_only_looks_like_a_sign_is_none(sign, body) -> None:
    assert not judge(sign, [body])


@given(case=st.sampled_from(MATCHING + OTHERS), data=st.data())
def test_however_a_body_comes_in_pieces_the_decision_is_the_same(case, data) -> None:
    sign, body = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert judge(sign, pieces) == judge(sign, [body])


@pytest.mark.parametrize(("sign", "body"), MATCHING + [case for case in OTHERS if len(case[1]) < 5000])
def test_byte_by_byte_the_decision_is_the_same(sign, body) -> None:
    assert judge(sign, [bytes([byte]) for byte in body]) == ((sign, body) in MATCHING)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_compressed_body_is_judged_as_what_it_stands_for(coding, size) -> None:
    body = errors("UNAUTHENTICATED")
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = {
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
    }
    pieces = [packed[coding][at : at + size] for at in range(0, len(packed[coding]), size)]
    assert judge(GRAPHQL, pieces, coding.rpartition(" ")[2])


def test_a_body_that_is_not_what_its_encoding_says_is_no_sign() -> None:
    assert not judge(GRAPHQL, [errors("UNAUTHENTICATED")], "gzip")
    assert decoder_of("br") is None


def test_a_body_that_grows_without_end_is_looked_at_for_64_kib_alone() -> None:
    bomb = gzip.compress(b'{"a":"' + b" " * 5_000_000 + b'","error":"token_expired"}')
    judging = BodyJudge([("it", scan_maker(SLACK)())], decoder_of("gzip"))
    judging.feed(bomb[:2000], ended=False)
    assert judging.sign == ""


@pytest.mark.parametrize(("before", "found"), [(MOST_JUDGED - 40, True), (MOST_JUDGED, False)])
@pytest.mark.parametrize("sign", [SLACK, BodySign(text=("token_expired",))])
def test_a_sign_is_found_in_the_first_64_kib_and_not_after(sign, before, found) -> None:
    body = b'{"a":"' + b"x" * (before - 9) + b'","error":"token_expired"}'
    assert judge(sign, [body]) is found
    assert judge(sign, [body[:1000], body[1000:]]) is found


def test_a_sign_is_reported_before_the_body_ends() -> None:
    judging = BodyJudge([("it", scan_maker(GRAPHQL)())], decoder_of(""))
    judging.feed(b'{"errors":[{"extensions":{"code":"UNAUTHENTICATED"', ended=False)
    assert judging.sign == "it"


@pytest.mark.parametrize(
    ("sign", "start"),
    [
        (GRAPHQL, b"data: {"),
        (SOAP, b" text"),
        (SOAP, b"<html>"),
        (SOAP, b"<e:Envelope xmlns:e='x'><e:Body><Answer>"),
        (GRAPHQL, b"\x00\x01"),
    ],
)
def test_a_body_that_cannot_match_any_more_is_decided_at_once(sign, start) -> None:
    judging = BodyJudge([("it", scan_maker(sign)())], decoder_of(""))
    judging.feed(start, ended=False)
    assert judging.sign == ""


LEAVES = st.none() | st.booleans() | st.integers(-9, 200) | st.sampled_from(["x", "y/", 'a"\\', "}]", "\u00e9", ""])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "*", "0", "é"]), inner),
    max_leaves=12,
)


def reached(tree: object, tokens: list[str]) -> list[object]:
    """What a pointer leads to, found the plain way."""
    for token in tokens[:1]:
        if isinstance(tree, dict):
            return reached(tree[token], tokens[1:]) if token in tree else []
        if isinstance(tree, list):
            return [v for n, item in enumerate(tree) if token in ("*", str(n)) for v in reached(item, tokens[1:])]
        return []
    return [] if isinstance(tree, dict | list) else [tree if isinstance(tree, str) else json.dumps(tree)]


@given(
    tree=TREES,
    tokens=st.lists(st.sampled_from(["a", "b", "*", "0", "é"]), min_size=1, max_size=3),
    value=LEAVES.map(lambda leaf: leaf if isinstance(leaf, str) else json.dumps(leaf)).filter(bool),
    plain=st.booleans(),
    size=st.integers(1, 40),
)
def test_a_value_is_found_exactly_where_the_pointer_leads(tree, tokens, value, plain, size) -> None:
    body = json.dumps(tree, ensure_ascii=plain, indent=size % 3 or None).encode()
    expected = isinstance(tree, dict | list) and value in reached(tree, tokens)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert judge(BodySign(json_pointer="/" + "/".join(tokens), equals=(value,)), pieces) is expected


def test_a_long_text_that_comes_byte_by_byte_is_read_once() -> None:
    judging = BodyJudge([("it", scan_maker(SLACK)())], decoder_of(""))
    judging.feed(b'{"\\\\":"', ended=False)
    for _ in range(MOST_JUDGED):
        judging.feed(b"x", ended=False)
    assert judging.sign == ""
