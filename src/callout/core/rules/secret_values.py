"""Secret values, judged before they are sealed. A refusal names the rule and never the value."""

from __future__ import annotations

import re

from callout.core.protocol import Parameter

#: Longest value accepted, in UTF-8 bytes: keys and certificates are far shorter.
LONGEST_SECRET = 64 * 1024

_SEPARATORS = {"\r": "carriage return (CR)", "\n": "line feed (LF)", "\0": "NUL"}


def refusal_of_secret(value: str, declared: Parameter | None = None) -> tuple[str, str] | None:
    """Return what is wrong with a value (got, expected), or None. CR, LF and NUL would break out of a header.

    Where its parameter is `declared` with a pattern, the value has that form.
    """
    if not value:
        return "an empty value", "a value of at least one character"
    for character, name in _SEPARATORS.items():
        if character in value:
            return f"a value that holds a {name}", "one line: no CR, LF or NUL, which would break out of a header"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "a value that is not valid Unicode text", "text"
    if size > LONGEST_SECRET:
        return f"a value of {size} bytes", f"at most {LONGEST_SECRET} bytes"
    if declared is not None and declared.pattern is not None and re.fullmatch(declared.pattern, value) is None:
        return "a value of another form", declared.help
    return None
