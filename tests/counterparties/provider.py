"""The certified provider as a process, with what its endpoints and our own count tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2

from tests.counterparties.installed import node, npm_package
from tests.journeys.processes import PATIENCE, LongProcess

FOLDER = Path(__file__).parent / "oidc_provider"
#: The APIs that it issues tokens for, both with the scopes `orders.read` and `orders.write`: opaque tokens for orders,
#: which is the default, and JWTs for invoices. Any other resource is refused (`invalid_target`, RFC 8707).
ORDERS, INVOICES = "urn:callout:tests:orders", "urn:callout:tests:invoices"


class Provider(LongProcess):
    """A running oidc-provider that knows these clients.

    A client holds what RFC 7591 and RFC 8705 name (`client_id`, `client_secret`, `token_endpoint_auth_method`, `jwks`,
    `redirect_uris`, `grant_types`, `response_types`, `application_type`, `tls_client_auth_subject_dn`,
    `tls_client_auth_san_*`, `tls_client_certificate_bound_access_tokens`, `dpop_bound_access_tokens`), and our own
    `ttl` (of access tokens, in seconds) and `resource` (None: tokens for nothing but userinfo, so scope `openid`; left
    out: ORDERS). A client of `application_type` "native" that is registered for `http://127.0.0.1/…` may use any port.

    `dpop_nonce`: a DPoP proof needs a nonce of the server (RFC 9449 8, 9). With `certificate` (certificate and key in
    one PEM file) and `authority`, the same endpoints are at `ready["mtls_endpoint_aliases"]` too, over TLS, where client
    certificates are asked for: `tls_client_auth` trusts this authority's.
    """

    def __init__(
        self,
        folder: Path,
        clients: Sequence[Mapping[str, object]],
        *,
        dpop_nonce: bool = False,
        certificate: str | Path = "",
        authority: str | Path = "",
    ) -> None:
        command = [node(), "server.mjs", folder / "provider.json"]
        npm_package(FOLDER, "oidc-provider")
        settings = {
            "clients": list(clients),
            "dpop_nonce": dpop_nonce,
            "certificate": str(certificate),
            "authority": str(authority),
        }
        (folder / "provider.json").write_text(json.dumps(settings))
        super().__init__("oidc-provider", command, folder / "provider.log", cwd=FOLDER)

    def requests(self, client: str) -> list[dict]:
        """The token requests of a client and how they were answered, oldest first."""
        seen = httpx2.get(f"{self.ready['issuer']}/seen", trust_env=False, timeout=PATIENCE).raise_for_status().json()
        return [each for each in seen if each["client"] == client]

    def seen(self, client: str) -> list[int]:
        """The statuses with which token requests of a client were answered."""
        return [each["status"] for each in self.requests(client)]

    def metadata(self) -> dict[str, Any]:
        """What the provider says of itself (RFC 8414)."""
        address = f"{self.ready['issuer']}/.well-known/oauth-authorization-server"
        return httpx2.get(address, trust_env=False, timeout=PATIENCE).raise_for_status().json()

    def revoke(self, client: Mapping[str, object], token: str) -> None:
        """Revoke a token as the client itself (RFC 7009)."""
        pair = (str(client["client_id"]), str(client["client_secret"]))
        if client["token_endpoint_auth_method"] == "client_secret_basic":
            answer = httpx2.post(
                self.ready["revocation_endpoint"], data={"token": token}, auth=pair, trust_env=False, timeout=PATIENCE
            )
        else:
            form = {"token": token, "client_id": pair[0], "client_secret": pair[1]}
            answer = httpx2.post(self.ready["revocation_endpoint"], data=form, trust_env=False, timeout=PATIENCE)
        answer.raise_for_status()
