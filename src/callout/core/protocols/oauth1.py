"""OAuth 1.0a (RFC 5849): every request is signed, with the credentials of the client and of a token."""

from __future__ import annotations

from collections.abc import Mapping

from callout.core.message import HttpRequest
from callout.core.oauth1 import FORM, METHODS, PLAINTEXT, RSA_METHODS, Signing, authorization, body_hash
from callout.core.protocol import AuthenticationProtocol, Moment, Needs, Parameter, Token
from callout.core.secret import Redactable, Secret, reveal

SIGNATURE_METHOD = Parameter(
    "signature_method",
    "How requests are signed (RFC 5849 section 3.4); PLAINTEXT sends the secrets themselves and signs nothing",
    required=False,
    default=METHODS[0],
    choices=METHODS,
)
_FORM, _HASH, _NONE = "form", "oauth_body_hash", "none"
SIGNED_BODIES = Parameter(
    "signed_bodies",
    "Which bodies are signed: forms, as RFC 5849 says; all others, too, by oauth_body_hash; or none, so that bodies"
    " of any length are passed on as they come",
    required=False,
    default=_FORM,
    choices=(_FORM, _HASH, _NONE),
)
OAUTH_VERSION = Parameter(
    "oauth_version",
    "Whether requests name the version of the protocol (RFC 5849 section 3.1)",
    required=False,
    default="1.0",
    choices=("1.0", _NONE),
)
#: How much of the entropy of a moment is a nonce, in bytes: two requests of one second have to differ.
_NONCE = 16


class OAuth1(AuthenticationProtocol):
    """Writes `Authorization: OAuth …` with a signature of method, URL, query and form (RFC 5849 section 3.4.1)."""

    name = "oauth1"
    title = "OAuth 1.0a"
    parameters = (
        SIGNATURE_METHOD,
        SIGNED_BODIES,
        OAUTH_VERSION,
        Parameter("realm", "Realm that is named in the header (RFC 5849 section 3.5.1)", required=False),
        Parameter(
            "signing_certificate",
            "Certificate of Callout's whose RSA key signs, where the signature method is one of RSA",
            key_pair=True,
            when=(SIGNATURE_METHOD.name, *RSA_METHODS),
        ),
        Parameter("consumer_key", "Identifier of the client: oauth_consumer_key (RFC 5849 section 3.1)", secret=True),
        Parameter(
            "consumer_secret",
            "Secret of the client; one that signs with a certificate has none",
            secret=True,
            unless=(SIGNATURE_METHOD.name, *RSA_METHODS),
        ),
        Parameter("token", "Token of the account: oauth_token; without one the client acts for itself", True, False),
        Parameter("token_secret", "Secret that came with the token", True, False),
    )
    writes = ("Authorization",)

    @classmethod
    def needs(cls, parameters: Mapping[str, str]) -> Needs:
        """Return all of a request where bodies are signed; nothing where secrets are sent as they are."""
        if parameters.get(SIGNATURE_METHOD.name) == PLAINTEXT:
            return Needs.NOTHING
        return Needs.HEAD if parameters.get(SIGNED_BODIES.name) == _NONE else Needs.BODY

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add the Authorization header. Raises `Refused` for a key that cannot sign and a request that cannot be signed."""
        method = self.values.text(SIGNATURE_METHOD.name, METHODS[0])
        plain = method == PLAINTEXT
        form, digest = (None, "") if plain else self._signed_of(request, method)
        signing = Signing(
            method,
            reveal(self.values.secret("consumer_key")),
            "" if method in RSA_METHODS else reveal(self.values.secret("consumer_secret")),
            self._optional("token"),
            self._optional("token_secret"),
            self.values.key_pair("signing_certificate") if method in RSA_METHODS else None,
            nonce=moment.entropy[:_NONCE].hex(),
            timestamp=int(moment.now.timestamp()),
            realm=self.values.text("realm"),
            body_hash=digest,
            version=self.values.text(OAUTH_VERSION.name, "1.0").replace(_NONE, ""),
        )
        url = "https://plaintext.invalid/" if plain else request.url
        value = authorization("GET" if plain else request.method, url, form, signing)
        scheme, _, rest = value.partition(" ")
        return request.with_headers(("Authorization", Redactable.of(f"{scheme} ", Secret(rest))))

    def _signed_of(self, request: HttpRequest, method: str) -> tuple[bytes | None, str]:
        """Return the form that is signed, or None, and the hash of another body, or nothing."""
        signed = self.values.text(SIGNED_BODIES.name, _FORM)
        body = request.body if isinstance(request.body, bytes) else b""
        if signed == _NONE:
            return None, ""
        if _media_type(request) == FORM and request.method not in ("GET", "HEAD"):
            return body, ""
        return None, body_hash(method, body) if signed == _HASH else ""

    def _optional(self, name: str) -> str:
        return reveal(self.values.secret(name)) if name in self.values.secrets else ""


def _media_type(request: HttpRequest) -> str:
    """Return the media type of the body, without its parameters (RFC 9110 section 8.3.1)."""
    value = next((reveal(value) for name, value in request.headers if name.lower() == "content-type"), "")
    return value.partition(";")[0].strip().lower()
