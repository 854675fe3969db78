"""Finds the codes of a SOAP fault in the beginning of an XML text, as it comes.

SOAP 1.1 (section 4.4): `Envelope/Body/Fault/faultcode`. SOAP 1.2 (part 1, section 5.4): `…/Fault/Code/Value`, and the
`Subcode`s within. Codes are qualified names; they are compared by their local part, as prefixes are the sender's
choice. A document type declaration, which SOAP forbids (1.2 part 1, section 5), ends the reading before anything of
it is looked at: no entity is declared or expanded, and nothing is fetched.
"""

from __future__ import annotations

from xml.parsers import expat

_FAULT = ("Envelope", "Body", "Fault")
_HEADER = ["Envelope", "Header"]
#: With the end of one of these there is no (other) fault.
_ENDS = (["Envelope"], ["Envelope", "Body"], ["Envelope", "Body", "Fault"])
_SEPARATOR = "}"
#: Longest code that is read, in characters.
_LONGEST = 256


class _Refused(Exception):
    """The text has a document type declaration."""


class FaultScan:
    """Looks for one of some fault codes. `found` is None until that is decided."""

    __slots__ = ("_code", "_codes", "_parser", "_path", "found")

    def __init__(self, codes: frozenset[str]) -> None:
        self._codes = codes
        self._path: list[str] = []
        self._code: list[str] | None = None
        self.found: bool | None = None
        self._parser = parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)  # otherwise how the text came in pieces would matter
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._read

    def feed(self, text: bytes) -> None:
        """Take more of the text."""
        if self.found is not None:
            return
        try:
            self._parser.Parse(text, False)
        except (expat.ExpatError, ValueError, LookupError, _Refused):
            self._decide(bool(self.found))

    def end(self) -> None:
        """The text ended, or no more of it is looked at."""
        self.found = bool(self.found)

    def _decide(self, found: bool) -> None:
        """What is left of the text is not looked at."""
        self.found = found
        self._parser.StartElementHandler = self._parser.EndElementHandler = self._parser.CharacterDataHandler = None

    def _refuse(self, *_declared: object) -> None:
        raise _Refused

    def _started(self, name: str, _attributes: object) -> None:
        self._path.append(name.rpartition(_SEPARATOR)[2])
        if self._path[:2] == _HEADER:
            return
        depth = len(self._path)
        if depth <= len(_FAULT) and self._path[-1] != _FAULT[depth - 1]:
            self._decide(found=False)  # no envelope, or an answer instead of a fault
        elif _is_code(self._path[len(_FAULT) :]):
            self._code = []

    def _read(self, text: str) -> None:
        if self._code is not None and len(self._code) < _LONGEST:
            self._code.append(text[:_LONGEST])

    def _ended(self, _name: str) -> None:
        if self._code is not None:
            code, self._code = "".join(self._code).strip(), None
            if code.rpartition(":")[2] in self._codes:
                self._decide(found=True)
                return
        if self._path in _ENDS:
            self._decide(found=False)
        self._path.pop()


def _is_code(path: list[str]) -> bool:
    """Say whether the element at this path below a fault holds a code."""
    if path == ["faultcode"]:
        return True
    return len(path) >= 2 and path[0] == "Code" and path[-1] == "Value" and set(path[1:-1]) <= {"Subcode"}
