"""May this request be made? Method and path against the rules of the named credential and of the caller's grants.

The named credential's rules hold for everybody. Grants of one principal add up: one that allows both method and path
is enough, and one that is not narrowed allows every request. A request is judged on the path that will be sent after
the named credential's URL, without its query; `target` has refused before what has no one meaning.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from callout.core.access.decide import Decision
from callout.core.access.pattern import Ambiguous, PathPattern, Reading, allowed_by, pattern_for, readings_of
from callout.core.access.sources import granting
from callout.core.explanation import Remedy, Step
from callout.core.model.credentials import PrincipalReference
from callout.core.model.org import Org

#: Headers by which some servers take another method than the request's. Where methods are restricted, both are judged.
METHOD_OVERRIDES = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})
#: Query parameters of the same kind, and the values that are taken for a method there.
_METHOD_PARAMETERS = frozenset({"_method", "_httpmethod", "$httpmethod", *(n.decode() for n in METHOD_OVERRIDES)})
_METHODS = frozenset(
    [
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "MERGE",
        "COPY",
        "MOVE",
        "LINK",
        "UNLINK",
        "PURGE",
    ]
)
METHOD_REASON, PATH_REASON = "method_not_allowed_here", "path_not_allowed"
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Rule:
    """Methods and paths that are allowed; where one is empty, any will do."""

    methods: frozenset[str]
    patterns: tuple[PathPattern, ...]

    @classmethod
    def of(cls, methods: Sequence[str], paths: Sequence[str]) -> Rule:
        """Compile a rule whose patterns were accepted."""
        return cls(frozenset(methods), tuple(PathPattern.of(path) for path in sorted(paths)))

    @property
    def restricts(self) -> bool:
        """True where not every request is allowed."""
        return bool(self.methods or self.patterns)

    def allows_methods(self, methods: Sequence[str]) -> bool:
        """Say whether each of these methods is allowed."""
        return not self.methods or self.methods.issuperset(methods)

    @property
    def methods_worded(self) -> str:
        """The methods, for people."""
        return ", ".join(sorted(self.methods)) or "any method"

    @property
    def paths_worded(self) -> str:
        """The paths, for people; not more than a reader reads."""
        texts = [pattern.text for pattern in self.patterns]
        more = f" and {len(texts) - _MOST_SHOWN} more" if len(texts) > _MOST_SHOWN else ""
        return ", ".join(texts[:_MOST_SHOWN]) + more or "any path"

    def __str__(self) -> str:
        return f"{self.methods_worded} on {self.paths_worded}"


@dataclass(frozen=True, slots=True)
class NarrowedGrant:
    """A grant that does not allow every request, and where it is written: `profile` or `permission set`, and name."""

    kind: str
    name: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class RequestRules:
    """What a request of one caller by one name is judged against. No grants: one of them is not narrowed."""

    named_credential: str
    principal: PrincipalReference
    own: Rule
    grants: tuple[NarrowedGrant, ...] = ()

    @property
    def restrict_methods(self) -> bool:
        """True where a method may be refused."""
        return bool(self.own.methods) or any(grant.rule.methods for grant in self.grants)

    def worded(self) -> list[str]:
        """Say each rule, for people."""
        own = [f"{self.named_credential} allows {self.own}"] if self.own.restricts else []
        return own + [f"{grant} allows {grant.rule}" for grant in self.grants]


def rules_of(org: Org, decision: Decision, now: datetime) -> RequestRules | None:
    """Return the rules for the requests of an allowed decision, or None where every request is allowed.

    They are those of the grants that hold now, of the user whose grants count.
    """
    named, external, principal, caller = (
        decision.named_credential,
        decision.external_credential,
        decision.principal,
        decision.caller,
    )
    if named is None or external is None or principal is None or caller is None:
        msg = "only an allowed decision has rules for its requests"
        raise ValueError(msg)
    own = Rule.of(named.allowed_methods, named.allowed_paths)
    reference = PrincipalReference(external.name, principal.name)
    grants: list[NarrowedGrant] = []
    for source in granting(org, caller.acting_user, now):
        same = (grant for grant in sorted(source.principals) if grant.names_same(reference))
        grants += (NarrowedGrant(source.kind, source.name, Rule.of(grant.methods, grant.paths)) for grant in same)
    if not grants:  # judged at another time than it was decided
        msg = "an allowed decision has a grant of its principal"
        raise ValueError(msg)
    narrowed = tuple(grants) if all(grant.rule.restricts for grant in grants) else ()
    return RequestRules(named.name, reference, own, narrowed) if own.restricts or narrowed else None


def judge_request(rules: RequestRules, method: str, path: bytes, overriding: Sequence[str] = ()) -> tuple[Step, ...]:
    """Judge one request; `path` is what is sent after the named credential's URL, without the query.

    `overriding` are methods that its headers name beside its own: each has to be allowed. The steps are `method` and
    `path`.
    """
    methods = tuple(dict.fromkeys((method, *overriding)))
    allowing = tuple(grant for grant in rules.grants if grant.rule.allows_methods(methods))
    try:
        readings: tuple[Reading, ...] = readings_of(path) if _restrict_paths(rules) else ()
    except Ambiguous as found:
        detail = f"got {found} in path {_shown(path)}; expected a path that can be read in one way only"
        refused = Step("path", False, detail, PATH_REASON, (Remedy("Send the path in its plain form"),))
        return _method_step(rules, methods, allowing, None), refused
    return _method_step(rules, methods, allowing, path), _path_step(rules, methods, allowing, path, readings)


def methods_in_query(query: bytes) -> tuple[str, ...]:
    """Return the methods that a query names beside the request's own, as `?_HttpMethod=PATCH` does at Salesforce."""
    if b"ethod" not in query.lower() and b"%" not in query:
        return ()
    text = query.decode("latin-1").replace(";", "&")
    named = (pair.partition("=") for pair in text.split("&"))
    found = (unquote_plus(v).strip().upper() for n, _, v in named if unquote_plus(n).lower() in _METHOD_PARAMETERS)
    return tuple(method for method in found if method in _METHODS)


def _restrict_paths(rules: RequestRules) -> bool:
    return bool(rules.own.patterns) or any(grant.rule.patterns for grant in rules.grants)


def _method_step(
    rules: RequestRules, methods: tuple[str, ...], allowing: tuple[NarrowedGrant, ...], path: bytes | None
) -> Step:
    shown = " and ".join(methods)
    own = rules.own.allows_methods(methods)
    if own and (allowing or not rules.grants):
        return Step("method", held=True, detail=f"{shown} is allowed on {rules.named_credential}")
    remedies: list[Remedy] = []
    expected: list[str] = []
    if not own:
        expected.append(f"{rules.own.methods_worded}, which {rules.named_credential} allows")
        name = shlex.quote(rules.named_credential)
        remedies += [
            Remedy(f"Allow {wanted} on {name}", f"callout named-credential allow-method {name} {wanted}")
            for wanted in methods
            if wanted not in rules.own.methods
        ]
    if rules.grants and not allowing:
        granted = "; ".join(f"{grant} allows {grant.rule.methods_worded}" for grant in rules.grants)
        expected.append(f"a method that a grant of {rules.principal} allows ({granted})")
        remedies.append(_grant_remedy(rules, rules.grants[0], methods, path))
    detail = f"got method {shown}; expected {' and '.join(expected)}"
    return Step("method", held=False, detail=detail, reason=METHOD_REASON, remedies=tuple(remedies))


def _path_step(
    rules: RequestRules,
    methods: tuple[str, ...],
    allowing: tuple[NarrowedGrant, ...],
    path: bytes,
    readings: tuple[Reading, ...],
) -> Step:
    own = allowed_by(rules.own.patterns, readings)
    granted = not allowing or any(allowed_by(grant.rule.patterns, readings) for grant in allowing)
    if own and granted:
        return Step("path", held=True, detail=f"{_shown(path)} is allowed on {rules.named_credential}")
    remedies: list[Remedy] = []
    expected: list[str] = []
    if not own:
        expected.append(f"one that {rules.named_credential} allows: {rules.own.paths_worded}")
        name, pattern = shlex.quote(rules.named_credential), shlex.quote(pattern_for(path))
        remedies.append(Remedy(f"Allow the path on {name}", f"callout named-credential allow-path {name} {pattern}"))
    if not granted:
        patterns = "; ".join(f"{grant} allows {grant.rule.paths_worded}" for grant in allowing)
        expected.append(f"one that a grant of {rules.principal} allows ({patterns})")
        remedies.append(_grant_remedy(rules, allowing[0], methods, path))
    detail = f"got path {_shown(path)}; expected {' and '.join(expected)}"
    return Step("path", held=False, detail=detail, reason=PATH_REASON, remedies=tuple(remedies))


def _grant_remedy(rules: RequestRules, grant: NarrowedGrant, methods: tuple[str, ...], path: bytes | None) -> Remedy:
    """Name the command that adds a grant for this request, narrowed in what this one is narrowed in."""
    words = ["callout", grant.kind.replace(" ", "-"), "grant", grant.name, "--principal", str(rules.principal)]
    if grant.rule.methods:
        words += [word for method in methods for word in ("--method", method)]
    if grant.rule.patterns:
        paths = [pattern.text for pattern in grant.rule.patterns] if path is None else [pattern_for(path)]
        words += [word for text in paths for word in ("--path", text)]
    text = f"Add a grant of {rules.principal} for this request to {grant}"
    return Remedy(text, shlex.join(words))


def _shown(path: bytes) -> str:
    return repr((path or b"/")[:200].decode("latin-1"))
