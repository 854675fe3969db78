"""The rows of the table that are about certificates and keys of Callout's own."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.engine import credentials, own_certificates
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation

CERTIFICATES = (
    Operation(
        "certificate.list",
        "GET",
        "/certificates",
        r.Nothing,
        "List certificates and keys, their ends, and what uses them",
        lambda u, q, c: own_certificates.list_certificates(u.setup),
    ),
    Operation(
        "certificate.jwks",
        "GET",
        "/certificates/jwks",
        r.Nothing,
        "Show the public keys as a JWK Set, as they are published",
        lambda u, q, c: own_certificates.public_keys(u.setup),
    ),
    Operation(
        "certificate.show",
        "GET",
        "/certificates/{name}",
        r.Name,
        "Show a certificate, its public key and its chain",
        lambda u, q, c: own_certificates.show_certificate(u.setup, q.name),
    ),
    Operation(
        "certificate.create",
        "POST",
        "/certificates",
        r.NewCertificate,
        "Make a key and a certificate that it signs for itself",
        lambda u, q, c: own_certificates.create_certificate(
            u.setup, str(c), q.name, algorithm=q.algorithm, subject=q.subject, dns=q.dns, days=q.days, label=q.label
        ),
    ),
    Operation(
        "certificate.import",
        "POST",
        "/certificates/{name}/import",
        r.CertificateFile,
        "Take a key with its certificates from a file, or certificates for the key that is there",
        lambda u, q, c: own_certificates.import_certificate(
            u.setup, str(c), q.name, q.content, password=q.password, overlap=q.overlap, label=q.label
        ),
    ),
    Operation(
        "certificate.rotate",
        "POST",
        "/certificates/{name}/rotate",
        r.CertificateRotation,
        "Make another key in the place of one, which stays published for an overlap",
        lambda u, q, c: own_certificates.rotate_certificate(
            u.setup, str(c), q.name, algorithm=q.algorithm, days=q.days, overlap=q.overlap
        ),
    ),
    Operation(
        "certificate.request",
        "POST",
        "/certificates/{name}/request",
        r.CertificateRequest,
        "Write a request for a certificate that an authority issues",
        lambda u, q, c: own_certificates.request_certificate(u.setup, q.name, subject=q.subject, dns=q.dns),
    ),
    Operation(
        "certificate.remove",
        "DELETE",
        "/certificates/{name}",
        r.Name,
        "Remove a certificate that nothing uses, with its private key",
        lambda u, q, c: own_certificates.remove_certificate(u.setup, str(c), q.name),
    ),
    Operation(
        "named_credential.present",
        "PUT",
        "/named-credentials/{name}/client-certificate",
        r.PresentedCertificate,
        "Present a certificate to the external system of a named credential, or none",
        lambda u, q, c: credentials.present_certificate(u.setup, str(c), q.name, q.certificate),
    ),
)
