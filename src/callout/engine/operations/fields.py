"""What each field of a request means, and an example of it: for the OpenAPI document and the docs page.

A field is looked up for its operation (`key.create.expires`), then for what the operation is about (`key.expires`), then
by its name alone. One that nobody described yet is told by its own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callout.engine.operations.operation import Operation

_LIFE = "How long, such as 30m, 24h or 90d"
_TIME = "A time (ISO 8601), or how long ago, such as 1h or 7d"


@dataclass(frozen=True, slots=True)
class Told:
    """What a field means, and an example of a value; None: it is not in the example of a request."""

    meaning: str
    example: Any = None


FIELDS: dict[str, Told] = {
    "user.session": Told("The session that ends; null: all of the user"),
    "user.password": Told("The new password, of 12 characters or more", "a lantern for the river"),
    "user.current": Told("The present password: one's own takes it, where there is one"),
    "user.expires": Told(f"{_LIFE}; or a time (ISO 8601)", "7d"),
    "active": Told("Whether the user may prove who they are", example=True),
    "admin_permissions": Told("Admin permissions: view_setup, manage_named_credentials, customize_application, …"),
    "after": Told("The row after which a page begins: `after` of the page before"),
    "against": Told("A head of the audit trail that was kept elsewhere: SEQ:HASH"),
    "algorithm": Told("What the key is for: P-256, P-384, Ed25519, RSA-2048 …", "P-256"),
    "allow_private_network": Told("Whether the host may be on loopback or in a private network"),
    "assign": Told("Users who get it at once", ["alice"]),
    "before": Told(_TIME, "400d"),
    "callout_id": Told("The id that every answer bears in Callout-Id", "019a2b3c4d5e6f0000011a2b3c"),
    "certificate": Told("A certificate of Callout's own; null: none", "Orders_Client"),
    "contains": Told("Texts of which the header holds one"),
    "content": Told("What the file holds: PEM or JWK as it is, PKCS #12 in base64", "-----BEGIN PRIVATE KEY-----…"),
    "content_types": Told("Media types of answers whose body is read; none: those that are usual"),
    "credentials": Told("What becomes of the credentials that the package made", "disable"),
    "cursor": Told("Only what was recorded after the list that this cursor came with"),
    "current": Told("The password that holds now; an admin who sets another's leaves it out"),
    "body": Told("The body, as text"),
    "body_base64": Told("The body, where it is no text"),
    "arguments": Told("What the operation would be given", {"name": "Orders"}),
    "command": Told("Instead of an operation: the command of a remedy, as it is printed"),
    "days": Told("How many days the certificate is good"),
    "definition": Told("The definition, as a manifest has it under its name"),
    "named_credential.definition": Told(
        "The definition, as a manifest has it under its name",
        {"url": "https://orders.example.com", "external_credential": "Orders"},
    ),
    "external_credential.definition": Told(
        "The definition, as a manifest has it under its name", {"protocol": "basic"}
    ),
    "dns": Told("DNS names of the certificate", ["orders.example.com"]),
    "client_certificate.dns": Told("The DNS name that the certificate is known by"),
    "dry_run": Told("Show what would change, and change nothing", example=True),
    "email": Told("An address, for formulas and for people"),
    "equals": Told("Values of which the member is one"),
    "expires": Told(f"{_LIFE}; or a time (ISO 8601); null: never", "90d"),
    "connection.expires": Told(f"{_LIFE}; at most 14d", "1h"),
    "expects": Told("The `version` that was shown; where it is another by now, it is refused. 0: the name is free"),
    "external_credential": Told("The external credential", "Orders"),
    "format": Told("How a row is written", "jsonl"),
    "handle": Told("The handle that the device code came with"),
    "header": Told("The name of the header that is looked at"),
    "headers": Told("Custom headers; their values may hold formulas"),
    "id": Told("The digest of what is asked", "0123456789abcdef0123456789abcdef"),
    "preset.id": Told("The preset", "stripe"),
    "inputs": Told("What the preset asks for, by name"),
    "invited": Told("Whether it is sent to somebody else, who proves first who they are"),
    "json_pointer": Told("The member of a JSON body that is looked at (RFC 6901)"),
    "kind": Told("human, service, guest or background"),
    "label": Told("A name for people to read"),
    "limit": Told("How many at most", 20),
    "manifest": Told(
        "A manifest in YAML or JSON",
        "named_credentials: {Orders: {url: https://orders.example.com, external_credential: Orders}}",
    ),
    "matches": Told("Patterns of which the whole header fits one"),
    "may_act_for": Told("Users, or `profile:NAME`, on whose behalf callouts may be made"),
    "method": Told("An HTTP method", "GET"),
    "methods": Told("The HTTP methods that the grant is narrowed to; none: any", ["GET"]),
    "name": Told("The name of what is meant", "Orders"),
    "user.name": Told("The user", "alice"),
    "permission_set.name": Told("The permission set", "Order Clerks"),
    "permission_set_group.name": Told("The permission set group", "Staff"),
    "profile.name": Told("The profile", "Contractors"),
    "certificate.name": Told("The certificate", "Orders_Client"),
    "client_certificate.name": Told("The mapping", "orders"),
    "identity_provider.name": Told("The external auth identity provider", "Contoso"),
    "trusted_issuer.name": Told("The trusted issuer", "Example Identity"),
    "external_credential.name": Told("The external credential", "Orders"),
    "named_credential.name": Told("The named credential", "Orders"),
    "named_credentials": Told("The named credentials that the key is limited to; none: it is not limited", ["Orders"]),
    "names": Told("The values that are meant; left out: all", ["client_secret"]),
    "namespace": Told("The package, by its namespace", "acme"),
    "plan.namespace": Told("Read the manifest as the code of this package would hand it in"),
    "apply.namespace": Told("Read the manifest as the code of this package would hand it in"),
    "key.namespace": Told("The package whose code uses the key; left out: the admin's own"),
    "diagnose.namespace": Told("The package whose code would call; left out: the admin's own"),
    "can.namespace": Told("The package whose code would call; left out: the admin's own"),
    "client_certificate.namespace": Told("The package whose code presents it; empty: the admin's own"),
    "namespaces": Told("Other packages that are let in beside"),
    "number": Told("The number of the rule, from 1", 1),
    "on_behalf_of": Told("The user on whose behalf the callout would be made"),
    "operation": Told("The operation that is previewed", "named_credential.disable"),
    "overlap": Told(f"{_LIFE}: as long the one before holds beside it", "24h"),
    "parameters": Told("What the protocol is told, by name"),
    "password": Told("The password of the file"),
    "path": Told("A pattern of paths: `*` within a segment, `**` for any segments", "/items/**"),
    "callout.send.name": Told("The named credential", "Orders"),
    "callout.send.path": Told("The path of the callout", "/items"),
    "callout.send.headers": Told("The headers of the callout, each a pair of name and value"),
    "diagnose.path": Told("The path and query of the callout", "/items"),
    "paths": Told("Patterns of paths that the grant is narrowed to; none: any"),
    "permission_set": Told("The permission set", "Order Clerks"),
    "permission_sets": Told("Permission sets", ["Order Clerks"]),
    "permission_set_groups": Told("Permission set groups; left out: as they are"),
    "prefix": Told("The visible start of the key", "co_1a2B3c4D"),
    "preset": Told("The preset that it is made from", "stripe"),
    "principal": Told("The principal of the external credential", "Service"),
    "principal_type": Told("Whose identity it is at the external system"),
    "principals": Told("Principals, each as EXTERNAL_CREDENTIAL/PRINCIPAL", ["Orders/Service"]),
    "profile": Told("The profile of the user", "Standard User"),
    "protocol": Told("The authentication protocol, by its stable name"),
    "prune": Told("Whether what the manifest leaves out is removed"),
    "purpose": Told("What the assignment is for", "incident 7"),
    "query": Told("The query of the callout"),
    "reason": Told("Only those with this reason code"),
    "references": Told("The values of the manifest's {env: …} and {file: …}, by `env:NAME` and `file:PATH`"),
    "scope": Told("The scope that is asked for at the authorization server"),
    "seconds": Told("How many seconds; null: as the server is set up", 60),
    "secrets": Told("Values to seal, by name", {"ApiKey": "sk_…"}),
    "package.secrets": Told("What becomes of their sealed values", "keep"),
    "session": Told("The session that ends; left out: all of them"),
    "sha256": Told("The SHA-256 fingerprint that the certificate is known by, in hexadecimal digits"),
    "since": Told(f"Only what is newer. {_TIME}", "7d"),
    "soap_fault_code": Told("SOAP fault codes of which the body has one", ["INVALID_SESSION_ID"]),
    "source": Told("What the manifest is called where a problem names its place"),
    "spiffe_id": Told("The SPIFFE ID that the certificate is known by", "spiffe://example.org/ns/prod/sa/orders"),
    "status": Told("A status of 400 to 499 or 600 to 999", 403),
    "statuses": Told("Statuses of the answers that the rule is about", [500]),
    "subject": Told("A distinguished name", "CN=orders,O=Example"),
    "client_certificate.subject": Told("The distinguished name that the certificate is known by"),
    "text": Told("Texts of which the body holds one"),
    "timeout": Told("How many seconds the external system may take"),
    "through": Told("The last row of the export: `through` of the page before"),
    "until": Told(f"{_LIFE}; or a time (ISO 8601); left out: without an end", "2h"),
    "audit.until": Told(f"Only what is older. {_TIME}"),
    "url": Told("Where the external system is", "https://api.example.com"),
    "user": Told("The user", "alice"),
    "secret.user": Told("The user whose values they are, of a per-user principal"),
    "token.user": Told("The user whose token it is, of a per-user principal"),
    "connection.user": Told("The user who connects a per-user principal; left out: the caller"),
    "callout.log.user": Told("Only those of this user"),
    "troubleshoot.user": Told("Only those of this user"),
    "callout.log.name": Told("Only those by this name"),
    "troubleshoot.name": Told("Only those by this name"),
    "user_external_credential": Told("Object permissions on User External Credential: read, create, edit, …", ["read"]),
    "users": Told("Users who get the grant", ["alice"]),
    "values": Told("Values to seal, by name", {"client_id": "abc", "client_secret": "…"}),
    "version": Told("The version of the package", "2.0"),
    "who": Told("Only what this user did"),
    "words": Told("Words to find; none: everything", "payments"),
}


def told_of(operation: Operation, field: str) -> Told:
    """Return what a field of an operation means."""
    noun = operation.name.partition(".")[0]
    for key in (f"{operation.name}.{field}", f"{noun}.{field}", field):
        if key in FIELDS:
            return FIELDS[key]
    words = field.replace("_", " ")
    return Told(f"{words[:1].upper()}{words[1:]}")
