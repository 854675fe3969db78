"""The rows of the table that are about refresh rules."""

from __future__ import annotations

from callout.core.model.credentials import BodySign, HeaderSign, RefreshRule
from callout.engine import refresh_rules
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation


def _rule(asked: r.RefreshRule) -> RefreshRule:
    """Make the rule that was asked for; `core.rules` judges it."""
    header = body = None
    if asked.header or asked.contains or asked.matches:
        header = HeaderSign(asked.header, asked.contains, asked.matches)
    if asked.json_pointer or asked.equals or asked.soap_fault_code or asked.text:
        body = BodySign(asked.json_pointer, asked.equals, asked.soap_fault_code, asked.text)
    return RefreshRule(asked.statuses, header, body, asked.content_types)


REFRESH_RULES = (
    Operation(
        "external_credential.add_refresh_rule",
        "POST",
        "/external-credentials/{name}/refresh-rules",
        r.RefreshRule,
        "Make answers with a status and signs in header or body a sign of stale credentials",
        lambda u, q, c: refresh_rules.add_refresh_rule(u.setup, str(c), q.name, _rule(q)),
    ),
    Operation(
        "external_credential.remove_refresh_rule",
        "DELETE",
        "/external-credentials/{name}/refresh-rules/{number}",
        r.RefreshRuleNumber,
        "Take a refresh rule off, by its number",
        lambda u, q, c: refresh_rules.remove_refresh_rule(u.setup, str(c), q.name, q.number),
    ),
    Operation(
        "external_credential.set_refresh_debounce",
        "PUT",
        "/external-credentials/{name}/refresh-debounce",
        r.RefreshDebounce,
        "Set how long refresh rules stay quiet after a refresh that did not help",
        lambda u, q, c: refresh_rules.set_refresh_debounce(u.setup, str(c), q.name, q.seconds),
    ),
)
