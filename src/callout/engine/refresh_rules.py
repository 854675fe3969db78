"""The refresh rules of an external credential as an admin looks at them, adds them and takes them off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from callout.core.model.credentials import ExternalCredential, RefreshRule
from callout.core.model.org import Org
from callout.core.refresh.rules import worded
from callout.engine.setup import Edit, Result, Setup, found, put

_EXTERNAL = ("external_credentials", "an external credential")


def shown_rules(external: ExternalCredential) -> list[Result]:
    """Return the refresh rules as JSON members, each with its number and its words."""
    return [
        {
            "number": number,
            "rule": worded(rule),
            "statuses": list(rule.statuses),
            "header": _shown(rule.header, "name", "contains", "matches"),
            "body": _shown(rule.body, "json_pointer", "equals", "soap_fault_code", "text"),
            "content_types": list(rule.content_types),
        }
        for number, rule in enumerate(external.refresh_rules, 1)
    ]


def _shown(sign: object, *names: str) -> Result | None:
    if sign is None:
        return None
    values: dict[str, Any] = {name: getattr(sign, name) for name in names}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v}


async def add_refresh_rule(setup: Setup, who: str, name: str, rule: RefreshRule) -> Result:
    """Make an answer that a rule describes a sign of stale credentials: it makes Callout refresh the token."""

    def edit(org: Org) -> Edit:
        external = found(org.external_credentials, name, *_EXTERNAL)
        rules = tuple(dict.fromkeys((*external.refresh_rules, rule)))
        return Edit(put(replace(external, refresh_rules=rules)), "add refresh rule", f"{worded(rule)} on {name}")

    org, moved = await setup.write(who, edit)
    message = f"An answer of {worded(rule)} is a sign of stale credentials of {name} now"
    return _result(org, name, moved=moved, message=message)


async def remove_refresh_rule(setup: Setup, who: str, name: str, number: int) -> Result:
    """Take a refresh rule off, by its number."""
    taken: list[RefreshRule] = []

    def edit(org: Org) -> Edit:
        external = found(org.external_credentials, name, *_EXTERNAL)
        numbered = {str(n): rule for n, rule in enumerate(external.refresh_rules, 1)}
        rule = found(numbered, str(number), f"{_EXTERNAL[0]}.{name}.refresh_rules", "the number of a refresh rule")
        taken[:] = [rule]
        left = tuple(r for n, r in numbered.items() if n != str(number))
        return Edit(put(replace(external, refresh_rules=left)), "remove refresh rule", f"{worded(rule)} on {name}")

    org, moved = await setup.write(who, edit)
    message = f"An answer of {worded(taken[0])} is no sign of stale credentials of {name} any more by this rule"
    return _result(org, name, moved=moved, message=message)


async def set_refresh_debounce(setup: Setup, who: str, name: str, seconds: int | None) -> Result:
    """Set how long refresh rules stay quiet after a refresh that did not help; None: as the server is set up."""

    def edit(org: Org) -> Edit:
        external = found(org.external_credentials, name, *_EXTERNAL)
        said = "as the server is set up" if seconds is None else f"{seconds} s"
        return Edit(put(replace(external, refresh_debounce=seconds)), "set refresh debounce", f"{said} on {name}")

    org, moved = await setup.write(who, edit)
    quiet = "as long as the server is set up" if seconds is None else f"{seconds} seconds"
    message = f"After a refresh of {name} that did not help, refresh rules other than status 401 stay quiet for {quiet}"
    return _result(org, name, moved=moved, message=message)


def _result(org: Org, name: str, *, moved: bool, message: str) -> Result:
    external = org.external_credentials[name]
    return {
        "name": name,
        "refresh_rules": shown_rules(external),
        "refresh_debounce": external.refresh_debounce,
        "changed": moved,
        "message": message,
    }
