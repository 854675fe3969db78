"""Requests that Callout signs, judged by what others wrote: Authlib (OAuth 1.0a), npm http-message-signatures (RFC 9421)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.counterparties.oauth1_server import Consumer, OAuth1Server, TokenCredential
from tests.counterparties.signature_verifier import SignatureVerifier
from tests.journeys.processes import PATIENCE, Home, Server, callout_home

SHARED = base64.b64encode(secrets.token_bytes(32)).decode()
#: The certificate that signs by each algorithm, and the algorithm that its key is made for.
MADE = {
    "ed25519": ("Edwards", "Ed25519"),
    "ecdsa-p256-sha256": ("Curve256", "P-256"),
    "ecdsa-p384-sha384": ("Curve384", "P-384"),
    "rsa-pss-sha512": ("Rsa", "RSA-2048"),
    "rsa-v1_5-sha256": ("Rsa", "RSA-2048"),
}
METHODS = ("HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Place:
    """Callout between a caller and two external systems."""

    home: Home
    server: Server
    key: str
    oauth1: OAuth1Server
    verifier: SignatureVerifier

    def call(
        self, name: str, method: str = "POST", path: str = "/orders/a%20b?q=1&q=%2B&f%5Ba%5D=x", **options
    ) -> httpx2.Response:
        options["headers"] = {"Callout-Key": self.key, **options.get("headers", {})}
        with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
            return client.request(method, f"{self.server.gateway}/callout/{name}{path}", **options)


def name_of(text: str) -> str:
    return "".join(part.capitalize() for part in text.replace("_", "-").split("-"))


def manifest(oauth1: str, verifier: str) -> dict:
    client = {"consumer_key": "shared", "consumer_secret": "secret & more", "token": "t", "token_secret": "t s"}
    externals = {
        name_of(method): (oauth1, "oauth1", {"signature_method": method, "realm": "Orders"}, client)
        for method in METHODS
    }
    externals["RsaSha1"][2]["signing_certificate"] = "Rsa"
    externals["RsaSha1"] = (*externals["RsaSha1"][:3], {**client, "consumer_key": "rsa", "consumer_secret": "unused"})
    externals["WrongSecret"] = (oauth1, "oauth1", {}, {**client, "consumer_secret": "another"})
    for algorithm, (certificate, _) in MADE.items():
        parameters = {
            "algorithm": algorithm,
            "signing_certificate": certificate,
            "keyid": algorithm,
            "expires_in": "300",
        }
        externals[name_of(algorithm)] = (verifier, "http_message_signatures", parameters, {})
    by_secret = {"algorithm": "hmac-sha256", "keyid": "hmac-sha256"}
    externals["HmacSha256Messages"] = (verifier, "http_message_signatures", by_secret, {"shared_secret": SHARED})
    other = base64.b64encode(b"another").decode()
    externals["WrongShared"] = (verifier, "http_message_signatures", by_secret, {"shared_secret": other})
    return {
        "external_credentials": {
            name: {"protocol": protocol, "parameters": parameters, "principals": {"Own": {"secrets": values}}}
            for name, (_, protocol, parameters, values) in externals.items()
        },
        "named_credentials": {
            name: {"url": url, "external_credential": name, "allow_private_network": True}
            for name, (url, *_) in externals.items()
        },
        "permission_sets": {
            "All": {"principals": [f"{name}/Own" for name in externals], "user_external_credential": ["read"]}
        },
        "users": {"alice": {"permission_sets": ["All"]}},
    }


def public_key(home: Home, certificate: str) -> str:
    shown = home.json("certificate", "show", certificate)["certificates"][0]
    public = x509.load_pem_x509_certificate(shown.encode()).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("signed")
    with callout_home(folder / "home") as home:
        for certificate, algorithm in sorted(set(MADE.values())):
            home.run("certificate", "create", certificate, "--algorithm", algorithm)
        known = {each: (each, public_key(home, certificate)) for each, (certificate, _) in MADE.items()}
        known["hmac-sha256"] = ("hmac-sha256", SHARED)
        clients = [Consumer("shared", "secret & more"), Consumer("rsa", rsa_public_key=public_key(home, "Rsa"))]
        tokens = [TokenCredential(client.client_id, "t", "t s") for client in clients]
        required = ["@method", "@authority", "@target-uri"]
        with OAuth1Server(clients, tokens) as oauth1, SignatureVerifier(folder, known, required) as verifier:
            home.apply(manifest(oauth1.url, verifier.url))
            with home.serve() as server:
                yield Place(home, server, home.create_key("alice"), oauth1, verifier)


@pytest.mark.parametrize("method", METHODS)
def test_authlib_takes_what_is_signed_by_each_method_again_and_again(place, method):
    """A form names nothing twice here: of two Authlib looks at the last alone. RFC 5849 section 3.4.1 has such a form."""
    for call in ({"method": "GET"}, {"content": b"a=1&b=2+%26&c=%C3%A4", "headers": FORM}, {"json": {"a": 1}}):
        answer = place.call(name_of(method), **call)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["signature_method"], told["token"], told["realm"]) == (method, "t", "Orders")


def test_authlib_refuses_what_is_signed_with_another_secret(place):
    answer = place.call("WrongSecret")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_signature")


@pytest.mark.parametrize("algorithm", [*MADE, "hmac-sha256"])
def test_a_verifier_in_another_language_takes_what_each_algorithm_signs(place, algorithm):
    name = name_of(algorithm) if algorithm in MADE else "HmacSha256Messages"
    for call in ({"method": "GET"}, {"json": {"order": 7}}):
        answer = place.call(name, **call)
        assert (answer.status_code, answer.json().get("keyid")) == (200, algorithm), answer.text


def test_a_verifier_in_another_language_refuses_another_secret(place):
    assert place.call("WrongShared", json={"order": 7}).status_code == 401
