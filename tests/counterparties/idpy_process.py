"""IdentityPython's OAuth 2.0 server (PyPI idpyoidc), which knows token exchange (RFC 8693), on a free loopback port.

    python idpy_process.py SETTINGS_FILE

Run by the Python of the environment that has it (`make setup`). SETTINGS_FILE holds JSON: {clients: {CLIENT_ID:
{client_secret, token_endpoint_auth_method, jwks}}, audiences, folder}. GET /subject?user=NAME&scope=… gives the tokens of
a user who signed in at an application in front: the subject of an exchange. GET /seen lists the token requests. Standard
output says in one line of JSON when it is ready and where; it ends when its standard input ends.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptojwt.exception import JWKESTException
from idpyoidc.exception import FailedAuthentication
from idpyoidc.message.oauth2 import AuthorizationRequest
from idpyoidc.server import Server
from idpyoidc.server.authn_event import create_authn_event
from idpyoidc.server.authz import AuthzHandling
from idpyoidc.server.client_authn import verify_client
from idpyoidc.server.configure import ASConfiguration
from idpyoidc.server.exception import ClientAuthenticationError, OidcOPError
from idpyoidc.server.user_authn.authn_context import INTERNETPROTOCOLPASSWORD
from idpyoidc.server.user_info import UserInfo
from idpyoidc.time_util import utc_time_sans_frac

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
POLICY = "idpyoidc.server.oauth2.token_helper.validate_token_exchange_policy"
TYPES = [f"urn:ietf:params:oauth:token-type:{kind}_token" for kind in ("access", "refresh")]
SCOPES = ["openid", "offline_access", "orders.read", "orders.write"]
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
#: The application in front, at which users sign in.
FRONT = {"client_id": "front", "redirect_uri": "https://front.example.com/cb"}

#: Of every token, in seconds.
LIFETIME = 600

_KEYS = [{"type": "EC", "crv": "P-256", "use": ["sig"]}]
_ENCRYPTING = [{"type": "OCT", "use": ["enc"], "kid": kid} for kid in ("password", "salt")]
_ENCRYPTER = {"kwargs": {"keys": {"key_defs": _ENCRYPTING}, "iterations": 1}}
_MINTS = {"supports_minting": ["access_token", "refresh_token"], "expires_in": LIFETIME}


def endpoints(audiences: list[str]) -> dict:
    """Return the endpoints of the server, and what its token endpoint exchanges."""
    exchange = {
        "class": "idpyoidc.server.oauth2.token_helper.token_exchange.TokenExchangeHelper",
        "kwargs": {
            "subject_token_types_supported": TYPES,
            "requested_token_types_supported": TYPES,
            "policy": {"": {"function": POLICY, "kwargs": {"audience": audiences, "resource": audiences}}},
        },
    }
    return {
        "authorization": {
            "path": "authorization",
            "class": "idpyoidc.server.oauth2.authorization.Authorization",
            "kwargs": {},
        },
        "token": {
            "path": "token",
            "class": "idpyoidc.server.oauth2.token.Token",
            "kwargs": {"client_authn_method": METHODS, "grant_types_helpers": {EXCHANGE: exchange}},
        },
        "introspection": {
            "path": "introspection",
            "class": "idpyoidc.server.oauth2.introspection.Introspection",
            "kwargs": {"client_authn_method": METHODS, "enforce_audience_restriction": False},
        },
    }


def configuration(issuer: str, audiences: list[str]) -> dict:
    """Return what idpyoidc asks for, as its documentation has it."""
    jwt = {"class": "idpyoidc.server.token.jwt_token.JWTToken", "kwargs": {"lifetime": LIFETIME, "aud": [issuer]}}
    return {
        "issuer": issuer,
        "httpc_params": {"timeout": 1},
        "preference": {"subject_types_supported": ["public"], "scopes_supported": SCOPES},
        "keys": {"uri_path": "jwks.json", "key_defs": _KEYS},
        "endpoint": endpoints(audiences),
        "authentication": {
            "anon": {
                "acr": INTERNETPROTOCOLPASSWORD,
                "class": "idpyoidc.server.user_authn.user.NoAuthn",
                "kwargs": {"user": "nobody"},
            }
        },
        "userinfo": {"class": UserInfo, "kwargs": {"db": {}}},
        "client_authn": verify_client,
        "authz": {
            "class": AuthzHandling,
            "kwargs": {
                "grant_config": {
                    "usage_rules": {
                        "authorization_code": {**_MINTS, "max_usage": 1},
                        "access_token": _MINTS,
                        "refresh_token": _MINTS,
                    },
                    "expires_in": 43200,
                }
            },
        },
        "token_handler_args": {
            "code": {"lifetime": 600, "kwargs": {"crypt_conf": _ENCRYPTER}},
            "token": jwt,
            "refresh": jwt,
        },
        "session_params": {"encrypter": _ENCRYPTER},
    }


class Issuer:
    """The server of idpyoidc and what it was asked."""

    def __init__(self, issuer: str, settings: dict) -> None:
        folder = settings["folder"]
        asked = ASConfiguration(conf=configuration(issuer, settings["audiences"]), base_path=folder)
        self.server = Server(asked, cwd=folder)
        self.context = self.server.context
        self.context.map_supported_to_preferred()
        self.seen: list[dict] = []
        for client_id, told in {**settings["clients"], "front": {}}.items():
            self.context.cdb[client_id] = {
                "redirect_uris": [(FRONT["redirect_uri"], None)],
                "client_salt": "salted",
                "grant_types_supported": [EXCHANGE],
                "response_types": ["code"],
                "response_types_supported": ["code"],
                "allowed_scopes": SCOPES,
                **{name: value for name, value in told.items() if name != "jwks"},
            }
            if "client_secret" in told:
                self.server.keyjar.add_symmetric(client_id, told["client_secret"])
            if "jwks" in told:
                self.server.keyjar.import_jwks(told["jwks"], client_id)

    def subject(self, user: str, scope: str) -> dict[str, str]:
        """Return the tokens that the application in front has for a user who signed in."""
        request = AuthorizationRequest(**FRONT, scope=scope.split(), state="any", response_type="code")
        sessions = self.context.session_manager
        session = sessions.create_session(create_authn_event(user), request, user, client_id="front")
        grant = self.context.authz(session, request)
        minted = {
            kind: grant.mint_token(
                session_id=session,
                context=self.context,
                token_class=kind,
                token_handler=sessions.token_handler[kind],
                usage_rules=grant.usage_rules.get(kind, {}),
                scope=scope.split(),
            )
            for kind in ("access_token", "refresh_token")
        }
        for token in minted.values():
            token.expires_at = utc_time_sans_frac() + LIFETIME
        return {kind: token.value for kind, token in minted.items()}

    def answer(self, name: str, form: dict, http: dict) -> tuple[int, dict]:
        """Let an endpoint of idpyoidc answer a request."""
        endpoint = self.server.get_endpoint(name)
        try:
            request = endpoint.parse_request(form, http)
        except (ClientAuthenticationError, FailedAuthentication) as error:
            return 401, {"error": "invalid_client", "error_description": str(error)}
        except (JWKESTException, OidcOPError) as error:  # idpyoidc lets these fall through
            return 400, {"error": "invalid_request", "error_description": f"Subject token invalid ({error})"}
        answered = request if "error" in request else endpoint.process_request(request)
        if "error" in answered:
            return 400, {name: answered[name] for name in ("error", "error_description") if name in answered}
        return 200, json.loads(endpoint.do_response(request=request, **answered)["response"])


def asked_by(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    """Return what speaks HTTP for an issuer."""

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            at = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(at.query).items()}
            if at.path == "/subject":
                self.tell(200, issuer.subject(query["user"], query["scope"]))
            else:
                self.tell(200, issuer.seen)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {
                name: values if name in ("audience", "resource") else values[0]
                for name, values in parse_qs(body).items()
            }
            headers = {name.lower(): value for name, value in self.headers.items()}
            name = self.path.removeprefix("/")
            status, told = issuer.answer(name, form, {"headers": headers, "url": issuer.context.issuer + self.path})
            if name == "token":
                issuer.seen.append({**form, "status": status, "error": told.get("error")})
            self.tell(status, told)

        def log_request(self, *_: object) -> None:
            """`seen` tells it."""

        def tell(self, status: int, told: object) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Asked


def main(file: Path) -> None:
    """Serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    url = f"http://127.0.0.1:{server.server_port}"
    server.RequestHandlerClass = asked_by(Issuer(url, json.loads(file.read_text())))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"event": "ready", "url": url}), flush=True)
    while os.read(sys.stdin.fileno(), 1024):
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
