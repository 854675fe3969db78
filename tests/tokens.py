"""Tokens of an issuer that the tests are: keys, the JWK set that it publishes, and what it signs."""

import json
from dataclasses import dataclass, field

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ISSUER, AUDIENCE = "https://id.example.com", "callout"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519", "HS256", "none"]


@dataclass
class TokenIssuer:
    """Signs with its key `kid`; `keys` are those that it publishes."""

    issuer: str = ISSUER
    kid: str = "one"
    keys: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rotate(self.kid)

    def rotate(self, kid: str, kind: str = "EC") -> None:
        """Make another key; the ones before are published no longer."""
        parameters = {"kid": kid, "use": "sig"}
        made = {
            "EC": lambda: ECKey.generate_key("P-256", parameters),
            "RSA": lambda: RSAKey.generate_key(2048, parameters),
            "OKP": lambda: OKPKey.generate_key("Ed25519", parameters),
        }[kind]()
        self.kid, self.keys = kid, {kid: made}

    @property
    def jwks(self) -> bytes:
        return json.dumps(KeySet(list(self.keys.values())).as_dict(private=False)).encode()

    def sign(self, claims: dict, *, algorithm: str = "ES256", kid: str | None = "", key=None, **header) -> bytes:
        """Sign claims, as they are."""
        head = {"alg": algorithm, "kid": self.kid if kid == "" else kid, **header}
        head = {name: value for name, value in head.items() if value is not None}
        signer = key or self.keys[self.kid]
        return jwt.encode(head, claims, signer, registry=JWSRegistry(algorithms=ALGORITHMS)).encode()

    def token(self, now: float, **claims) -> bytes:
        """Sign a token for alice that holds for five minutes; a claim that is None is left out."""
        whole = {"iss": self.issuer, "aud": AUDIENCE, "sub": "alice-id", "iat": int(now), "exp": int(now) + 300}
        return self.sign({name: value for name, value in (whole | claims).items() if value is not None})
