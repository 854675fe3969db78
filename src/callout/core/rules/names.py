"""Names of definitions: what they may look like, and which known one a wrong one is nearest to.

A name that stands in an address (`callout:Orders`) is a developer name; one that people read may have spaces.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

#: A developer name: ASCII letters, digits and single underscores; `ns__` may stand before it.
DEVELOPER_NAME = r"^(?:[A-Za-z](?:_?[A-Za-z0-9]){0,14}__)?[A-Za-z](?:_?[A-Za-z0-9])*$"
#: A namespace: 1 to 15 letters, digits and single underscores.
NAMESPACE = r"^[A-Za-z](?:_?[A-Za-z0-9]){0,14}$"
LONGEST_NAME = 80
LONGEST_NAMESPACE = 15
LONGEST_USER_NAME = 255

DEVELOPER_NAME_RULE = (
    "letters, digits and single underscores, a letter first, no underscore last; `namespace__` may stand before it"
)
NAMESPACE_RULE = f"1 to {LONGEST_NAMESPACE} letters, digits and single underscores, a letter first, no underscore last"
READABLE_NAME_RULE = "printable text without '/' or '@', no space at its ends, no '-' first"
USER_NAME_RULE = f"1 to {LONGEST_USER_NAME} printable characters, no space, no '/', no '-' first"

_DEVELOPER_NAME = re.compile(DEVELOPER_NAME)
_NAMESPACE = re.compile(NAMESPACE)


def developer_name_rule(name: str) -> str | None:
    """Return the rule that a name of a named or external credential breaks, or None."""
    if _DEVELOPER_NAME.fullmatch(name) is None:
        return DEVELOPER_NAME_RULE
    return _length_rule(name)


def namespace_rule(name: str) -> str | None:
    """Return the rule that a package's namespace breaks, or None."""
    fits = _NAMESPACE.fullmatch(name) is not None and len(name) <= LONGEST_NAMESPACE
    return None if fits else NAMESPACE_RULE


def readable_name_rule(name: str) -> str | None:
    """Return the rule that the name of a principal, permission set, group or profile breaks, or None."""
    plain = name.isprintable() and name == name.strip() and not name.startswith("-")
    if not name or not plain or "/" in name or "@" in name:
        return READABLE_NAME_RULE
    return _length_rule(name)


def user_name_rule(name: str) -> str | None:
    """Return the rule that a user's name breaks, or None. Addresses such as `alice@example.com` are names."""
    plain = name.isprintable() and " " not in name and "/" not in name and not name.startswith("-")
    return None if plain and 0 < len(name) <= LONGEST_USER_NAME else USER_NAME_RULE


def namespace_of(name: str) -> str | None:
    """Return the namespace that stands before `__` in a developer name, or None."""
    before, mark, _ = name.partition("__")
    return before if mark else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a wrong one most likely means, or None. Case alone is the smallest difference."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def _length_rule(name: str) -> str | None:
    return None if len(name) <= LONGEST_NAME else f"at most {LONGEST_NAME} characters"
