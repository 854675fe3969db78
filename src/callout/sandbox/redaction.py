"""What the sandbox repeats of a request without its credentials: each is replaced by `…`.

Three nets, because a test set-up may put a credential anywhere: names that speak of credentials (headers, query
and form fields, JSON members), the sandbox's own tokens by their prefix, and the sandbox's own secrets verbatim.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

REDACTED = "…"
#: What every token of the sandbox starts with.
TOKEN_PREFIX = "sbx_"

#: Secrets of fewer characters are not looked for verbatim: they would tear ordinary text apart.
SHORTEST = 4

_NAMES = r"auth(?!ority)|cookie|token(?!_type)|secret|passw|api-?_?key|assertion|signature|credential|callout-key"
_NAME = re.compile(_NAMES, re.IGNORECASE)
_FIELD = re.compile(rf"((?:^|[?&])(?:[^=&]*(?:{_NAMES})[^=&]*|code|code_verifier|key)=)[^&]+", re.IGNORECASE)
_MEMBER = re.compile(rf'("[^"]*(?:{_NAMES})[^"]*"\s*:\s*")(?:[^"\\]|\\.)+', re.IGNORECASE)
_TOKEN = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]*) +\S")


class Redaction:
    """Replaces credentials by `…`; with `show_credentials` it changes nothing."""

    def __init__(self, secrets: Iterable[str], *, show_credentials: bool = False) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        self._show = show_credentials
        self._secrets = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))) or "(?!)")

    def headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return the headers in order; of a credential only its scheme is left (`Bearer …`)."""
        return tuple((name, self._header(name, value)) for name, value in headers)

    def target(self, target: str) -> str:
        """Return a request target (path and query)."""
        return self.text(target)

    def text(self, text: str) -> str:
        """Return a text: a form, JSON or anything else."""
        if self._show:
            return text
        text = _MEMBER.sub(rf"\g<1>{REDACTED}", _FIELD.sub(rf"\g<1>{REDACTED}", text))
        return self._secrets.sub(REDACTED, _TOKEN.sub(REDACTED, text))

    def _header(self, name: str, value: str) -> str:
        if self._show or not value:
            return value
        if _NAME.search(name) is None:
            return self.text(value)
        scheme = _SCHEME.match(value) if "authorization" in name.lower() else None
        return f"{scheme.group(1)} {REDACTED}" if scheme else REDACTED


def _forms(secret: str) -> tuple[str, ...]:
    return (secret, quote(secret, safe=""), quote_plus(secret), base64.b64encode(secret.encode()).decode())
