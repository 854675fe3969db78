"""Self-signed JWT (RFC 7519): Callout signs a token of its own and sends it; no authorization server is asked."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from datetime import timedelta

from callout.core.errors import Refused
from callout.core.jose import ALGORITHMS, SECRET_ALGORITHMS, declared, identifying, sign, sign_with_secret, unique
from callout.core.jose.parameters import CLAIMS, HEADER_CLAIMS, JWT_LIFETIME, SIGNING_ALGORITHM, SIGNING_CERTIFICATE
from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Parameter, Token
from callout.core.secret import Redactable, Secret, reveal

_WRITTEN, _NONE = "written", "none"
_TEXT, _BASE64, _HEX = "text", "base64", "hex"
JTI = Parameter(
    "jti",
    "Whether a token has an identifier of its own (RFC 7519 section 4.1.7); one that has is sent once",
    required=False,
    default=_NONE,
    choices=(_WRITTEN, _NONE),
)
NBF = Parameter(
    "nbf",
    "Whether a token says from when on it holds (RFC 7519 section 4.1.5)",
    required=False,
    default=_NONE,
    choices=(_WRITTEN, _NONE),
)
PREFIX = Parameter(
    "prefix",
    "What stands before the token in the Authorization header",
    required=False,
    default="Bearer",
    pattern=r"[!#$%&'*+.^_`|~0-9A-Za-z-]+",
)
SECRET_ENCODING = Parameter(
    "signing_secret_encoding",
    "How the bytes of signing_secret are written",
    required=False,
    default=_TEXT,
    choices=(_TEXT, _BASE64, _HEX),
)


class Jwt(AuthenticationProtocol):
    """Writes `Authorization: Bearer` and a token that is used for half its life, and then signed anew."""

    name = "jwt"
    title = "JWT, self-signed"
    parameters = (
        replace(SIGNING_CERTIFICATE, unless=(SIGNING_ALGORITHM.name, *SECRET_ALGORITHMS)),
        replace(SIGNING_ALGORITHM, choices=(*ALGORITHMS, *SECRET_ALGORITHMS)),
        CLAIMS,
        HEADER_CLAIMS,
        JWT_LIFETIME,
        NBF,
        JTI,
        PREFIX,
        SECRET_ENCODING,
        Parameter(
            "signing_secret",
            "Secret that both sides know; HS256, HS384 and HS512 sign with it",
            secret=True,
            when=(SIGNING_ALGORITHM.name, *SECRET_ALGORITHMS),
            pattern=r"[ -~]+",
        ),
    )
    writes = ("Authorization",)

    def holds(self) -> timedelta:
        """Return half the life of a token: whoever is sent one has the other half to read it. None is sent twice by `jti`."""
        once = self.values.text(JTI.name, _NONE) == _WRITTEN
        return timedelta() if once else self._lifetime / 2

    @property
    def _lifetime(self) -> timedelta:
        return timedelta(seconds=int(self.values.text(JWT_LIFETIME.name) or JWT_LIFETIME.default or 0))

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Sign a token and add it. Raises `Refused` for a key that does not fit and for a claim that fails."""
        prefix = self.values.text(PREFIX.name, "Bearer")
        return request.with_headers(("Authorization", Redactable.of(f"{prefix} ", self._signed(moment))))

    def _signed(self, moment: Moment) -> Secret:
        values, now = self.values, moment.now
        usual: dict[str, object] = {
            "iat": int(now.timestamp()),
            "exp": int((now + self._lifetime).timestamp()),
        }
        if values.text(NBF.name, _NONE) == _WRITTEN:
            usual["nbf"] = usual["iat"]
        if values.text(JTI.name, _NONE) == _WRITTEN:
            usual["jti"] = unique(moment, "jwt")
        claims = _given({**usual, **declared(values, moment, CLAIMS.name)})
        header = declared(values, moment, HEADER_CLAIMS.name)
        algorithm = values.text(SIGNING_ALGORITHM.name)
        if algorithm in SECRET_ALGORITHMS:
            return sign_with_secret(claims, self._secret(), algorithm, _given(header))
        key_pair = values.key_pair(SIGNING_CERTIFICATE.name)
        return sign(claims, key_pair, algorithm, _given({**identifying(key_pair), **header}))

    def _secret(self) -> bytes:
        text = reveal(self.values.secret("signing_secret"))
        encoding = self.values.text(SECRET_ENCODING.name, _TEXT)
        try:
            if encoding == _BASE64:
                return base64.b64decode(text, validate=True)
            return bytes.fromhex(text) if encoding == _HEX else text.encode()
        except (binascii.Error, ValueError):  # their texts may quote the secret
            detail = f"got a signing_secret in another form; expected {encoding}"
            raise Refused("principal_not_configured", detail) from None


def _given(members: dict[str, object]) -> dict[str, object]:
    """Leave out what is declared empty: so one that Callout writes by itself is taken away."""
    return {name: value for name, value in members.items() if value not in ("", None)}
