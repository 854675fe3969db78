"""AuthProvider files: the older place of an OAuth client, which becomes an external auth identity provider.

What serves people who sign in to Salesforce (registration, portals, logos) has no meaning here and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from callout.core.oauth2.parameters import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, NO_PKCE, S256
from callout.engine.importers.salesforce.definitions import Origins, created_by
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.providers import IdentityProvider, define_provider, put
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import Judgement

_SALESFORCE = "https://login.salesforce.com/services/oauth2"

#: Provider types whose endpoints Salesforce knows by itself, and what a client of them has to say.
_KNOWN: Mapping[str, Mapping[str, str]] = {
    "Salesforce": {
        "authorization_endpoint": f"{_SALESFORCE}/authorize",
        "token_endpoint": f"{_SALESFORCE}/token",
        "userinfo_endpoint": f"{_SALESFORCE}/userinfo",
        "revocation_endpoint": f"{_SALESFORCE}/revoke",
    },
    "Google": {
        "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
        "token_endpoint": "https://oauth2.googleapis.com/token",
        "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
        "revocation_endpoint": "https://oauth2.googleapis.com/revoke",
    },
    "GitHub": {
        "authorization_endpoint": "https://github.com/login/oauth/authorize",
        "token_endpoint": "https://github.com/login/oauth/access_token",
        "userinfo_endpoint": "https://api.github.com/user",
        "token_request_headers.Accept": "application/json",
    },
    "LinkedIn": {
        "authorization_endpoint": "https://www.linkedin.com/oauth/v2/authorization",
        "token_endpoint": "https://www.linkedin.com/oauth/v2/accessToken",
    },
    "OpenIdConnect": {},
}
_URLS = {"authorizeUrl": "authorization_endpoint", "tokenUrl": "token_endpoint", "userInfoUrl": "userinfo_endpoint"}
_USED = frozenset(
    {*_URLS, "consumerKey", "consumerSecret", "defaultScopes", "friendlyName", "isPkceEnabled", "providerType"}
    | {"sendClientCredentialsInHeader"}
)
_PLUG_IN = ("plugin", "customMetadataTypeRecord")


def read_auth_provider(name: str, top: Element, judgement: Judgement, draft: Draft) -> IdentityProvider:
    """Read one AuthProvider file that a credential names; `name` is what the provider is called here."""
    provider = IdentityProvider(draft, Origins(judgement, top.line, top.tag), "AuthorizationCode")
    kind = draft.protocol
    known = _KNOWN.get(kind)
    if known is None and not (top.value("authorizeUrl") and top.value("tokenUrl")):
        draft.reasons.append(
            f"got providerType {kind or 'none'}{_plug_in(top)}, whose endpoints are not in the file; expected "
            f"{', '.join(_KNOWN)}, or <authorizeUrl> and <tokenUrl>: write it in a manifest under "
            f"external_auth_identity_providers.{name}"
        )
        return provider
    provider.parameters.update(known or {})
    for tag, parameter in _URLS.items():
        child = top.first(tag)
        if child is not None and child.text:
            provider.parameters.pop(parameter, None)
            put(provider, child, parameter, child.text, tag)
        elif parameter not in provider.parameters and tag != "userInfoUrl":
            judgement.add(top.line, top.tag, f"no <{tag}>", "one")
    if kind == "Salesforce" and top.value("tokenUrl"):  # another org: what login.salesforce.com has is not its own
        provider.parameters.pop("revocation_endpoint", None)
    in_header = top.value("sendClientCredentialsInHeader") == "true"
    provider.parameters["client_authentication"] = CLIENT_SECRET_BASIC if in_header else CLIENT_SECRET_POST
    if top.value("isPkceEnabled"):
        provider.parameters["pkce"] = S256 if top.value("isPkceEnabled") == "true" else NO_PKCE
    if top.value("defaultScopes"):
        provider.parameters["scope"] = top.value("defaultScopes")
    define_provider(provider, name, top, created_by(name, ()))
    draft.notes.append(f"it becomes external auth identity provider {name}")
    _tell(top, draft, kind)
    return provider


def tell_of_auth_provider(top: Element, draft: Draft) -> None:
    """Say what kind a file is, what of it has no meaning here, and that its secret was not read."""
    draft.protocol = top.value("providerType")
    draft.ignored = sum(child.tag not in _USED for child in top.children)
    if top.value("consumerSecret"):
        draft.warnings.append(
            f"the file holds a value in <consumerSecret>, line {top.line_of('consumerSecret')}: not imported"
        )


def _tell(top: Element, draft: Draft, kind: str) -> None:
    if top.value("consumerKey"):
        line = top.line_of("consumerKey")
        draft.notes.append(
            f"the client id in the file, line {line}, is {top.value('consumerKey')!r}; set it as client_id"
        )
    if top.value("idTokenIssuer"):
        line = top.line_of("idTokenIssuer")
        draft.notes.append(f"<idTokenIssuer>, line {line}, was left out: ID tokens are not read here")
    if kind == "Salesforce" and not top.value("authorizeUrl"):
        draft.notes.append("its endpoints are those of login.salesforce.com; a sandbox has test.salesforce.com")
    if kind == "Google":
        draft.notes.append(
            "Google gives a refresh token only where authorization_request_parameters.access_type is offline"
        )


def _plug_in(top: Element) -> str:
    named = next((top.value(tag) for tag in _PLUG_IN if top.value(tag)), "")
    return f" (Apex plug-in {named})" if named else ""
