"""Rows of the table about who a caller is: limits and rotation of keys, acting for others, trusted issuers, certificates."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.core.model.certificates import ClientCertificate
from callout.engine import acting, certificate_mappings, keys
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation

IDENTITY = (
    Operation(
        "key.rotate",
        "POST",
        "/keys/{prefix}/rotate",
        r.KeyRotation,
        "Make a new key in the place of one, which ends after an overlap",
        lambda u, q, c: keys.rotate_key(u.setup, str(c), q.prefix, overlap=q.overlap, expires=q.expires),
    ),
    Operation(
        "key.limit",
        "PUT",
        "/keys/{prefix}/named-credentials",
        r.KeyLimit,
        "Limit a key to named credentials, or to none: then it is not limited",
        lambda u, q, c: keys.limit_key(u.setup, str(c), q.prefix, q.named_credentials),
    ),
    Operation(
        "permission_set.let_act_for",
        "PUT",
        "/permission-sets/{name}/acting-for/{user}",
        r.Assignment,
        "Let a permission set make callouts on behalf of a user, or of the users of profile:NAME",
        lambda u, q, c: acting.let_act_for(u.setup, str(c), q.name, q.user),
    ),
    Operation(
        "permission_set.stop_acting_for",
        "DELETE",
        "/permission-sets/{name}/acting-for/{user}",
        r.Assignment,
        "Take back that a permission set lets callouts be made on behalf of a user or profile",
        lambda u, q, c: acting.stop_acting_for(u.setup, str(c), q.name, q.user),
    ),
    Operation(
        "trusted_issuer.list",
        "GET",
        "/trusted-issuers",
        r.Nothing,
        "List the issuers whose tokens prove a caller",
        lambda u, q, c: acting.list_trusted_issuers(u.setup),
    ),
    Operation(
        "trusted_issuer.remove",
        "DELETE",
        "/trusted-issuers/{name}",
        r.Name,
        "Trust an issuer no longer",
        lambda u, q, c: acting.remove_trusted_issuer(u.setup, str(c), q.name),
    ),
    Operation(
        "client_certificate.list",
        "GET",
        "/client-certificates",
        r.Nothing,
        "List which client certificates are mapped to whom",
        lambda u, q, c: certificate_mappings.list_client_certificates(u.setup),
    ),
    Operation(
        "client_certificate.trust",
        "PUT",
        "/client-certificates/{name}",
        r.CertificateMapping,
        "Map a client certificate to a user, by its SPIFFE ID, DNS name, subject or fingerprint",
        lambda u, q, c: certificate_mappings.trust_client_certificate(
            u.setup, str(c), ClientCertificate(**{name: getattr(q, name) for name in q.__struct_fields__})
        ),
    ),
    Operation(
        "client_certificate.forget",
        "DELETE",
        "/client-certificates/{name}",
        r.Name,
        "Forget a mapping: its certificates prove nothing from now on",
        lambda u, q, c: certificate_mappings.forget_client_certificate(u.setup, str(c), q.name),
    ),
)
