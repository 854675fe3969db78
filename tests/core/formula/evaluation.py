"""Evaluates a text with the values of one principal, as an external credential `X` has them."""

from collections.abc import Callable
from datetime import UTC, datetime

from callout.core.formula import Scope, parse
from callout.core.formula.credential import private_key_of
from callout.core.formula.functions import RFC_8032_KEY
from callout.core.formula.values import Blob
from callout.core.key_pair import KeyPair
from callout.core.protocol import Values
from callout.core.protocols.custom import Custom
from callout.core.secret import Redactable, Secret, reveal

#: The private key of the first test of RFC 8032 section 7.1.
RFC_8032 = f"-----BEGIN PRIVATE KEY-----\n{RFC_8032_KEY}\n-----END PRIVATE KEY-----\n"
DESK = Values(key_pairs={"signing_certificate": KeyPair("Desk", "", Secret(RFC_8032))})
NOW = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
VALUES: dict[tuple[str, str], str | Secret] = {
    ("X", "Key"): Secret("k3y"),
    ("X", "tenant"): "acme",
    ("X", "User"): Secret("Aladdin"),
    ("X", "Password"): Secret("open sesame"),
    ("X", "Algorithm"): Secret("md5"),
    ("X", "Empty"): Secret(""),
    ("ns__My_EC", "Some_Key2"): Secret("packaged"),
}


def scope_with(find: Callable[[str, str], str | Secret], body: bytes = b"") -> Scope:
    """Return a scope in which credentials are found so."""
    return Scope(
        NOW,
        find,
        lambda short: Secret(f"the {short}"),
        {"Id": "alice", "Username": "alice", "Name": "Alice", "Email": ""},
        {"Id": "00D1", "Name": "Acme"},
        Blob(body, is_secret=True),
        private_key=lambda certificate: private_key_of(DESK, Custom, certificate),
    )


def scope(body: bytes = b"", **secrets: str) -> Scope:
    """Return a scope with VALUES and, beside them, these secrets of `X`."""
    more = {("X", name): Secret(value) for name, value in secrets.items()}
    return scope_with(lambda credential, name: {**VALUES, **more}[credential, name], body)


def evaluated(text: str, **secrets: str) -> Redactable:
    """Evaluate with VALUES and, beside them, these secrets of `X`."""
    return parse(text).evaluate(scope(**secrets))


def plain(text: str, **secrets: str) -> str:
    """Evaluate and reveal."""
    return reveal(evaluated(text, **secrets))
