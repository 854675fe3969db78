"""The functions of the formula language, in one table: a new one is one row, with its help and an example.

Names are not case-sensitive. Arguments and results are plain; `expressions` marks a result secret where an
argument was. Hash algorithms are those that Salesforce documents for named credentials, and no others.

A caller's formula may join, encode and digest what it reads, and no more: with IF or LEFT, and an answer or an error
that depends on them, a caller could ask for a secret letter by letter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callout.core.formula import compute
from callout.core.formula.signing import SIGNATURE_ALGORITHMS, sign, sign_with
from callout.core.formula.values import Content, Type, Use

ALGORITHMS = ("SHA-256",)

ADMINS = frozenset({Use.CUSTOM_HEADER})
HEADERS = frozenset({Use.CUSTOM_HEADER, Use.CALLER_HEADER})
BODIES = frozenset({Use.BODY})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function, and the types that it takes.

    `choices` lists the texts that it may be, where not every text may.
    """

    name: str
    types: tuple[Type, ...]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its parameters, the type of its result (None: that of its last argument), how it is computed.

    The last `optional` parameters may be left out; with `repeats` the last one may be given again and again.
    `alike` parameters, counted from the end, must have one type. A `lazy` one asks for its arguments one by one;
    a `timed` one takes the time first, one `with_keys` what finds a private key, and its result is secret. `uses` says where it may be called. `example` is a formula and its value.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Type | None
    compute: Callable[..., Content]
    help: str
    example: tuple[str, str]
    uses: frozenset[Use] = ADMINS
    optional: int = 0
    repeats: bool = False
    alike: int = 0
    lazy: bool = False
    timed: bool = False
    with_keys: bool = False

    @property
    def signature(self) -> str:
        """The function as it is written in documentation: `HASH(algorithm, input)`."""
        names = [each.name for each in self.parameters]
        sure = len(names) - self.optional
        shown = [name if index < sure else f"[{name}]" for index, name in enumerate(names)]
        return f"{self.name}({', '.join((*shown, '…') if self.repeats else shown)})"

    def parameter(self, index: int) -> Parameter:
        """Return the parameter that an argument is for, counted from 0."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        """Say whether it can be called with so many arguments."""
        most = len(self.parameters)
        return most - self.optional <= count and (count <= most or self.repeats)


def _text(name: str, choices: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, (Type.STRING,), choices)


def _blob(name: str) -> Parameter:
    return Parameter(name, (Type.BLOB,))


def _number(name: str) -> Parameter:
    return Parameter(name, (Type.NUMBER,))


def _logical(name: str) -> Parameter:
    return Parameter(name, (Type.BOOLEAN,))


#: The private key of the first test of RFC 8032 section 7.1, as PKCS #8: it is published, and no secret.
RFC_8032_KEY = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"

_ANY = tuple(Type)
_ALGORITHM = _text("algorithm", ALGORITHMS)
_S, _B, _N, _L, _D = Type.STRING, Type.BLOB, Type.NUMBER, Type.BOOLEAN, Type.DATETIME

_ENCODING = (
    Function(
        "BASE64DECODE",
        (_text("text"),),
        _B,
        compute.base64decode,
        "The bytes that Base64 stands for (RFC 4648 section 4, with padding)",
        ("HEX(BASE64DECODE('Zm9v'))", "666f6f"),
        HEADERS,
    ),
    Function(
        "BASE64ENCODE",
        (_blob("blob"),),
        _S,
        compute.base64encode,
        "Bytes as Base64 (RFC 4648 section 4)",
        ("BASE64ENCODE(BLOB('foo'))", "Zm9v"),
        HEADERS,
    ),
    Function(
        "BLOB", (_text("text"),), _B, compute.blob, "The UTF-8 bytes of a text", ("HEX(BLOB('é'))", "c3a9"), HEADERS
    ),
    Function(
        "HEX",
        (_blob("blob"),),
        _S,
        compute.hexadecimal,
        "Bytes as hexadecimal digits in small letters",
        ("HEX(BLOB('foo'))", "666f6f"),
        HEADERS,
    ),
    Function(
        "URLENCODE",
        (_text("text"),),
        _S,
        compute.urlencode,
        "Text percent-encoded, all but letters, digits and `- . _ ~` (RFC 3986 section 2)",
        ("URLENCODE('a+b/c=')", "a%2Bb%2Fc%3D"),
        HEADERS,
    ),
    Function(
        "HTMLENCODE",
        (_text("text"),),
        _S,
        compute.html_encode,
        "Text with `& < > \" '` as references, for HTML and XML. In bodies alone, and there no other function",
        ("HTMLENCODE('<Müller & Söhne>')", "&lt;Müller &amp; Söhne&gt;"),
        BODIES,
    ),
)
_DIGESTS = (
    Function(
        "HASH",
        (_ALGORITHM, _blob("input")),
        _B,
        compute.digest,
        "Digest (FIPS 180-4)",
        ("HEX(HASH('SHA-256', BLOB('abc')))", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        HEADERS,
    ),
    Function(
        "HMAC",
        (_ALGORITHM, _blob("input"), _blob("key")),
        _B,
        compute.keyed_digest,
        "Keyed digest (RFC 2104)",
        (
            "HEX(HMAC('SHA-256', BLOB('what do ya want for nothing?'), BLOB('Jefe')))",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        HEADERS,
    ),
    Function(
        "SIGN",
        (_text("algorithm", SIGNATURE_ALGORITHMS), _blob("input"), _blob("private_key")),
        _B,
        sign,
        "Signature with a private key in PKCS #8, DER or PEM. RSA is PKCS #1 version 1.5, ECDSA is deterministic (RFC "
        "6979) and written in DER, or as two numbers in a row where the name ends in Plain",
        (
            f"BASE64ENCODE(SIGN('Ed25519', BLOB(''), BASE64DECODE('{RFC_8032_KEY}')))",
            "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==",
        ),
    ),
    Function(
        "SIGN_WITH_CERTIFICATE",
        (_text("algorithm", SIGNATURE_ALGORITHMS), _blob("input"), _text("certificate")),
        _B,
        sign_with,
        "The same, with the key of a certificate that Callout holds: the one that the external credential's parameter "
        "`signing_certificate` names, by its name",
        (
            "BASE64ENCODE(SIGN_WITH_CERTIFICATE('Ed25519', BLOB(''), 'Desk'))",
            "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==",
        ),
        with_keys=True,
    ),
)
_TEXT = (
    Function(
        "BEGINS",
        (_text("text"), _text("start")),
        _L,
        str.startswith,
        "Whether a text begins with another",
        ("IF(BEGINS('Orders', 'Or'), 'yes', 'no')", "yes"),
    ),
    Function(
        "BLANKVALUE",
        (_text("text"), _text("otherwise")),
        _S,
        compute.blank_value,
        "The text, or another where it is empty",
        ("BLANKVALUE('', 'none')", "none"),
        lazy=True,
    ),
    Function(
        "CONTAINS",
        (_text("text"), _text("part")),
        _L,
        str.__contains__,
        "Whether a text holds another",
        ("IF(CONTAINS('Orders', 'der'), 'yes', 'no')", "yes"),
    ),
    Function(
        "FIND",
        (_text("part"), _text("text"), _number("start")),
        _N,
        compute.find,
        "The place of a text in another, from 1; 0 where it is not there",
        ("TEXT(FIND('d', 'Orders'))", "3"),
        optional=1,
    ),
    Function(
        "ISBLANK",
        (_text("text"),),
        _L,
        lambda text: not text,
        "Whether a text is empty",
        ("IF(ISBLANK(''), 'yes', 'no')", "yes"),
    ),
    Function(
        "ISNUMBER",
        (_text("text"),),
        _L,
        compute.is_number,
        "Whether VALUE would take the text",
        ("IF(ISNUMBER('1.5'), 'yes', 'no')", "yes"),
    ),
    Function(
        "LEFT",
        (_text("text"), _number("count")),
        _S,
        compute.left,
        "The first characters of a text",
        ("LEFT('Orders', 2)", "Or"),
    ),
    Function("LEN", (_text("text"),), _N, compute.length, "The number of characters", ("TEXT(LEN('Orders'))", "6")),
    Function(
        "LOWER",
        (_text("text"),),
        _S,
        str.lower,
        "Text in small letters",
        ("LOWER('Orders')", "orders"),
    ),
    Function(
        "LPAD",
        (_text("text"), _number("length"), _text("padding")),
        _S,
        compute.left_padded,
        "Text filled up on the left, or cut to the length",
        ("LPAD('7', 3, '0')", "007"),
        optional=1,
    ),
    Function(
        "MID",
        (_text("text"), _number("start"), _number("count")),
        _S,
        compute.middle,
        "Characters from a place on, which counts from 1",
        ("MID('Orders', 2, 3)", "rde"),
    ),
    Function(
        "RIGHT",
        (_text("text"), _number("count")),
        _S,
        compute.right,
        "The last characters of a text",
        ("RIGHT('Orders', 2)", "rs"),
    ),
    Function(
        "RPAD",
        (_text("text"), _number("length"), _text("padding")),
        _S,
        compute.right_padded,
        "Text filled up on the right, or cut to the length",
        ("RPAD('7', 3, '0')", "700"),
        optional=1,
    ),
    Function(
        "SUBSTITUTE",
        (_text("text"), _text("old"), _text("new")),
        _S,
        compute.substitute,
        "Text with one part put in the place of another, everywhere",
        ("SUBSTITUTE('a-b-c', '-', '+')", "a+b+c"),
    ),
    Function(
        "TEXT",
        (Parameter("value", (_N, _D)),),
        _S,
        compute.text_of,
        "A number in decimal digits, or a time as `YYYY-MM-DD HH:MM:SSZ`",
        ("TEXT(1.50)", "1.5"),
    ),
    Function("TRIM", (_text("text"),), _S, str.strip, "Text without spaces at its ends", ("TRIM(' a ')", "a")),
    Function("UPPER", (_text("text"),), _S, str.upper, "Text in capitals", ("UPPER('Orders')", "ORDERS")),
    Function(
        "VALUE", (_text("text"),), _N, compute.value_of, "The number that a text says", ("TEXT(VALUE('2') + 1)", "3")
    ),
)
_NUMBERS = (
    Function("ABS", (_number("number"),), _N, abs, "The number without its sign", ("TEXT(ABS(-2))", "2")),
    Function(
        "CEILING",
        (_number("number"),),
        _N,
        compute.ceiling,
        "The next whole number away from zero",
        ("TEXT(CEILING(1.2))", "2"),
    ),
    Function(
        "FLOOR",
        (_number("number"),),
        _N,
        compute.floor,
        "The whole part: towards zero",
        ("TEXT(FLOOR(1.8))", "1"),
    ),
    Function(
        "MAX", (_number("number"),), _N, lambda *n: max(n), "The largest", ("TEXT(MAX(1, 3, 2))", "3"), repeats=True
    ),
    Function(
        "MIN", (_number("number"),), _N, lambda *n: min(n), "The smallest", ("TEXT(MIN(1, 3, 2))", "1"), repeats=True
    ),
    Function(
        "MOD",
        (_number("number"), _number("divisor")),
        _N,
        compute.remainder,
        "What is left of a division",
        ("TEXT(MOD(7, 3))", "1"),
    ),
    Function(
        "ROUND",
        (_number("number"), _number("places")),
        _N,
        compute.rounded,
        "To so many decimal places, halves away from zero",
        ("TEXT(ROUND(2.345, 2))", "2.35"),
    ),
)
_TIMES = (
    Function(
        "DATETIMEVALUE",
        (_text("text"),),
        _D,
        compute.time_of,
        "The time that `YYYY-MM-DD HH:MM:SS` says, in UTC",
        ("TEXT(DATETIMEVALUE('2030-01-31 12:00:00'))", "2030-01-31 12:00:00Z"),
    ),
    Function(
        "FROMUNIXTIME",
        (_number("seconds"),),
        _D,
        compute.from_unix_time,
        "The time so many seconds after 1970 began, in UTC",
        ("TEXT(FROMUNIXTIME(86400))", "1970-01-02 00:00:00Z"),
    ),
    Function(
        "NOW",
        (),
        _D,
        lambda now: now,
        "The time of the callout. A header with it is written anew for every callout",
        ("TEXT(NOW() - NOW())", "0"),
        timed=True,
    ),
    Function(
        "HTTPDATE",
        (Parameter("time", (_D,)),),
        _S,
        compute.http_date,
        "A time as headers write it (RFC 9110 section 5.6.7)",
        ("HTTPDATE(DATETIMEVALUE('1994-11-06 08:49:37'))", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ),
    Function(
        "UNIXTIMESTAMP",
        (Parameter("time", (_D,)),),
        _N,
        compute.unix_time,
        "Whole seconds since 1970 began, in UTC",
        ("TEXT(UNIXTIMESTAMP(DATETIMEVALUE('1970-01-02 00:00:00')))", "86400"),
    ),
)
_LOGIC = (
    Function(
        "AND",
        (_logical("condition"),),
        _L,
        compute.every,
        "Whether all hold; as `&&`",
        ("IF(AND(1 < 2, 2 < 3), 'yes', 'no')", "yes"),
        repeats=True,
        lazy=True,
    ),
    Function(
        "IF",
        (_logical("condition"), Parameter("yes", _ANY), Parameter("no", _ANY)),
        None,
        compute.choose,
        "One of two values; the other is not evaluated",
        ("IF(1 < 2, 'yes', 'no')", "yes"),
        alike=2,
        lazy=True,
    ),
    Function(
        "NOT",
        (_logical("condition"),),
        _L,
        lambda condition: not condition,
        "Whether it does not hold; as `!`",
        ("IF(NOT(1 < 2), 'yes', 'no')", "no"),
    ),
    Function(
        "OR",
        (_logical("condition"),),
        _L,
        compute.some,
        "Whether one holds at least; as `||`",
        ("IF(OR(1 > 2, 2 < 3), 'yes', 'no')", "yes"),
        repeats=True,
        lazy=True,
    ),
)

#: Groups of the table, as the page lists them.
GROUPS: Mapping[str, tuple[Function, ...]] = {
    "Encoding": _ENCODING,
    "Digests and signatures": _DIGESTS,
    "Text": _TEXT,
    "Numbers": _NUMBERS,
    "Times": _TIMES,
    "Logic": _LOGIC,
}
FUNCTIONS: Mapping[str, Function] = {
    function.name: function for function in sorted(sum(GROUPS.values(), ()), key=lambda function: function.name)
}
