"""Where a key is looked for, and what becomes of one that is not accepted."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from callout.core.model.org import Org
from callout.core.model.people import CallerKey
from callout.engine.callers import identify, key_in_authorization, key_in_headers

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def kept(key: bytes, **more) -> CallerKey:
    return CallerKey(hashlib.sha256(key).digest(), "co_ab", "alice", more.pop("namespace", None), NOW, **more)


def found(key: bytes | None, *keys: CallerKey, local: dict | None = None):
    return identify(Org.of(keys=keys), NOW, key=key, local_keys=local or {})


def basic(pair: bytes) -> bytes:
    return b"Basic " + base64.b64encode(pair)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b"Bearer co_abc", b"co_abc"),
        (b"bearer   co_abc ", b"co_abc"),
        (basic(b"anyone:co_abc"), b"co_abc"),
        (basic(b":co_abc"), b"co_abc"),
        (b"Bearer eyJhbGciOi", None),
        (basic(b"user:password"), None),
        (b"Basic not-base64!", None),
        (b"AWS4-HMAC-SHA256 Credential=co_k/20300101/r/s3/aws4_request, SignedHeaders=host, Signature=0", b"co_k"),
        (b"AWS4-HMAC-SHA256 SignedHeaders=host,Credential=co_k/20300101/r/s3/aws4_request,Signature=0", b"co_k"),
        (b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20300101/r/s3/aws4_request", None),
        (b"AWS4-HMAC-SHA256 Signature=co_k", None),
        (b"AWS4-HMAC-SHA256", None),
        (b"co_abc", None),
        (b"", None),
    ],
)
def test_a_key_in_authorization_is_a_bearer_token_or_a_basic_password(value, key) -> None:
    assert key_in_authorization(value) == key


def test_a_key_in_the_header_that_callout_writes_is_found_in_any_case_and_with_or_without_bearer() -> None:
    names = frozenset({b"x-api-key"})
    assert key_in_headers([(b"X-Api-Key", b" co_abc")], names) == (b"x-api-key", b"co_abc")
    assert key_in_headers([(b"X-API-KEY", b"Bearer co_abc")], names) == (b"x-api-key", b"co_abc")
    assert key_in_headers([(b"X-Other", b"co_abc")], names) is None
    assert key_in_headers([(b"X-Api-Key", b"sk_live")], names) is None


def test_no_proof_is_the_guest() -> None:
    assert found(None).caller.is_guest


def test_a_known_key_is_its_user_in_the_namespace_of_its_package() -> None:
    caller = found(b"co_abc", kept(b"co_abc", namespace="acme")).caller
    assert (caller.user, caller.namespace) == ("alice", "acme")
    assert "co_abc" not in caller.proof


def test_an_unknown_key_is_nobody_not_the_guest() -> None:
    identified = found(b"co_wrong", kept(b"co_abc"))
    assert identified.caller is None
    assert "not known" in identified.refusal
    assert "co_wrong" not in identified.refusal


def test_an_expired_key_is_nobody_and_the_refusal_says_when_it_expired() -> None:
    identified = found(b"co_abc", kept(b"co_abc", expires_at=NOW))
    assert identified.caller is None
    assert NOW.isoformat() in identified.refusal


def test_a_key_that_will_expire_tells_until_when_it_holds() -> None:
    later = NOW + timedelta(seconds=5)
    assert found(b"co_abc", kept(b"co_abc", expires_at=later)).expires_at == later


def test_a_key_of_this_process_alone_is_accepted_without_being_stored() -> None:
    own = kept(b"co_local")
    assert found(b"co_local", local={own.digest: own}).caller.user == "alice"
