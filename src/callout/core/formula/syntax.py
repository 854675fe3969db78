"""From the text between `{!` and `}` to a typed expression: the grammar, and what its rules build.

Tokens, escapes, comments and precedence are those of Salesforce formulas, as far as credentials need them.
Only this module knows lark. It is imported with the first formula, since loading lark takes a tenth of a second.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from lark import Lark, TextSlice, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from callout.core.formula.errors import FormulaError, Place
from callout.core.formula.expressions import (
    Call,
    Concatenation,
    CredentialParameter,
    Expression,
    GlobalField,
    Literal,
    RequestBody,
    ShortField,
)
from callout.core.formula.functions import FUNCTIONS
from callout.core.formula.operators import Binary, Logical, Unary
from callout.core.formula.scope import (
    BODY,
    CALLOUT_FIELDS,
    ORGANIZATION_FIELDS,
    REQUEST_FIELDS,
    SHORT_FIELDS,
    USER_FIELDS,
)
from callout.core.formula.values import Type, Use

GRAMMAR = r"""
?start: either
?either: both (OR both)*
?both: equal (AND equal)*
?equal: ordered (EQUALITY ordered)*
?ordered: sum (ORDER sum)*
?sum: product ((JOIN | MINUS) product)*
?product: power (TIMES power)*
?power: unary (RAISED unary)*
?unary: (MINUS | NOT) unary -> opposite
    | operand
?operand: TEXT -> text
    | NUMBER -> number
    | GLOBAL -> reference
    | NAME "(" (either ("," either)*)? ")" -> call
    | NAME -> bare_name
    | "(" either ")"

OR: "||"
AND: "&&"
EQUALITY: /==|=|<>|!=/
ORDER: /<=|>=|<(?!>)|>/
JOIN: /[&+]/
MINUS: "-"
TIMES: /[*\/](?!\*)/
RAISED: "^"
NOT: "!"
TEXT: /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/s
NUMBER: /[0-9]+(?:\.[0-9]+)?|\.[0-9]+/
GLOBAL: /\$[A-Za-z0-9_.$]*/
NAME: /[A-Za-z][A-Za-z0-9_.]*/
COMMENT: /\/\*.*?\*\//s
SPACE: /[ \t\f\r\n]+/
%ignore COMMENT
%ignore SPACE
"""

#: How an error names each token, in the order in which it names them; those of one wording are named once.
_SHOWN = {
    "TEXT": "a text in quotes",
    "NUMBER": "a number",
    "GLOBAL": "$Credential.ExternalCredential.Parameter",
    "NAME": "a function",
    "LPAR": "'('",
    "JOIN": "'&' or another operator",
    "COMMA": "','",
    "RPAR": "')'",
    "$END": "the end of the formula",
}

#: How deep expressions may nest. Evaluation recurses, and a level can double a value's length.
DEEPEST = 32
#: Most digits of a number on one side of its point.
LONGEST_NUMBER = 30

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "N": "\n", "R": "\r", "T": "\t", "'": "'", '"': '"', "\\": "\\"}
_FIELD = re.compile(r"\.([A-Za-z]\w*)", re.ASCII)
_PARAMETER = re.compile(r"\.([A-Za-z]\w*)\.([A-Za-z]\w*)", re.ASCII)
_CONSTANTS = {"TRUE": True, "FALSE": False}


def parse_expression(source: str, start: int, end: int, use: Use = Use.CUSTOM_HEADER) -> Expression:
    """Parse `source[start:end]`; raises `FormulaError` with its place in `source`."""
    try:
        tree = _parser().parse(TextSlice(source, start, end))
    except UnexpectedInput as error:
        raise _unexpected(source, start, end, error) from None
    return _Builder(source, use).built(tree, 0)


@functools.cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=False)


Node = Tree[Token]


class _Builder:
    """Builds the expressions of one formula."""

    def __init__(self, source: str, use: Use) -> None:
        self._source = source
        self._use = use

    def built(self, tree: Node, depth: int) -> Expression:
        """Build a node, with all below it."""
        place = Place(self._source, tree.meta.start_pos)
        if depth > DEEPEST:
            raise place.error(f"expressions nested more than {DEEPEST} deep", "fewer levels")
        return _BUILDERS[tree.data](self, tree, place, depth)

    def _children(self, tree: Node, depth: int) -> tuple[Expression, ...]:
        return tuple(self.built(child, depth + 1) for child in tree.children if isinstance(child, Tree))

    def text(self, tree: Node, place: Place, _depth: int) -> Expression:
        """Read a text in quotes."""
        quoted = str(_token(tree))
        broken = re.search(r"[\r\n]", quoted)
        if broken is not None:
            where = Place(place.source, place.offset + broken.start())
            raise where.error("a line break in a text", r"\n or \r in its place")
        for escape in _ESCAPE.finditer(quoted, 1, len(quoted) - 1):
            if escape[1] not in _ESCAPES:
                where = Place(place.source, place.offset + escape.start())
                raise where.error(f"escape {escape[0]}", r"one of \n \r \t \' \" \\")
        return Literal.of(place, _ESCAPE.sub(lambda escape: _ESCAPES[escape[1]], quoted[1:-1]))

    def number(self, tree: Node, place: Place, _depth: int) -> Expression:
        """Read a number."""
        digits = str(_token(tree))
        if max(map(len, digits.split("."))) > LONGEST_NUMBER:
            expected = f"at most {LONGEST_NUMBER} on each side of the point"
            raise place.error(f"a number of {len(digits)} characters", expected)
        return Literal.of(place, Fraction(digits))

    def reference(self, tree: Node, place: Place, _depth: int) -> Expression:
        """Build what a global names. Names of globals and their fields are not case-sensitive."""
        text = str(_token(tree))
        name = text.partition(".")[0]
        known = _GLOBALS if self._use is Use.CUSTOM_HEADER else _CALLERS_GLOBALS
        build = known.get(name.lower())
        if build is None:
            where = "" if name.lower() not in _GLOBALS else f" in {self._use}"
            raise place.error(f"global {name}{where}", _listed([_FORMS[each] for each in known]))
        return build(place, text[len(name) :])

    def call(self, tree: Node, place: Place, depth: int) -> Expression:
        """Build a call of a function that may be called here."""
        name = str(_token(tree))
        function = FUNCTIONS.get(name.upper())
        if function is None:
            raise place.error(f"function {name}", self._known_functions(name))
        if self._use not in function.uses:
            raise place.error(f"{function.name} in {self._use}", self._known_functions(""))
        return Call.of(place, function, self._children(tree, depth))

    def _known_functions(self, name: str) -> str:
        known = [each.name for each in FUNCTIONS.values() if self._use in each.uses]
        nearest = difflib.get_close_matches(name.upper(), known, n=1)
        return f"a function; did you mean {nearest[0]}?" if nearest else f"one of {', '.join(known)}"

    def bare_name(self, tree: Node, place: Place, _depth: int) -> Expression:
        """Read TRUE or FALSE; no other name stands alone."""
        name = str(_token(tree))
        if name.upper() in _CONSTANTS:
            return Literal.of(place, _CONSTANTS[name.upper()])
        if name.upper() in FUNCTIONS:
            raise place.error(f"{name} without arguments", FUNCTIONS[name.upper()].signature)
        raise place.error(f"name {name}", f"a text in quotes, {_FORMS['$credential']} or a function with its arguments")

    def opposite(self, tree: Node, place: Place, depth: int) -> Expression:
        """Build `-` or `!` and what follows."""
        return Unary.of(place, str(_token(tree)), *self._children(tree, depth))

    def conditions(self, tree: Node, place: Place, depth: int) -> Expression:
        """Build conditions with `&&` or `||` between them."""
        symbol = next(str(child) for child in tree.children if isinstance(child, Token))
        return Logical.of(place, symbol, self._children(tree, depth))

    def operation(self, tree: Node, place: Place, depth: int) -> Expression:
        """Build operations of one precedence, from the left; texts and blobs that are joined make one node."""
        first, *others = self._children(tree, depth)
        symbols = [str(child) for child in tree.children if isinstance(child, Token)]
        joined = [first]
        for symbol, operand in zip(symbols, others, strict=True):
            if symbol == "&" or (symbol == "+" and _is_joined(joined[0], operand)):
                joined.append(operand)
                continue
            left = joined[0] if len(joined) == 1 else Concatenation.of(place, tuple(joined))
            build = Binary.arithmetic if tree.data in ("sum", "product", "power") else Binary.comparison
            joined = [build(place, symbol, left, operand)]
        return joined[0] if len(joined) == 1 else Concatenation.of(place, tuple(joined))


def _is_joined(left: Expression, right: Expression) -> bool:
    """Say whether `+` joins here: a text or blob stands on one of its sides."""
    return not {left.type, right.type}.isdisjoint((Type.STRING, Type.BLOB))


def _token(tree: Node) -> Token:
    token = tree.children[0]
    assert isinstance(token, Token)  # the grammar puts it there
    return token


_BUILDERS: Mapping[str, Callable[[_Builder, Node, Place, int], Expression]] = {
    "text": _Builder.text,
    "number": _Builder.number,
    "reference": _Builder.reference,
    "call": _Builder.call,
    "bare_name": _Builder.bare_name,
    "opposite": _Builder.opposite,
    "either": _Builder.conditions,
    "both": _Builder.conditions,
    **dict.fromkeys(("equal", "ordered", "sum", "product", "power"), _Builder.operation),
}


def _credential(place: Place, path: str) -> Expression:
    """Build `$Credential.ExternalCredential.Parameter`, both names matched letter for letter, or a short field."""
    field = _FIELD.fullmatch(path)
    if field is not None:
        return ShortField.of(place, _field(place, "$Credential", field[1], SHORT_FIELDS))
    found = _PARAMETER.fullmatch(path)
    if found is None:
        raise place.error(f"$Credential{path}", _FORMS["$credential"])
    if found[2].lower() == BODY:
        return RequestBody.of(place, found[1])
    return CredentialParameter.of(place, found[1], found[2])


def _user(place: Place, path: str) -> Expression:
    return GlobalField.user(place, _of_global(place, "$User", path, USER_FIELDS))


def _organization(place: Place, path: str) -> Expression:
    return GlobalField.organization(place, _of_global(place, "$Organization", path, ORGANIZATION_FIELDS))


def _request(place: Place, path: str) -> Expression:
    return GlobalField.request(place, _of_global(place, "$Request", path, REQUEST_FIELDS))


def _callout(place: Place, path: str) -> Expression:
    return GlobalField.callout(place, _of_global(place, "$Callout", path, CALLOUT_FIELDS))


def _of_global(place: Place, name: str, path: str, fields: Mapping[str, str]) -> str:
    found = _FIELD.fullmatch(path)
    if found is None:
        raise place.error(f"{name}{path}", f"{name} and a field: {', '.join(fields)}")
    return _field(place, name, found[1], fields)


def _field(place: Place, name: str, field: str, fields: Mapping[str, str]) -> str:
    by_lower = {known.lower(): known for known in fields}
    if field.lower() in by_lower:
        return by_lower[field.lower()]
    nearest = difflib.get_close_matches(field.lower(), by_lower, n=1)
    hint = f"; did you mean {by_lower[nearest[0]]}?" if nearest else ""
    forms = f"{_FORMS['$credential']}, or " if name == "$Credential" else ""
    raise place.error(f"{name}.{field}", f"{forms}a field: {', '.join(fields)}{hint}")


_GLOBALS: Mapping[str, Callable[[Place, str], Expression]] = {
    "$credential": _credential,
    "$user": _user,
    "$organization": _organization,
    "$request": _request,
    "$callout": _callout,
}
#: What a caller writes may read the credential alone.
_CALLERS_GLOBALS = {"$credential": _credential}
_FORMS = {
    "$credential": "$Credential.ExternalCredential.Parameter",
    "$user": "$User.Field",
    "$organization": "$Organization.Field",
    "$request": "$Request.Field",
    "$callout": "$Callout.Field",
}


def _unexpected(source: str, start: int, end: int, error: UnexpectedInput) -> FormulaError:
    """Turn what lark says into what an admin can use."""
    if not source[start:end].strip():
        return FormulaError(source, start, "an empty formula", _expected(_accepted("")))
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        offset, got = end, "the end of the formula"
    else:
        position: Any = error.pos_in_stream  # lark leaves its type unsaid
        offset = int(position)
        got = repr(str(error.token) if isinstance(error, UnexpectedToken) else source[offset])
    return FormulaError(source, offset, got, _expected(_accepted(source[start:offset])))


def _accepted(text: str) -> set[str]:
    """Return the tokens that may follow. Lark's own error lists some that its tables hold but the text excludes."""
    so_far = _parser().parse_interactive(text)
    so_far.exhaust_lexer()
    accepted: set[str] = so_far.accepts()  # type: ignore[no-untyped-call]
    return accepted


def _expected(tokens: set[str]) -> str:
    return _listed([text for token, text in _SHOWN.items() if token in tokens])


def _listed(shown: list[str]) -> str:
    return ", ".join(shown[:-1]) + (" or " if len(shown) > 1 else "") + shown[-1]
