"""An external system that asks for OAuth 1.0a signatures (RFC 5849) and lets Authlib judge them.

HMAC-SHA1, RSA-SHA1, PLAINTEXT and HMAC-SHA256 (which RFC 5849 does not name and many ask for), in the Authorization
header, the query or a form; each nonce once; with a token or, for clients that are registered so, without.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from authlib.oauth1 import ClientMixin, ResourceProtector, TokenCredentialMixin
from authlib.oauth1.errors import OAuth1Error
from authlib.oauth1.rfc5849.signature import generate_signature_base_string
from authlib.oauth1.rfc5849.util import escape
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from flask import Flask, jsonify, request

from tests.counterparties.wsgi import ServedApplication

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # Authlib asks for it where there is no TLS: here is only loopback


@dataclass(frozen=True)
class Consumer(ClientMixin):
    """A client: its secret, or the public key (PEM) of its RSA signatures. `token_needed`: three legs, not two."""

    client_id: str
    client_secret: str = ""
    rsa_public_key: str = ""
    token_needed: bool = True

    def get_client_secret(self) -> str:
        return self.client_secret

    def get_rsa_public_key(self) -> str:
        return self.rsa_public_key


@dataclass(frozen=True)
class TokenCredential(TokenCredentialMixin):
    """A token of a client."""

    client_id: str
    oauth_token: str
    oauth_token_secret: str

    def get_oauth_token(self) -> str:
        return self.oauth_token

    def get_oauth_token_secret(self) -> str:
        return self.oauth_token_secret


def verify_hmac_sha256(signed: OAuth1Request) -> bool:
    """Compare with HMAC-SHA256 over Authlib's base string."""
    key = f"{escape(signed.client_secret)}&{escape(signed.token_secret or '')}"
    digest = hmac.new(key.encode(), generate_signature_base_string(signed).encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), signed.signature)


class Judge(ResourceProtector):
    """Authlib's judgement over the clients, tokens and nonces of a server."""

    SUPPORTED_SIGNATURE_METHODS: ClassVar = ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"]
    SIGNATURE_METHODS: ClassVar = {**ResourceProtector.SIGNATURE_METHODS, "HMAC-SHA256": verify_hmac_sha256}

    def __init__(self, clients: Sequence[Consumer], tokens: Sequence[TokenCredential]) -> None:
        self._clients = {client.client_id: client for client in clients}
        self._tokens = {(token.client_id, token.oauth_token): token for token in tokens}
        self._nonces: set[tuple[str | None, ...]] = set()

    def get_client_by_id(self, client_id: str) -> Consumer | None:
        return self._clients.get(client_id)

    def get_token_credential(self, signed: OAuth1Request) -> TokenCredential | None:
        return self._tokens.get((signed.client_id, signed.token))

    def exists_nonce(self, nonce: str, signed: OAuth1Request) -> bool:
        used = (nonce, signed.timestamp, signed.client_id, signed.token)
        known = used in self._nonces
        self._nonces.add(used)
        return known

    def judge(self, method: str, address: str, body: dict | None, headers: dict) -> OAuth1Request:
        """Return what was signed; raises OAuth1Error where Authlib takes it not."""
        signed = OAuth1Request(method, address, body, headers)
        client = self.get_client_by_id(signed.client_id or "")
        if client is None or client.token_needed or signed.token:
            return self.validate_request(method, address, body, headers)
        # Authlib asks for a token always; RFC 5849 3.1 lets it be left out.
        signed.client = client
        self.validate_timestamp_and_nonce(signed)
        self.validate_oauth_signature(signed)
        return signed


class OAuth1Server(ServedApplication):
    """Answers under every path: 200 and who signed how, or the error in Authlib's words. `seen` holds the answers."""

    def __init__(self, clients: Sequence[Consumer], tokens: Sequence[TokenCredential] = ()) -> None:
        application = Flask("oauth1-server")
        super().__init__(application)
        self.seen: list[dict[str, object]] = []
        judge = Judge(clients, tokens)

        @application.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE"])
        @application.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
        def orders(path: str):
            # The address as it was sent: Flask's own has been decoded and encoded again.
            address = self.url + request.environ["RAW_URI"]
            try:
                signed = judge.judge(request.method, address, list(request.form.items(multi=True)), request.headers)
                told = {"client": signed.client_id, "token": signed.token, "signature_method": signed.signature_method}
                status, told = 200, {**told, "realm": signed.realm, "placed": signed.signature_type}
            except OAuth1Error as error:
                status, told = error.status_code or 400, dict(error.get_body())
            except ValueError as error:
                status, told = 400, {"error": "malformed", "error_description": str(error)}
            self.seen.append({"status": status, **told})
            return jsonify(told), status
