"""The published JSON Schema of the manifest (draft 2020-12), for editors and other people's tools.

It is generated from the same shapes that the reader walks and from the parameters that the protocols declare.
What a schema cannot say (that names exist, that a URL is public) is left to the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from callout.core.model.certificates import DNS_NAME
from callout.core.model.credentials import CustomHeader, HeaderSign
from callout.core.model.identity_providers import CLIENT_SECRETS
from callout.core.model.issuers import CLIENT_SECRET, SIGNATURE_ALGORITHMS, TrustedIssuer
from callout.core.model.org import SECTIONS
from callout.core.protocol import AuthenticationProtocol, Catalogue, Parameter
from callout.core.refresh.idle import PATTERN as INACTIVITY_LIMIT
from callout.core.refresh.rules import HIGHEST, LOWEST
from callout.core.rules import LONGEST_DESCRIPTION, LONGEST_LABEL
from callout.core.rules.certificates import FINGERPRINT
from callout.core.rules.external_credentials import HIGHEST_SEQUENCE, PARAMETER_NAME
from callout.core.rules.headers import HEADER_NAME
from callout.core.rules.identity_providers import parameters_of_providers
from callout.core.rules.names import DEVELOPER_NAME, LONGEST_NAME, NAMESPACE
from callout.core.rules.people import LONGEST_VERSION
from callout.core.rules.refresh_rules import (
    FAULT_CODE,
    LONGEST_DEBOUNCE,
    LONGEST_TEXT,
    MEDIA_TYPE,
    MOST_RULES,
    MOST_TEXTS,
)
from callout.core.rules.requests import LONGEST_SPAN, METHOD, MOST_CALLS
from callout.core.spiffe import LONGEST_ID, PATTERN
from callout.engine.manifest.shape import (
    SECRETS,
    BooleanShape,
    ChoiceShape,
    EntryShape,
    GrantShape,
    IntegerShape,
    ListShape,
    MapShape,
    PrivateKeyShape,
    RecordShape,
    ReferenceShape,
    SecretShape,
    Shape,
    TextShape,
    TimeShape,
    defaults_of,
    shape_of_narrowed_grant,
    shape_of_section,
)

_READABLE_NAME = r"^(?![- ])[^/@\x00-\x1f\x7f]*[^/@\x00-\x1f\x7f ]$"
_USER_NAME = r"^(?!-)[^/\s\x00-\x1f\x7f]+$"
#: A parameter or secret; one that takes keys has its key after a dot.
_NAME_WITH_KEY = PARAMETER_NAME.removesuffix("$") + r"(\.[!-~]+)?$"
_ONE_LINE = r"^[^\r\n\x00]*$"
#: The value of a header: only within a formula may a line end.
_HEADER_VALUE = r"^([^\r\n\x00{]|\{(?!!))*(\{![^\x00]*)?$"

#: What follows the URL of a named credential: `*` within a segment, `**` for any segments.
_PATH_PATTERN = r"^/[!-~]*$"

#: How the names of a mapping look, by what is in it.
_NAMES: Mapping[str, Any] = {
    "external_credentials": {"pattern": DEVELOPER_NAME, "maxLength": LONGEST_NAME},
    "named_credentials": {"pattern": DEVELOPER_NAME, "maxLength": LONGEST_NAME},
    "external_auth_identity_providers": {"pattern": DEVELOPER_NAME, "maxLength": LONGEST_NAME},
    "permission_sets": {"pattern": _READABLE_NAME, "maxLength": LONGEST_NAME},
    "permission_set_groups": {"pattern": _READABLE_NAME, "maxLength": LONGEST_NAME},
    "profiles": {"pattern": _READABLE_NAME, "maxLength": LONGEST_NAME},
    "principals": {"pattern": _READABLE_NAME, "maxLength": LONGEST_NAME},
    "packages": {"pattern": NAMESPACE},
    "users": {"pattern": _USER_NAME},
    "parameters": {"pattern": _NAME_WITH_KEY},
    SECRETS: {"pattern": _NAME_WITH_KEY},
    "trusted_issuers": {"pattern": _READABLE_NAME, "maxLength": LONGEST_NAME},
    "client_certificates": {"pattern": _READABLE_NAME, "maxLength": LONGEST_NAME},
    "certificates": {"pattern": DEVELOPER_NAME, "maxLength": LONGEST_NAME},
    "namespaces": {"minLength": 1},
}

#: What the rules say of a field beyond its type. A schema is laid over the one that its type gives.
_NARROWED: Mapping[str, Any] = {
    "url": {"pattern": r"^[hH][tT][tT][pP][sS]?://[^/?#\\@\s]+(/[^?#\\\s]*)?$"},
    "additional_status_codes": {
        "items": {"type": "integer", "anyOf": [{"minimum": 400, "maximum": 499}, {"minimum": 600, "maximum": 999}]}
    },
    "inactivity_limit": {"pattern": f"{INACTIVITY_LIMIT}|^$"},
    "allowed_namespaces": {"items": {"type": "string", "pattern": NAMESPACE}},
    "allowed_methods": {"items": {"type": "string", "pattern": f"^{METHOD}$"}},
    "methods": {"items": {"type": "string", "pattern": f"^{METHOD}$"}},
    "replay_methods": {"items": {"type": "string", "pattern": f"^{METHOD}$"}},
    "idempotency_header": {"pattern": f"^$|{HEADER_NAME}"},
    "allowed_paths": {"items": {"type": "string", "pattern": _PATH_PATTERN}},
    "paths": {"items": {"type": "string", "pattern": _PATH_PATTERN}},
    "calls": {"minimum": 1, "maximum": MOST_CALLS},
    "seconds": {"minimum": 1, "maximum": LONGEST_SPAN},
    "sequence": {"minimum": 1, "maximum": HIGHEST_SEQUENCE},
    "algorithms": {"items": {"type": "string", "enum": list(SIGNATURE_ALGORITHMS)}},
    "spiffe_id": {"pattern": PATTERN, "maxLength": LONGEST_ID},
    "dns": {"pattern": DNS_NAME},
    "sha256": {"pattern": FINGERPRINT},
    "label": {"maxLength": LONGEST_LABEL},
    "description": {"maxLength": LONGEST_DESCRIPTION},
    "version": {"maxLength": LONGEST_VERSION},
    "refresh_debounce": {"minimum": 0, "maximum": LONGEST_DEBOUNCE},
    "refresh_rules": {"maxItems": MOST_RULES},
    "json_pointer": {"pattern": "^(/([^~/]|~[01])*)*$"},
    "uses": {"items": {"type": "string", "pattern": DEVELOPER_NAME}},
}

_SIGN_TEXT = {"minLength": 1, "maxLength": LONGEST_TEXT}
#: What the rules say of each value in the lists of a refresh rule.
_OF_A_SIGN: Mapping[str, Any] = {
    "statuses": {"minimum": LOWEST, "maximum": HIGHEST},
    "content_types": {"pattern": MEDIA_TYPE},
    "soap_fault_code": _SIGN_TEXT | {"pattern": FAULT_CODE},
    "contains": _SIGN_TEXT | {"pattern": "^[\x00-\x7f]*$"},
    "matches": _SIGN_TEXT | {"pattern": "^[\x00-\x7f]*[\x00-\x29\x2b-\x7f][\x00-\x7f]*$"},
    "equals": _SIGN_TEXT,
    "text": _SIGN_TEXT,
}

_SECRET: Mapping[str, Any] = {
    "oneOf": [
        {"type": "string", "minLength": 1, "pattern": _ONE_LINE},
        *(
            {
                "type": "object",
                "properties": {origin: {"type": "string", "minLength": 1, "description": text}},
                "required": [origin],
                "additionalProperties": False,
            }
            for origin, text in (
                ("env", "Name of the environment variable that holds it"),
                ("file", "Path of the file that holds it"),
            )
        ),
    ]
}

_TOLD: Mapping[str, str] = {
    "protocol": "Name of the authentication protocol",
    "parameters": "Values that the protocol or a header formula reads; none of them secret",
    "additional_status_codes": "Statuses besides 401 that mean stale credentials: 400-499 and 600-999",
    "refresh_rules": "Answers besides those statuses that mean stale credentials, by signs in header and body",
    "refresh_debounce": "Seconds that refresh rules other than status 401 stay quiet after a refresh that did not help",
    "statuses": "Statuses that the rule is about: any from 200, where it names a sign in the header or body as well",
    "header": "A header that says that the credentials are stale",
    "body": "What in the first 64 KiB of the body says that the credentials are stale: one of three",
    "contains": "Texts of which one is in the header's value, in any case",
    "matches": "Patterns of which the header's value is like one, in any case; * is any text",
    "json_pointer": "Where the value is (RFC 6901); * stands for every element of an array",
    "equals": "Values of which one is there, as text: '190' is the number as well",
    "soap_fault_code": "Codes of a SOAP 1.1 or 1.2 fault, or subcodes, without their prefix",
    "text": "Texts of which one is in the body, letter for letter",
    "content_types": "Media types that a body is judged in; left out: JSON, XML or text, as the sign needs",
    "headers": "Headers that Callout writes; {!…} in a value is a formula",
    "principals": "Of an external credential: its identities. Of a profile or permission set: EC/Principal granted, "
    "or a mapping that narrows the grant to methods and paths",
    "secrets": "Values that are sealed and never shown; those that are left out are kept",
    "sequence": "Of the granted principals the lowest is used",
    "url": "Absolute https URL that the caller's path and query are appended to",
    "external_credential": "Name of the external credential that authenticates",
    "enabled_for_callouts": "Whether callouts by this name are made",
    "allowed_namespaces": "Namespaces of packages whose code may use it; local code needs no entry",
    "allowed_methods": "Methods of the requests that are made; left out: any",
    "allowed_paths": "Patterns of the paths after the URL: * within a segment, ** for any segments; left out: any",
    "rate_limits": "At most so many calls each so many seconds, counted by each worker",
    "replay_methods": "Methods that are sent again after a refresh, with any body that can be kept, and no others; "
    "left out: idempotent ones, and any other with a body that memory keeps",
    "idempotency_header": "Header that every request of a method that is not idempotent bears, with one value per callout",
    "calls": "How many calls",
    "seconds": "Each how many seconds",
    "per": "Who shares the allowance: each caller has their own, or all callers of the named credential have one",
    "observe": "Refuse nothing; count what would be refused, in metrics and explanations",
    "methods": "Methods that are granted; left out: any",
    "paths": "Patterns of the paths that are granted; left out: any",
    "principal": "The principal that is granted, as EC/Principal",
    "inactivity_limit": "How long the provider lets a refresh token lie unused, as 90m, 12h or 30d: after half of it and "
    "some, Callout refreshes one that nobody uses",
    "allow_private_network": "Allow private and loopback addresses, and http:// to them",
    "generate_authorization_header": "Whether the protocol writes its Authorization header",
    "allow_merge_fields_in_header": "Whether {!…} in headers that callers set is evaluated",
    "allow_merge_fields_in_body": "Whether {!…} in the text of bodies that callers send is evaluated",
    "email": "Email address, which formulas read as $User.Email",
    "user_external_credential": "What may be done with User External Credential rows; callouts need read",
    "permission_sets": "Names of permission sets; of a user also {name, until, purpose}",
    "permission_set_groups": "Names of permission set groups, or {name, until, purpose}",
    "admin_permissions": "What may be done with Callout itself; the guest user never has any",
    "muted": "Grants that do not come through this group, although its permission sets hold them",
    "kind": "What the user is; a background identity holds no key, and guest is the one guest user",
    "until": "When the assignment ends; it grants nothing from then on",
    "purpose": "What the assignment is for",
    "profile": "Name of the one profile",
    "version": "Version of the package",
    "uses": "Named credentials of an admin's that the package asks to call",
    "active": "Whether the user may do anything",
    "may_act_for": "Users, or profile:NAME, on whose behalf who has it may make callouts",
    "issuer": "The `iss` of its tokens, letter for letter",
    "audience": "The `aud` that its tokens must name",
    "jwks_uri": "Where its public keys are; left out: discovered",
    "client_id": "The client with which people sign in to Setup at this issuer; left out: nobody does",
    "scope": "What is asked for when people sign in; openid is in it",
    "user_claim": "The claim that names the user",
    "users": "Users by the values of the user claim",
    "users_by_name": "Whether a value that `users` does not hold is itself the name of a user",
    "namespace_claim": "The claim that names the package whose code calls; where it is set, every token must carry it",
    "namespaces": "Namespaces of packages by the values of the namespace claim; '' is the admin's own code",
    "algorithms": "Signatures that are accepted; left out: all that need a public key",
    "spiffe_id": "The SPIFFE ID of a client certificate, or a pattern: * for one segment of its path, ** for the rest",
    "dns": "A DNS name of a client certificate, whole",
    "subject": "The whole subject of a client certificate, as RFC 4514 writes it",
    "sha256": "The SHA-256 fingerprint of a client certificate",
    "user": "Name of the user",
    "namespace": "Namespace of the package whose code it is; left out: the admin's own code",
    "client_certificate": "Name of the certificate that is presented to the external system in TLS; left out: none",
    "algorithm": "Kind of the key; left out: that of the key that is there, or RSA-2048 where one is made",
    "private_key": "The key with its certificates (PEM, JWK, or PKCS #12 in base64), which is sealed and never shown; left out: "
    "the key that is there is kept, and where there is none, Callout makes one",
    "label": "Title for people",
    "description": "Text for people",
}


def manifest_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema for these protocols; `make docs` writes it to `docs/manifest.schema.json`."""
    sections = {section: _section(section) for section in SECTIONS.values()}
    external = sections["external_credentials"]["additionalProperties"]
    external["properties"]["protocol"]["enum"] = list(catalogue)
    external["allOf"] = [_condition(protocol) for protocol in catalogue.values()]
    provider = sections["external_auth_identity_providers"]["additionalProperties"]
    provider["properties"] = {**provider["properties"], **_of_provider(catalogue)}
    issuer = sections["trusted_issuers"]["additionalProperties"]
    issuer["properties"][SECRETS] = _secrets_of((CLIENT_SECRET,))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Callout manifest",
        "description": "Each definition is whole: fields left out have their defaults. Secrets left out are kept.",
        "type": "object",
        "properties": {"$schema": {"type": "string"}, **sections},
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }


def _section(section: str) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "propertyNames": _NAMES[section],
        "additionalProperties": _record(shape_of_section(section)),
    }


def _record(shape: RecordShape) -> dict[str, Any]:
    defaults = defaults_of(shape)
    properties = {}
    for name, declared in shape.fields.items():
        rendered = _shape(declared.shape, name) | _NARROWED.get(name, {})
        if shape.of is CustomHeader:
            rendered["pattern"] = HEADER_NAME if name == "name" else _HEADER_VALUE
        if shape.of is HeaderSign and name == "name":
            rendered["pattern"] = HEADER_NAME
        if shape.of is TrustedIssuer and name == "users":
            rendered["propertyNames"] = {"minLength": 1}  # here they are values of a claim
        if name in _TOLD:
            rendered["description"] = _TOLD[name]
        default = defaults.get(name)
        if isinstance(default, (bool, int, str)) and default != "":
            rendered["default"] = default
        if name in defaults and default is None:
            kinds = rendered["type"]
            rendered["type"] = kinds if isinstance(kinds, list) else [kinds, "null"]
        properties[name] = rendered
    required = [name for name, declared in shape.fields.items() if declared.required]
    kind: Any = "object" if required else ["object", "null"]
    return {
        "type": kind,
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _shape(shape: Shape, name: str) -> dict[str, Any]:
    match shape:
        case TextShape():
            return {"type": "string"}
        case BooleanShape():
            return {"type": "boolean"}
        case IntegerShape():
            return {"type": "integer"}
        case ChoiceShape(of):
            return {"type": "string", "enum": [choice.value for choice in of]}
        case TimeShape():
            return {"type": "string", "format": "date-time"}
        case EntryShape(record):
            return {"anyOf": [{"type": "string"}, _record(record)]}
        case ReferenceShape():
            return {"type": "string", "pattern": "^[^/]+/[^/]+$"}
        case SecretShape():
            return dict(_SECRET)
        case PrivateKeyShape():
            _, *others = _SECRET["oneOf"]
            return {"oneOf": [{"type": "string", "minLength": 1}, *others]}
        case GrantShape():
            return {"oneOf": [_shape(ReferenceShape(), name), _record(shape_of_narrowed_grant())]}
        case RecordShape():
            return _record(shape)
        case ListShape(item, _, single=True):
            one = _shape(item, name) | _OF_A_SIGN.get(name, {})
            several = {"type": ["array", "null"], "items": one, "uniqueItems": True, "maxItems": MOST_TEXTS}
            return {"anyOf": [one, several]}
        case ListShape(item):
            unique = {} if isinstance(item, RecordShape) else {"uniqueItems": True}
            return {"type": ["array", "null"], "items": _shape(item, name), **unique}
        case MapShape(item):
            return {
                "type": ["object", "null"],
                "propertyNames": _NAMES[name],
                "additionalProperties": _shape(item, name),
            }


def _condition(protocol: type[AuthenticationProtocol]) -> dict[str, Any]:
    """Say what the parameters, secrets and principals of one protocol are."""
    plain = {p.name: _parameter(p) for p in protocol.parameters if not p.secret and p.key is None}
    keyed = {p.name: p for p in protocol.parameters if p.key is not None}
    secret = {p.name: False for p in protocol.parameters if p.secret}
    parameters = {"properties": {**plain, **secret}, **_keyed(keyed.values(), _parameter)}
    principal: dict[str, Any] = {
        "type": {"enum": [kind.value for kind in protocol.principal_types]},
        "parameters": parameters,
        SECRETS: {
            "properties": {
                **{p.name: {"description": p.help} for p in protocol.parameters if p.secret},
                **dict.fromkeys(plain, False),
            },
            **_keyed(keyed.values(), lambda p: {"description": p.help}),
        },
    }
    then = {"parameters": parameters, "principals": {"additionalProperties": {"properties": principal}}}
    return {
        "if": {"properties": {"protocol": {"const": protocol.name}}, "required": ["protocol"]},
        "then": {"description": protocol.title, "properties": then},
    }


def _of_provider(catalogue: Catalogue) -> dict[str, Any]:
    """Say what the parameters and secrets of an external auth identity provider are."""
    known = parameters_of_providers(catalogue).values()
    plain = {p.name: _parameter(p) for p in known if p.key is None}
    keyed = _keyed([p for p in known if p.key is not None], _parameter)
    named = {"type": ["object", "null"], "additionalProperties": False}
    return {
        "parameters": {**named, "properties": plain, **keyed, "description": "Parameters of the OAuth protocols"},
        SECRETS: _secrets_of(CLIENT_SECRETS),
    }


def _secrets_of(names: Collection[str]) -> dict[str, Any]:
    """Say which secrets there are, where their names are fixed."""
    properties = {name: dict(_SECRET) for name in names}
    named = {"type": ["object", "null"], "additionalProperties": False}
    return {**named, "properties": properties, "description": _TOLD[SECRETS]}


def _keyed(parameters: Collection[Parameter], shape: Callable[[Parameter], dict[str, Any]]) -> dict[str, Any]:
    """Say what parameters with keys hold, whose names go on after a dot."""
    if not parameters:
        return {}
    return {"patternProperties": {rf"^{p.name}\.{p.key}$": shape(p) for p in parameters}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    rendered: dict[str, Any] = {"type": "string", "pattern": _ONE_LINE, "description": parameter.help}
    if parameter.choices:
        rendered["enum"] = list(parameter.choices)
    if parameter.default is not None:
        rendered["default"] = parameter.default
    if parameter.pointer:
        rendered["pattern"] = r"^(/([^~/]|~[01])*)+$"
    if parameter.url:
        rendered["pattern"] = r"^[hH][tT][tT][pP][sS]?://[^/?#\\@\s]+([/?][^#\\\s]*)?$"
    return rendered
