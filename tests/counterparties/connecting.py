"""What the tests of connecting share: the certified provider, its clients, and a manifest with an identity provider."""

from __future__ import annotations

from tests.counterparties.provider import Provider

#: Canaries: none of these may ever show.
SECRET = "c4n4ry-client-secret-0123"
SCOPE = "openid offline_access"
_NOT_DISCOVERED = ("issuer", "userinfo_endpoint", "authorization_request_parameters.prompt", "scope")
CLIENT = {
    "client_id": "connect",
    "client_secret": SECRET,
    "token_endpoint_auth_method": "client_secret_basic",
    "application_type": "native",
    "redirect_uris": ["http://127.0.0.1/connect/callback"],
    "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    "response_types": ["code"],
    "resource": None,
}


def manifest_for(provider: Provider) -> dict:
    """Two credentials: one that everybody shares, whose endpoints are discovered, and one that each user connects."""
    ready = provider.ready
    parameters = {
        "issuer": ready["issuer"],
        "authorization_response_iss_parameter_supported": "true",
        "authorization_endpoint": ready["authorization_endpoint"],
        "token_endpoint": ready["token_endpoint"],
        "userinfo_endpoint": ready["userinfo_endpoint"],
        "revocation_endpoint": ready["revocation_endpoint"],
        "introspection_endpoint": ready["introspection_endpoint"],
        "device_authorization_endpoint": ready["device_authorization_endpoint"],
        "authorization_request_parameters.prompt": "consent",
        "scope": SCOPE,
    }
    return {
        "external_auth_identity_providers": {
            "Id": {
                "label": "Example ID",
                "parameters": parameters,
                "secrets": {"client_id": CLIENT["client_id"], "client_secret": SECRET},
            },
            "Discovered": {
                "label": "Example ID",
                "parameters": {each: parameters[each] for each in parameters if each in _NOT_DISCOVERED},
                "secrets": {"client_id": CLIENT["client_id"], "client_secret": SECRET},
            },
        },
        "external_credentials": {
            name: {
                "protocol": "oauth2_authorization_code",
                "parameters": {"identity_provider": provided},
                "principals": {principal: {"type": kind}},
            }
            for name, principal, kind, provided in (
                ("Shared", "Service", "named", "Discovered"),
                ("Own", "User", "per_user", "Id"),
            )
        },
        "named_credentials": {
            name: {
                "url": ready["userinfo_endpoint"].removesuffix("/me"),
                "external_credential": name,
                "allow_private_network": True,
            }
            for name in ("Shared", "Own")
        },
        "permission_sets": {
            "Callers": {"principals": ["Shared/Service", "Own/User"], "user_external_credential": ["read"]}
        },
        "users": {name: {"permission_sets": ["Callers"]} for name in ("alice", "bob", "carol")},
    }
