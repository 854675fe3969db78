"""Text that must not be shown, and the only way to read it.

`Secret` hides itself from `str`, `repr`, formatting, pickling and hashing. `Redactable` is text of which
some parts are secret: it can be shown (`Bearer …`) or revealed. Who may call `reveal` is held by the linter:
the vault, the protocols, the formula language and outbound.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote, quote_plus

REDACTED = "…"
#: A shorter secret is not looked for in a text: it would be found by chance.
SHORTEST_HIDDEN = 4


class Secret:
    """A secret text. Compare with `==` (constant time); read with `reveal`."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a hash could be looked up in a table of guesses

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"Secret({REDACTED})"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, its = (text.encode("utf-8", "surrogatepass") for text in (self._value, other._value))
        return hmac.compare_digest(mine, its)

    def __reduce__(self) -> NoReturn:
        msg = "a Secret cannot be pickled; seal it with the vault"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class Redactable:
    """Text some of whose parts are secret. `str()` and `repr` show the secret parts as `…`."""

    parts: tuple[str | Secret, ...]

    @classmethod
    def of(cls, *parts: str | Secret | Redactable) -> Redactable:
        """Join texts, secrets and redactables, in order."""
        flat: list[str | Secret] = []
        for part in parts:
            flat.extend(part.parts if isinstance(part, Redactable) else (part,))
        return cls(tuple(flat))

    @property
    def redacted(self) -> str:
        """The text with each secret part as `…`."""
        return "".join(part if isinstance(part, str) else REDACTED for part in self.parts)

    @property
    def is_secret(self) -> bool:
        """True where any part is secret."""
        return any(isinstance(part, Secret) for part in self.parts)

    def __str__(self) -> str:
        return self.redacted

    def __repr__(self) -> str:
        return f"Redactable({self.redacted!r})"


def reveal(text: Secret | Redactable | str) -> str:
    """Return the plain text. The result must go on the wire or into an envelope, and nowhere else."""
    if isinstance(text, Secret):
        return text._value  # noqa: SLF001 - this function is the one door
    if isinstance(text, Redactable):
        return "".join(reveal(part) for part in text.parts)
    return text


def digest_of(secret: Secret, *, purpose: str) -> bytes:
    """Return the SHA-256 of a purpose and a secret: enough to see that two are the same, not to learn either.

    For secrets that nobody can guess alone: tokens, not passwords.
    """
    return hashlib.sha256(f"{purpose}\0{reveal(secret)}".encode("utf-8", "surrogatepass")).digest()


def hidden(text: bytes, secrets: Iterable[Secret], *, known: bytes = b"") -> tuple[bytes, int]:
    """Return a text with each of these secrets as `…`, and how many times one stood there.

    They are found plain, percent-encoded, escaped as JSON, in base64 and in hexadecimal. A secret that stands in `known`,
    which is what the one who will read the text wrote, is left alone: hiding it would tell them that they guessed it.
    """
    found, mark = 0, REDACTED.encode()
    forms = {form for secret in secrets for form in _forms(reveal(secret), known)}
    for form in sorted(forms, key=len, reverse=True):
        found += text.count(form)
        text = text.replace(form, mark)
    return text, found


def _forms(plain: str, known: bytes) -> set[bytes]:
    raw = plain.encode("utf-8", "surrogatepass")
    if len(raw) < SHORTEST_HIDDEN:
        return set()
    quoted = (quote(raw), quote(raw, safe=""), quote_plus(raw))
    escaped = (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1])
    encoded = (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())
    texts = (*quoted, *escaped, *encoded, *(text.rstrip("=") for text in encoded), raw.hex(), raw.hex().upper())
    forms = {raw, *(text.encode("utf-8", "surrogatepass") for text in texts)}
    return set() if any(form in known for form in forms) else forms
