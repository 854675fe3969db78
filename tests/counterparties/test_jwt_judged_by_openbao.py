"""JWTs that Callout signs are judged by OpenBao, which fetches the keys where Callout publishes them.

Each named credential leads to a gate: a server that shows OpenBao the token of the request that it got, and passes on
OpenBao's verdict, with a token of OpenBao's own where it let somebody in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from callout.core.jose.jwk import public_jwk, thumbprint
from tests.counterparties.external_system import Answer, ExternalSystem, Request
from tests.counterparties.openbao import OpenBao
from tests.journeys.processes import PATIENCE, Home, Server, callout_home, eventually
from tests.keys import key, pem_of

ISSUER, AUDIENCE, ROLE = "https://callout.example.com", "https://vault.example.com", "orders"
ELSEWHERE = "https://elsewhere.example.com"
#: What signs by which algorithm. Those that are no curve are one RSA key.
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *CURVES)
#: The parts of a JWT that OpenBao refuses, and what it says of each.
WRONG = {
    "Audience": ({"claims.aud": ELSEWHERE}, "aud"),
    "Issuer": ({"claims.iss": ELSEWHERE}, "issuer"),
    "Expired": ({"claims.iat": "1000000000", "claims.exp": "1000000120"}, "expired"),
    "Early": ({"claims.nbf": "32503680000", "claims.exp": "32503680120"}, "not before"),
    "Department": ({"claims.department": "support"}, "department"),
    "Key": ({"header_claims.kid": thumbprint(public_jwk(key("P-256", 7).public_key()))}, "signature"),
    "Secret": ({"signing_algorithm": "HS256", "signing_certificate": ""}, "algorithm"),
}
SECRET = "c4n4ry-shared-secret-of-thirty-two-bytes"
IMPORTED = pem_of(key("P-256", 7))


class Gate(ExternalSystem):
    """Shows OpenBao the bearer token of every request; its verdict is the answer. `tokens` keeps them all."""

    def __init__(self, openbao: OpenBao) -> None:
        super().__init__(self._judged)
        self.openbao = openbao
        self.tokens: list[str] = []

    async def _judged(self, request: Request) -> Answer:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        assert scheme == "Bearer"
        self.tokens.append(token)
        verdict = await asyncio.to_thread(self.openbao.log_in, ROLE, token)
        return Answer(verdict.status_code, body=verdict.content)


@dataclass
class Place:
    """A running server whose callouts lead to the gate, and keys of its users."""

    home: Home
    server: Server
    gate: Gate
    keys: dict[str, str]

    def callout(self, name: str, user: str = "alice") -> httpx2.Response:
        return httpx2.get(
            f"{self.server.gateway}/callout/{name}/",
            headers={"Callout-Key": self.keys[user]},
            trust_env=False,
            timeout=PATIENCE,
        )

    def let_in(self, name: str, user: str = "alice") -> str:
        """Call, and return as whom OpenBao let the user in."""
        answer = self.callout(name, user)
        assert answer.status_code == 200, answer.text
        token = answer.json()["auth"]["client_token"]
        return str(self.gate.openbao.call("GET", "auth/token/lookup-self", token=token)["data"]["display_name"])

    def refused(self, name: str, user: str = "alice") -> str:
        """Call, and return what OpenBao has against it."""
        answer = self.callout(name, user)
        assert answer.status_code in (400, 403), answer.text
        assert "Callout-Error" not in answer.headers, answer.text
        return str(answer.json()["errors"][0])


def manifest(url: str) -> dict:
    """One credential for each algorithm, and one for each thing that is wrong."""
    usual = {"claims.iss": ISSUER, "claims.aud": AUDIENCE, "claims.sub": "alice"}
    usual |= {"claims.department": "sales", "signing_certificate": "Signer_P256"}
    made = {each: {"signing_algorithm": each, "signing_certificate": certificate(each)} for each in ALGORITHMS}
    made |= {
        "Several": {"claims.aud": json.dumps([ELSEWHERE, AUDIENCE])},
        "Imported": {"signing_certificate": "Imported"},
    }
    made["Own"] = {"claims.sub": "{!$User.Username}", "jwt_lifetime": "3600"}
    made |= {name: dict(changes) for name, (changes, _) in WRONG.items()}
    parameters = {name: {n: v for n, v in (usual | changes).items() if v} for name, changes in made.items()}
    kinds = ("RSA-2048", *CURVES.values())
    return {
        "certificates": {
            **{f"Signer_{kind}".replace("-", ""): {"algorithm": kind} for kind in kinds},
            "Imported": {"private_key": {"file": "imported.pem"}},
        },
        "external_credentials": {
            name: {
                "protocol": "jwt",
                "parameters": each,
                "principals": {"Signer": principal(name)},
            }
            for name, each in parameters.items()
        },
        "named_credentials": {
            name: {"url": url, "external_credential": name, "allow_private_network": True} for name in parameters
        },
        "permission_sets": {"Callers": {"principals": [f"{name}/Signer" for name in parameters]}},
        "users": {name: {"permission_sets": ["Callers"]} for name in ("alice", "bob")},
    }


def principal(name: str) -> dict:
    if name == "Own":
        return {"type": "per_user"}
    return {"secrets": {"signing_secret": SECRET} if name == "Secret" else {}}


def certificate(algorithm: str) -> str:
    return f"Signer_{CURVES.get(algorithm, 'RSA-2048')}".replace("-", "")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, openbao: OpenBao) -> Iterator[Place]:
    with callout_home(tmp_path_factory.mktemp("home") / "home") as home, Gate(openbao) as gate:
        home.folder.with_name("imported.pem").write_text(IMPORTED)
        home.apply(manifest(gate.url))
        openbao.take_jwts(ROLE, audience=AUDIENCE, subject="alice", claims={"department": "sales"})
        with home.serve("--workers", "1") as server:
            openbao.trust(issuer=ISSUER, jwks_url=f"{server.setup}/.well-known/jwks.json")
            yield Place(home, server, gate, {user: home.create_key(user) for user in ("alice", "bob")})


@pytest.mark.parametrize("name", [*ALGORITHMS, "Several", "Imported"])
def test_openbao_lets_in_whom_the_token_names(place: Place, name: str):
    assert place.let_in(name) == "jwt-alice"


@pytest.mark.parametrize("name", WRONG)
def test_openbao_refuses_a_token_in_which_something_is_wrong(place: Place, name: str):
    assert WRONG[name][1] in place.refused(name)


def test_a_token_is_used_again_but_never_for_another_user(place: Place):
    assert place.let_in("Own") == "jwt-alice"
    before = len(place.gate.tokens)
    assert "subject" in place.refused("Own", "bob")
    assert [place.let_in("Own") for _ in range(2)] == ["jwt-alice"] * 2
    bob, *alice = place.gate.tokens[before:]
    assert alice[0] == alice[1] != bob


def test_a_key_that_takes_the_place_of_another_is_found_and_the_old_one_still_verifies(place: Place, openbao: OpenBao):
    place.let_in("ES384")
    old = place.gate.tokens[-1]
    place.home.run("certificate", "rotate", "Signer_P384", "--overlap", "1h")

    def signed_anew() -> None:
        assert place.let_in("ES384") == "jwt-alice"
        assert place.gate.tokens[-1].partition(".")[0] != old.partition(".")[0]

    eventually(signed_anew, instead_of=AssertionError)
    assert openbao.log_in(ROLE, old).status_code == 200


def test_openbao_refuses_what_no_key_signed_that_it_was_given(place: Place, openbao: OpenBao):
    try:
        openbao.trust(issuer=ISSUER, public_keys=[public(8)])
        assert "signature" in place.refused("Imported")
        openbao.trust(issuer=ISSUER, public_keys=[public(7)])
        assert place.let_in("Imported") == "jwt-alice"
    finally:
        openbao.trust(issuer=ISSUER, jwks_url=f"{place.server.setup}/.well-known/jwks.json")


def public(number: int) -> str:
    return key("P-256", number).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_no_key_no_secret_and_no_token_is_written_anywhere(place: Place):
    place.callout("Secret")
    callout = place.callout("Imported").headers["Callout-Id"]
    commands = [("audit", "export"), ("export",), ("diagnose", "Imported", "--as", "alice", "--json")]
    shown = [place.server.log, json.dumps(place.home.explained(callout)), *(place.home.run(*each) for each in commands)]
    written = [text.encode() for text in shown]
    written += [file.read_bytes() for file in place.home.folder.rglob("*") if file.is_file()]
    secrets = [SECRET, "PRIVATE KEY", *IMPORTED.splitlines()[1:-1], *place.gate.tokens]
    assert [each for each in secrets if any(each.encode() in text for text in written)] == []
