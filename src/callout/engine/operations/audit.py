"""Operations on the audit trail."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation

AUDIT: tuple[Operation, ...] = (
    Operation(
        "audit.list",
        "GET",
        "/audit/acts",
        r.ActsWanted,
        "List what admins did, newest first",
        lambda u, q, c: u.audit.acts(q.limit, q.who, q.since),
    ),
    Operation(
        "audit.export",
        "GET",
        "/audit/export",
        r.ExportPage,
        "Write a page of the audit trail as JSON Lines, CEF or OCSF",
        lambda u, q, c: u.audit.export(q.format, q.since, q.until, q.after, q.through),
    ),
    Operation(
        "audit.head",
        "GET",
        "/audit/head",
        r.Nothing,
        "Tell the head of the audit trail's hash chain, to be kept elsewhere",
        lambda u, q, c: u.audit.head(),
    ),
    Operation(
        "audit.verify",
        "GET",
        "/audit/verify",
        r.KeptHead,
        "Verify the hash chain of the audit trail",
        lambda u, q, c: u.audit.verify(q.against),
    ),
    Operation(
        "audit.prune",
        "POST",
        "/audit/prune",
        r.Before,
        "Remove what the audit trail has from before a time, and leave a checkpoint",
        lambda u, q, c: u.audit.prune(str(c), q.before, dry_run=q.dry_run),
    ),
)
