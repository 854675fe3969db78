"""The rows of the table that concern packages, and what they ask to reach."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.engine import approvals, packages
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation
from callout.engine.showing import with_definition

PACKAGES = (
    Operation(
        "package.list", "GET", "/packages", r.Nothing, "List packages", lambda u, q, c: packages.list_packages(u.setup)
    ),
    Operation(
        "package.show",
        "GET",
        "/packages/{namespace}",
        r.Namespace,
        "Show a package: what it asked for, and what was overridden here",
        lambda u, q, c: with_definition(
            u.setup, "packages", q.namespace, lambda s: packages.show_package(s, q.namespace)
        ),
    ),
    Operation(
        "package.install",
        "PUT",
        "/packages/{namespace}",
        r.PackageDefinition,
        "Install a package; what its manifest asks for waits for approval",
        lambda u, q, c: packages.install_package(
            u.setup, str(c), q.namespace, label=q.label, version=q.version, manifest=q.manifest, source=q.source
        ),
    ),
    Operation(
        "package.upgrade",
        "POST",
        "/packages/{namespace}/upgrade",
        r.PackageUpgrade,
        "Upgrade a package: secrets, overrides and approvals of what stays the same are kept",
        lambda u, q, c: packages.upgrade_package(
            u.setup, str(c), q.namespace, q.manifest, q.source, label=q.label, version=q.version
        ),
    ),
    Operation(
        "package.remove",
        "DELETE",
        "/packages/{namespace}",
        r.PackageRemoval,
        "Remove a package with its keys, and say what becomes of what it made",
        lambda u, q, c: packages.remove_package(
            u.setup, str(c), q.namespace, credentials=q.credentials, secrets=q.secrets
        ),
    ),
    Operation(
        "approvals.list",
        "GET",
        "/approvals",
        r.Nothing,
        "List what packages ask to reach and wait for",
        lambda u, q, c: approvals.list_requests(u.setup),
    ),
    Operation(
        "approvals.show",
        "GET",
        "/approvals/{id}",
        r.RequestId,
        "Show what a package asks, and what approving it would change",
        lambda u, q, c: approvals.show_request(u.setup, q.id),
    ),
    Operation(
        "approvals.approve",
        "POST",
        "/approvals/{id}/approve",
        r.Approval,
        "Enable the endpoint, allow the package and make the grant, together",
        lambda u, q, c: approvals.approve(
            u.setup,
            str(c),
            q.id,
            approvals.Choice(q.namespaces, q.permission_set, q.users, q.principal),
            dry_run=q.dry_run,
        ),
    ),
    Operation(
        "approvals.reject",
        "POST",
        "/approvals/{id}/reject",
        r.RequestId,
        "Reject what a package asks, until it asks something else",
        lambda u, q, c: approvals.reject(u.setup, str(c), q.id),
    ),
)
