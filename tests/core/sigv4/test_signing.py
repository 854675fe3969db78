"""The published test suite of AWS, and botocore's signer, which both say what a signature has to be."""

import json
import re
import string
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from callout.core.message import HttpRequest
from callout.core.secret import Redactable, Secret, reveal
from callout.core.sigv4 import AwsCredentials, CredentialScope, payload_hash_of, sign
from callout.core.sigv4.signing import ALGORITHM, canonical_of, string_to_sign, without

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "aws4_testsuite" / "cases.json").read_text())
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
ID, KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SCOPE = CredentialScope("us-east-1", "service")


def credentials(session_token: str | None = None) -> AwsCredentials:
    return AwsCredentials(Secret(ID), Secret(KEY), Secret(session_token) if session_token else None)


def request_of(text: str) -> HttpRequest:
    """Read a request of the suite; lines that begin with white space continue the one before."""
    head, _, body = text.partition("\n\n")
    start, *lines = re.sub(r"\n +", " ", head.rstrip("\n")).split("\n")
    method, _, target = start.rpartition(" ")[0].partition(" ")
    headers = tuple((name, Redactable.of(value)) for name, _, value in (line.partition(":") for line in lines))
    return HttpRequest(method, f"https://example.amazonaws.com{target}", headers, body.encode())


def header(request: HttpRequest, name: str) -> str:
    return next(reveal(value) for key, value in request.headers if key == name)


@pytest.mark.parametrize("name", CASES)
def test_the_published_suite_is_signed_as_it_says(name: str) -> None:
    case = CASES[name]
    token = re.search("^x-amz-security-token:(.*)$", case["creq"], re.MULTILINE)
    request = request_of(case["req"])
    after = sign(
        request, credentials(token and token[1]), SCOPE, NOW, payload_hash_of(request.body), names_payload=False
    )
    canonical = canonical_of(without(after, ("Authorization",)), SCOPE, payload_hash_of(request.body))
    assert canonical.text.decode() == case["creq"]
    assert string_to_sign(ALGORITHM, canonical, SCOPE, NOW) == case["sts"]
    assert header(after, "Authorization") == case["authz"]


def test_the_whole_suite_is_there() -> None:
    assert len(CASES) == 34


class ToldTheTime:
    """Makes botocore's signer sign for a time that it is given."""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


class Botocore(ToldTheTime, SigV4Auth):
    pass


class BotocoreS3(ToldTheTime, S3SigV4Auth):
    pass


TEXT = st.text(string.printable.strip() + "äö漢 ", max_size=12)
VALUES = (
    st.text(string.ascii_letters + string.digits + "/=;,:\"'()  ", min_size=1, max_size=20).map(str.strip).filter(bool)
)
NAMES = st.sampled_from(["Range", "Content-Type", "X-Amz-Meta-Colour", "X-Amz-Acl", "If-Match", "X-Own", "Accept"])
BODIES = st.none() | st.binary(max_size=40)


@st.composite
def requests(draw) -> HttpRequest:
    segments = draw(st.lists(TEXT.filter(lambda t: t not in (".", "..")), max_size=4))
    path = "/" + "/".join(quote(segment, safe="~") for segment in segments)
    pairs = draw(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=4))
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    port = draw(st.sampled_from(["", ":443", ":8443"]))
    headers = draw(st.lists(st.tuples(NAMES, VALUES.map(Redactable.of)), max_size=5))
    url = f"https://b.s3.example{port}{path}" + (f"?{query}" if query else "")
    return HttpRequest(draw(st.sampled_from(["GET", "PUT", "POST"])), url, tuple(headers), draw(BODIES))


@pytest.mark.parametrize(("signer", "service"), [(Botocore, "dynamodb"), (BotocoreS3, "s3")])
@given(request_=requests(), token=st.none() | VALUES)
def test_a_request_of_any_kind_is_signed_as_botocore_signs_it(signer, service, request_, token) -> None:
    after = sign(
        request_,
        credentials(token),
        CredentialScope("eu-central-1", service),
        NOW,
        payload_hash_of(request_.body),
        names_payload=service == "s3",
    )
    theirs = AWSRequest(request_.method, request_.url, data=request_.body)
    for name, value in request_.headers:
        theirs.headers.add_header(name, reveal(value))
    signer(Credentials(ID, KEY, token), service, "eu-central-1").add_auth(theirs)
    assert header(after, "Authorization") == theirs.headers["Authorization"]


def test_what_was_signed_before_is_replaced_whatever_its_case() -> None:
    once = sign(HttpRequest("GET", "https://s3.example/"), credentials("one"), SCOPE, NOW, "UNSIGNED-PAYLOAD")
    stale = tuple((name.lower(), value) for name, value in once.headers)
    again = sign(HttpRequest("GET", "https://s3.example/", stale), credentials(), SCOPE, NOW, payload_hash_of(b""))
    assert [name for name, _ in again.headers] == ["X-Amz-Date", "X-Amz-Content-Sha256", "Authorization"]


def test_neither_key_nor_signature_shows_when_a_signed_request_is_printed() -> None:
    after = sign(HttpRequest("GET", "https://s3.example/"), credentials("tok-en"), SCOPE, NOW, "UNSIGNED-PAYLOAD")
    assert [text for text in (ID, KEY, "tok-en") if text in repr(after)] == []
    assert "Credential=…/20150830/us-east-1/service/aws4_request, SignedHeaders=host;" in repr(after)
