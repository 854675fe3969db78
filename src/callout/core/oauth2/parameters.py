"""What the OAuth 2.0 grants can be told: endpoints, client authentication, and the dialect of a token endpoint.

A dialect is data: names and values that are sent in addition, and where in the answer things stand. No code runs.
"""

from __future__ import annotations

from dataclasses import replace

from callout.core.jose import parameters as jose
from callout.core.protocol import Parameter

CLIENT_SECRET_BASIC = "client_secret_basic"  # the names of RFC 7591 section 2
CLIENT_SECRET_POST = "client_secret_post"
PRIVATE_KEY_JWT = "private_key_jwt"  # RFC 7523 section 2.2, as OpenID Connect Core 1.0 section 9 names it
TLS_CLIENT_AUTH = "tls_client_auth"  # RFC 8705 sections 2.1.1 and 2.2.1
SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
NO_CLIENT_SECRET = "none"
CLIENT_AUTHENTICATIONS = (
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
    PRIVATE_KEY_JWT,
    TLS_CLIENT_AUTH,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    NO_CLIENT_SECRET,
)
FORM, JSON = "form", "json"

#: What a request to the token endpoint holds by itself; a declared name never replaces it.
_OWN_FIELDS = (
    "grant_type",
    "client_id",
    "client_secret",
    "refresh_token",
    "scope",
    "audience",
    "resource",
    "token",
    "token_type_hint",
    "code",
    "code_verifier",
    "device_code",
    "redirect_uri",
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "username",
    "password",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
)
_OWN_HEADERS = (
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "dpop",
    "host",
    "transfer-encoding",
)
_FIELD_KEY = r"[!-~]+"
_HEADER_KEY = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"

IDENTITY_PROVIDER = Parameter(
    "identity_provider",
    "External auth identity provider whose parameters, client id and client secret count where none are given here",
    required=False,
)
TOKEN_ENDPOINT = Parameter(
    "token_endpoint",
    "URL of the token endpoint (RFC 6749 section 3.2); where an issuer is given, what its metadata says if left out",
    url=True,
    unless=("issuer",),
)
ISSUER = Parameter(
    "issuer",
    "Issuer of the authorization server: its metadata (RFC 8414, OpenID Connect Discovery 1.0) says the endpoints that are"
    " not given here, and an authorization response that names another issuer is refused (RFC 9207)",
    required=False,
    url=True,
)
CLIENT_AUTHENTICATION = Parameter(
    "client_authentication",
    "How the client proves itself to the token endpoint: secret in a Basic header, or in the request body; a JWT signed"
    " with signing_certificate; a TLS client certificate of an authority, or a self-signed one; none for a public client",
    required=False,
    default=CLIENT_SECRET_BASIC,
    choices=CLIENT_AUTHENTICATIONS,
)
SCOPE = Parameter("scope", "Space-separated scope to ask for (RFC 6749 section 3.3)", required=False)
AUDIENCE = Parameter("audience", "Audience to ask a token for, as some authorization servers want it", required=False)
RESOURCE = Parameter("resource", "Space-separated resource indicators to ask for (RFC 8707 section 2)", required=False)
CLIENT_ID = Parameter("client_id", "Client identifier (RFC 6749 section 2.2)", secret=True)
CLIENT_SECRET = Parameter(
    "client_secret",
    "Client secret (RFC 6749 section 2.3.1), of a client that proves itself by one",
    secret=True,
    when=(CLIENT_AUTHENTICATION.name, CLIENT_SECRET_BASIC, CLIENT_SECRET_POST),
)
CLIENT_SIGNING_CERTIFICATE = replace(
    jose.SIGNING_CERTIFICATE,
    help="Certificate whose key signs the client's JWTs (private_key_jwt, RFC 7523 section 2.2)",
    when=(CLIENT_AUTHENTICATION.name, PRIVATE_KEY_JWT),
)
CLIENT_CERTIFICATE = Parameter(
    "client_certificate",
    "Certificate that is shown in TLS to the authorization server: it proves the client (RFC 8705 section 2), and the"
    " token may be bound to it (section 3)",
    key_pair=True,
    when=(CLIENT_AUTHENTICATION.name, TLS_CLIENT_AUTH, SELF_SIGNED_TLS_CLIENT_AUTH),
)
DPOP_CERTIFICATE = Parameter(
    "dpop_certificate",
    "Certificate whose key the token is bound to: every request is sent with a proof of it (DPoP, RFC 9449)",
    required=False,
    key_pair=True,
)
BEARER_TOKEN_TYPES = Parameter(
    "bearer_token_types",
    "Space-separated token types that mean Bearer here (RFC 6749 section 7.1), such as the bot of Slack",
    required=False,
)

TOKEN_REQUEST_FORMAT = Parameter(
    "token_request_format",
    "How token requests are written: as a form, as RFC 6749 says, or as a JSON object",
    required=False,
    default=FORM,
    choices=(FORM, JSON),
)
TOKEN_REQUEST_PARAMETERS = Parameter(
    "token_request_parameters",
    "A further parameter of every request to the token endpoint; sealed where it is set as a secret",
    required=False,
    key=_FIELD_KEY,
    reserved=_OWN_FIELDS,
)
TOKEN_REQUEST_HEADERS = Parameter(
    "token_request_headers",
    "A further header of every request to the token endpoint; sealed where it is set as a secret",
    required=False,
    key=_HEADER_KEY,
    reserved=_OWN_HEADERS,
)
REFRESH_REQUEST_PARAMETERS = Parameter(
    "refresh_request_parameters",
    "A further parameter of refresh requests alone; it wins over one of token_request_parameters",
    required=False,
    key=_FIELD_KEY,
    reserved=_OWN_FIELDS,
)
REFRESH_REQUEST_HEADERS = Parameter(
    "refresh_request_headers",
    "A further header of refresh requests alone; it wins over one of token_request_headers",
    required=False,
    key=_HEADER_KEY,
    reserved=_OWN_HEADERS,
)

ACCESS_TOKEN_FIELD = Parameter(
    "access_token_field",
    "Where the access token stands in a token answer (JSON pointer, RFC 6901)",
    required=False,
    default="/access_token",
    pointer=True,
)
REFRESH_TOKEN_FIELD = Parameter(
    "refresh_token_field",
    "Where the refresh token stands in a token answer (JSON pointer)",
    required=False,
    default="/refresh_token",
    pointer=True,
)
EXPIRES_IN_FIELD = Parameter(
    "expires_in_field",
    "Where the lifetime stands in a token answer, in seconds (JSON pointer)",
    required=False,
    default="/expires_in",
    pointer=True,
)
EXPIRES_AT_FIELD = Parameter(
    "expires_at_field",
    "Where the end of the life stands in a token answer that states no lifetime: seconds or milliseconds since 1970,"
    " or RFC 3339 (JSON pointer)",
    required=False,
    default="/expires_at",
    pointer=True,
)
ERROR_FIELD = Parameter(
    "error_field",
    "Where the error code stands in an answer that refuses (JSON pointer)",
    required=False,
    default="/error",
    pointer=True,
)
RECONNECT_ERRORS = Parameter(
    "reconnect_errors",
    "Space-separated error codes that mean invalid_grant here: the connection has to be made anew",
    required=False,
)

REVOCATION_ENDPOINT = Parameter(
    "revocation_endpoint",
    "URL of the revocation endpoint (RFC 7009); tokens that are deleted are revoked there",
    required=False,
    url=True,
)
INTROSPECTION_ENDPOINT = Parameter(
    "introspection_endpoint",
    "URL of the introspection endpoint (RFC 7662); it is asked whether a token is active, also before a refresh that any"
    " sign but a 401 would cause",
    required=False,
    url=True,
)

AUTHORIZATION_ENDPOINT = Parameter(
    "authorization_endpoint",
    "URL of the authorization endpoint (RFC 6749 section 3.1), to which the browser of the user goes",
    required=False,
    url=True,
)
DEVICE_AUTHORIZATION_ENDPOINT = Parameter(
    "device_authorization_endpoint",
    "URL of the device authorization endpoint (RFC 8628 section 3.1), for `callout connect --device`",
    required=False,
    url=True,
)
USERINFO_ENDPOINT = Parameter(
    "userinfo_endpoint",
    "URL of the UserInfo endpoint (OpenID Connect Core 1.0 section 5.3), which says whose account was connected",
    required=False,
    url=True,
)
ISSUER_IN_RESPONSE = Parameter(
    "authorization_response_iss_parameter_supported",
    "Whether the server names itself in every authorization response (RFC 9207 section 3): then one without is refused",
    required=False,
    default="false",
    choices=("false", "true"),
)
S256, NO_PKCE = "S256", "none"
PKCE = Parameter(
    "pkce",
    "How the code is bound to who asked for it (RFC 7636): S256; none for a server that refuses to hear of it",
    required=False,
    default=S256,
    choices=(S256, NO_PKCE),
)
AUTHORIZATION_REQUEST_PARAMETERS = Parameter(
    "authorization_request_parameters",
    "A further parameter of the authorization request, such as access_type or prompt",
    required=False,
    key=_FIELD_KEY,
    reserved=(
        *("response_type", "client_id", "client_secret", "redirect_uri", "scope", "state", "resource", "audience"),
        *("code_challenge", "code_challenge_method", "response_mode", "request", "request_uri"),
    ),
)

#: Every grant has these; first where the client proves itself, and to whom.
CLIENT = (
    IDENTITY_PROVIDER,
    TOKEN_ENDPOINT,
    ISSUER,
    CLIENT_AUTHENTICATION,
    SCOPE,
    CLIENT_ID,
    CLIENT_SECRET,
    CLIENT_SIGNING_CERTIFICATE,
    jose.SIGNING_ALGORITHM,
    CLIENT_CERTIFICATE,
    DPOP_CERTIFICATE,
)
#: How a token endpoint departs from the RFC.
DIALECT = (
    AUDIENCE,
    RESOURCE,
    TOKEN_REQUEST_FORMAT,
    TOKEN_REQUEST_PARAMETERS,
    TOKEN_REQUEST_HEADERS,
    BEARER_TOKEN_TYPES,
    ACCESS_TOKEN_FIELD,
    EXPIRES_IN_FIELD,
    EXPIRES_AT_FIELD,
    ERROR_FIELD,
)
#: And how it departs where a refresh token is spent.
REFRESH_DIALECT = (REFRESH_REQUEST_PARAMETERS, REFRESH_REQUEST_HEADERS, REFRESH_TOKEN_FIELD, RECONNECT_ERRORS)
#: Where and how somebody authorizes in a browser, or by a code on another device.
AUTHORIZATION = (
    AUTHORIZATION_ENDPOINT,
    DEVICE_AUTHORIZATION_ENDPOINT,
    USERINFO_ENDPOINT,
    ISSUER_IN_RESPONSE,
    PKCE,
    AUTHORIZATION_REQUEST_PARAMETERS,
)
#: What else can be done with a token at its authorization server.
TOKEN_CARE = (REVOCATION_ENDPOINT, INTROSPECTION_ENDPOINT)
