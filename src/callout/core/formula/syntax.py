"""From the text between `{!` and `}` to a typed expression: the grammar, and what its rules build.

Tokens, escapes, comments and precedence are those of Salesforce formulas, as far as credentials need them.
Only this module knows lark. It is imported with the first formula, since loading lark takes a tenth of a second.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from lark import Lark, TextSlice, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from callout.core.formula.errors import FormulaError, Place
from callout.core.formula.expressions import Call, Concatenation, CredentialParameter, Expression, Literal
from callout.core.formula.functions import FUNCTIONS

GRAMMAR = r"""
?start: joined
?joined: operand (("&" | "+") operand)*
?operand: TEXT -> literal
    | GLOBAL -> reference
    | NAME "(" (joined ("," joined)*)? ")" -> call
    | NAME -> bare_name
    | "(" joined ")"

TEXT: /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/s
GLOBAL: /\$[A-Za-z0-9_.$]*/
NAME: /[A-Za-z][A-Za-z0-9_.]*/
COMMENT: /\/\*.*?\*\//s
SPACE: /[ \t\f\r\n]+/
%ignore COMMENT
%ignore SPACE
"""

#: How an error names each token, in the order in which it names them; `+` is left out, `&` says the same.
_SHOWN = {
    "TEXT": "a text in quotes",
    "GLOBAL": "$Credential.ExternalCredential.Parameter",
    "NAME": "a function",
    "LPAR": "'('",
    "AMPERSAND": "'&'",
    "COMMA": "','",
    "RPAR": "')'",
    "$END": "the end of the formula",
}

#: How deep expressions may nest. Evaluation recurses, and a level can double a value's length.
DEEPEST = 32

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "N": "\n", "R": "\r", "T": "\t", "'": "'", '"': '"', "\\": "\\"}
_PARAMETER = re.compile(r"\.([A-Za-z]\w*)\.([A-Za-z]\w*)", re.ASCII)

#: Names that Salesforce gives a meaning of its own after `$Credential.ExternalCredential.`.
_RESERVED = frozenset({"body"})


def parse_expression(source: str, start: int, end: int) -> Expression:
    """Parse `source[start:end]`; raises `FormulaError` with its place in `source`."""
    try:
        tree = _parser().parse(TextSlice(source, start, end))
    except UnexpectedInput as error:
        raise _unexpected(source, start, end, error) from None
    return _built(tree, source, 0)


@functools.cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=False)


Node = Tree[Token]


def _built(tree: Node, source: str, depth: int) -> Expression:
    place = Place(source, tree.meta.start_pos)
    if depth > DEEPEST:
        raise place.error(f"expressions nested more than {DEEPEST} deep", "fewer levels")
    return _BUILDERS[tree.data](tree, place, depth)


def _children(tree: Node, source: str, depth: int) -> tuple[Expression, ...]:
    return tuple(_built(child, source, depth + 1) for child in tree.children if isinstance(child, Tree))


def _token(tree: Node) -> Token:
    token = tree.children[0]
    assert isinstance(token, Token)  # the grammar puts it there
    return token


def _literal(tree: Node, place: Place, _depth: int) -> Expression:
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


def _reference(tree: Node, place: Place, _depth: int) -> Expression:
    """Build what a global names. The globals are a table; their names are not case-sensitive."""
    text = str(_token(tree))
    name = text.partition(".")[0]
    build = _GLOBALS.get(name.lower())
    if build is None:
        raise place.error(f"global {name}", f"{' or '.join(_GLOBAL_FORMS)}")
    return build(place, text[len(name) :])


def _credential(place: Place, path: str) -> Expression:
    """Build `$Credential.ExternalCredential.Parameter`; both names are matched letter for letter."""
    found = _PARAMETER.fullmatch(path)
    if found is None:
        hint = "; the short fields of legacy named credentials name no external credential"
        raise place.error(f"$Credential{path}", _GLOBAL_FORMS[0] + (hint if path.count(".") == 1 else ""))
    if found[2].lower() in _RESERVED:
        raise place.error(f"$Credential{path}", f"the name of a parameter; {found[2]} means the body of the request")
    return CredentialParameter.of(place, found[1], found[2])


def _call(tree: Node, place: Place, depth: int) -> Expression:
    name = str(_token(tree))
    function = FUNCTIONS.get(name.upper())
    if function is None:
        raise place.error(f"function {name}", _known_functions(name))
    return Call.of(place, function, _children(tree, place.source, depth))


def _bare_name(tree: Node, place: Place, _depth: int) -> Expression:
    name = str(_token(tree))
    if name.upper() in FUNCTIONS:
        raise place.error(f"{name} without arguments", FUNCTIONS[name.upper()].signature)
    raise place.error(f"name {name}", f"a text in quotes, {_GLOBAL_FORMS[0]} or a function with its arguments")


def _joined(tree: Node, place: Place, depth: int) -> Expression:
    return Concatenation.of(place, _children(tree, place.source, depth))


_BUILDERS: Mapping[str, Callable[[Node, Place, int], Expression]] = {
    "literal": _literal,
    "reference": _reference,
    "call": _call,
    "bare_name": _bare_name,
    "joined": _joined,
}

_GLOBALS: Mapping[str, Callable[[Place, str], Expression]] = {"$credential": _credential}
_GLOBAL_FORMS = ("$Credential.ExternalCredential.Parameter",)


def _known_functions(name: str) -> str:
    nearest = difflib.get_close_matches(name.upper(), FUNCTIONS, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"one of {', '.join(FUNCTIONS)}{hint}"


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
    shown = [text for token, text in _SHOWN.items() if token in tokens]
    return ", ".join(shown[:-1]) + (" or " if len(shown) > 1 else "") + shown[-1]
