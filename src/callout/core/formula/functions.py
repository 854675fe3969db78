"""The functions of the formula language, in one table: a new one is one row.

Names are not case-sensitive. Arguments and results are plain; `expressions` marks a result secret where an
argument was. Algorithms are those that Salesforce documents for named credentials, and no others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callout.core.formula.values import Type, UnfitError

ALGORITHMS = ("SHA-256",)

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function. `choices` lists the texts that it may be, where not every text may."""

    name: str
    type: Type
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its parameters, the type of its result, and how it is computed."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    compute: Callable[..., str | bytes]

    @property
    def signature(self) -> str:
        """The function as it is written in documentation: `HASH(algorithm, input)`."""
        return f"{self.name}({', '.join(p.name for p in self.parameters)})"


def _blob(text: str) -> bytes:
    if _SURROGATE.search(text) is not None:  # an error of encode would carry the text
        raise UnfitError("text with half of a surrogate pair", "text that UTF-8 can encode")
    return text.encode()


def _base64encode(blob: bytes) -> str:
    return base64.b64encode(blob).decode("ascii")


def _base64decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, and text that is not ASCII
        raise UnfitError("text that is not Base64", "Base64 with padding (RFC 4648 section 4)") from None


def _hex(blob: bytes) -> str:
    return blob.hex()


def _hash(algorithm: str, blob: bytes) -> bytes:
    return hashlib.new(algorithm.replace("-", ""), blob).digest()


def _hmac(algorithm: str, blob: bytes, key: bytes) -> bytes:
    return hmac.digest(key, blob, algorithm.replace("-", ""))


_ALGORITHM = Parameter("algorithm", Type.STRING, ALGORITHMS)

FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("BASE64DECODE", (Parameter("text", Type.STRING),), Type.BLOB, _base64decode),
        Function("BASE64ENCODE", (Parameter("blob", Type.BLOB),), Type.STRING, _base64encode),
        Function("BLOB", (Parameter("text", Type.STRING),), Type.BLOB, _blob),
        Function("HASH", (_ALGORITHM, Parameter("input", Type.BLOB)), Type.BLOB, _hash),
        Function("HEX", (Parameter("blob", Type.BLOB),), Type.STRING, _hex),
        Function("HMAC", (_ALGORITHM, Parameter("input", Type.BLOB), Parameter("key", Type.BLOB)), Type.BLOB, _hmac),
    )
}
