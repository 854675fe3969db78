"""Evaluates a text with the values of one principal, as an external credential `X` has them."""

from callout.core.formula import parse
from callout.core.secret import Redactable, Secret, reveal

VALUES: dict[tuple[str, str], str | Secret] = {
    ("X", "Key"): Secret("k3y"),
    ("X", "tenant"): "acme",
    ("X", "User"): Secret("Aladdin"),
    ("X", "Password"): Secret("open sesame"),
    ("X", "Algorithm"): Secret("md5"),
    ("X", "Empty"): Secret(""),
    ("ns__My_EC", "Some_Key2"): Secret("packaged"),
}


def evaluated(text: str, **secrets: str) -> Redactable:
    """Evaluate with VALUES and, beside them, these secrets of `X`."""
    more = {("X", name): Secret(value) for name, value in secrets.items()}
    return parse(text).evaluate(lambda credential, name: {**VALUES, **more}[credential, name])


def plain(text: str, **secrets: str) -> str:
    """Evaluate and reveal."""
    return reveal(evaluated(text, **secrets))
