"""HTTP message signatures (RFC 9421): every request is signed, its content by its digest (RFC 9530)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta

from callout.core.errors import Refused
from callout.core.http_signatures import ALGORITHMS, DIGESTS, HMAC, Message, Signing, content_digest, signature
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Needs, Parameter, Token
from callout.core.secret import Redactable, Secret, reveal

_DIGEST = "content-digest"
_DEFAULT = f"@method @authority @target-uri {_DIGEST} content-type"
#: Fields that a request without content has not: they are covered where they are there.
_OF_CONTENT = frozenset({_DIGEST, "content-type", "content-length", "content-encoding"})
_FIELD = r"[!#$%&'*+.^_`|~0-9a-z-]+"
_DERIVED = "@(?:method|authority|target-uri|scheme|request-target|path|query)"
_WITH_PARAMETERS = rf'"(?:{_FIELD}|@query-param)"(?:;(?:sf|bs|(?:key|name)="[!#-\[\]-~]*"))+'
_COMPONENT = rf"(?:{_DERIVED}|{_FIELD}|{_WITH_PARAMETERS})"

ALGORITHM = Parameter(
    "algorithm", "How requests are signed (RFC 9421 section 3.3)", required=False, default="ed25519", choices=ALGORITHMS
)
COVERED = Parameter(
    "covered_components",
    "Space-separated components that are signed (RFC 9421 section 2), such as @path or date, in quotes where they have"
    " parameters; of a request without content those of its content are left out",
    required=False,
    default=_DEFAULT,
    pattern=rf"{_COMPONENT}(?: {_COMPONENT})*",
)
DIGEST_ALGORITHM = Parameter(
    "digest_algorithm",
    "How the content is digested (RFC 9530 section 5), where content-digest is covered",
    required=False,
    default=DIGESTS[0],
    choices=DIGESTS,
)
_WRITTEN, _NONE = "written", "none"
LABEL = Parameter(
    "label",
    "Name of the signature in its fields: a small letter, then small letters, digits, _ - . *",
    required=False,
    default="sig1",
    pattern=r"[a-z][a-z0-9_.*-]*",
)
NONCE = Parameter(
    "nonce",
    "Whether each signature has a nonce (RFC 9421 section 2.3)",
    required=False,
    default="random",
    choices=("random", _NONE),
)
ALG = Parameter(
    "alg",
    "Whether each signature names its algorithm",
    required=False,
    default=_WRITTEN,
    choices=(_WRITTEN, _NONE),
)
_PRINTABLE = r"[ !#-\[\]-~]+"
#: How much of the entropy of a moment is a nonce, in bytes.
_NONCE_LENGTH = 16


class HttpMessageSignatures(AuthenticationProtocol):
    """Writes Signature-Input and Signature, and Content-Digest where that is covered."""

    name = "http_message_signatures"
    title = "HTTP message signatures"
    parameters = (
        ALGORITHM,
        COVERED,
        DIGEST_ALGORITHM,
        Parameter(
            "signing_certificate",
            "Certificate of Callout's whose key signs; hmac-sha256 signs with the shared secret",
            key_pair=True,
            unless=(ALGORITHM.name, HMAC),
        ),
        Parameter(
            "keyid",
            "Name that the external system knows the key by; the key's own kid where there is none",
            required=False,
            pattern=_PRINTABLE,
        ),
        LABEL,
        ALG,
        NONCE,
        Parameter("tag", "Name of the application that the signature is for", required=False, pattern=_PRINTABLE),
        Parameter("expires_in", "Whole seconds that a signature holds", required=False, pattern=r"[1-9]\d{0,8}"),
        Parameter(
            "shared_secret",
            "Shared secret of hmac-sha256, in Base64",
            secret=True,
            when=(ALGORITHM.name, HMAC),
            pattern=r"[A-Za-z0-9+/]+={0,2}",
        ),
    )
    writes = ("Content-Digest", "Signature-Input", "Signature")

    @classmethod
    def needs(cls, parameters: Mapping[str, str]) -> Needs:
        """Return all of a request where its content is covered, else its head."""
        covered = parameters.get(COVERED.name, _DEFAULT).split()
        of_content = any(_name(each) in (_DIGEST, "content-length") for each in covered)
        return Needs.BODY if of_content else Needs.HEAD

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Sign the request; raises `Refused` for a key that does not fit, and a request that lacks what is covered."""
        algorithm = self.values.text(ALGORITHM.name, "ed25519")
        key = self._shared_secret() if algorithm == HMAC else self.values.key_pair("signing_certificate")
        covered = self.values.text(COVERED.name, _DEFAULT).split()
        written: list[tuple[str, str]] = []
        body = request.body if isinstance(request.body, bytes) else None
        if body is not None and any(_name(each) == _DIGEST for each in covered):
            written.append(("Content-Digest", content_digest(body, self.values.text("digest_algorithm", DIGESTS[0]))))
        fields = [(name, reveal(value)) for name, value in request.headers if name.lower() != _DIGEST]
        fields += written
        if body is not None:
            fields.append(("Content-Length", str(len(body))))
        present = {name.lower() for name, _ in fields}
        seconds = self.values.text("expires_in")
        signing = Signing(
            algorithm,
            [each for each in covered if _name(each) in present or _name(each) not in _OF_CONTENT],
            moment.now,
            self.values.text("keyid") or (key.kid if isinstance(key, KeyPair) else ""),
            key,
            label=self.values.text(LABEL.name, "sig1"),
            expires=moment.now + timedelta(seconds=int(seconds)) if seconds else None,
            nonce=self._nonce(moment),
            tag=self.values.text("tag") or None,
            names_algorithm=self.values.text(ALG.name, _WRITTEN) == _WRITTEN,
        )
        described, signed = signature(Message(request.method, request.url, fields), signing)
        sealed = [(name, Redactable.of(Secret(value))) for name, value in written]
        return request.with_headers(*sealed, ("Signature-Input", described), ("Signature", Secret(signed)))

    def _nonce(self, moment: Moment) -> str | None:
        if self.values.text(NONCE.name, "random") == _NONE:
            return None
        return base64.urlsafe_b64encode(moment.entropy[:_NONCE_LENGTH]).rstrip(b"=").decode()

    def _shared_secret(self) -> bytes:
        try:
            return base64.b64decode(reveal(self.values.secret("shared_secret")), validate=True)
        except ValueError:  # its text may quote the secret
            detail = "got a shared_secret that is not Base64; expected Base64 (RFC 4648 section 4)"
            raise Refused("principal_not_configured", detail) from None


def _name(component: str) -> str:
    """Return the name of a component, without its parameters (RFC 9421 section 2)."""
    return component.partition(";")[0].strip('"')
