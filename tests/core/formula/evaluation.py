"""Evaluates a text with the values of one principal, as an external credential `X` has them."""

from collections.abc import Callable
from datetime import UTC, datetime

from callout.core.formula import Scope, parse
from callout.core.formula.values import Blob
from callout.core.secret import Redactable, Secret, reveal

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
