import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.formula import FormulaError, parse
from callout.core.formula.functions import ALGORITHMS, FUNCTIONS, Function
from callout.core.formula.template import parse_callers
from callout.core.formula.values import Type, Use
from callout.core.secret import reveal
from tests.core.formula.evaluation import plain, scope

RFC_4648 = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]


@pytest.mark.parametrize(("text", "encoded"), RFC_4648)
def test_base64_is_that_of_rfc_4648_section_10(text: str, encoded: str) -> None:
    assert plain(f"{{!BASE64ENCODE(BLOB('{text}'))}}") == encoded
    assert plain(f"{{!BASE64ENCODE(BASE64DECODE('{encoded}'))}}") == encoded


def test_blob_is_utf_8_and_hex_is_lower_case() -> None:
    assert plain("{!HEX(BLOB('é€J'))}") == "c3a9e282ac4a"


def test_hash_is_that_of_fips_180_4() -> None:
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert plain("{!HEX(HASH('SHA-256', BLOB('abc')))}") == digest


LONG_DATA = (
    b"This is a test using a larger than block-size key and a larger than block-size data. "
    b"The key needs to be hashed before being used by the HMAC algorithm."
)
#: RFC 4231 sections 4.2 to 4.5, 4.7 and 4.8: key, data and HMAC-SHA-256. (4.6 is of a digest that is cut short.)
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        LONG_DATA,
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.mark.parametrize(("key", "content", "code"), RFC_4231)
def test_hmac_is_that_of_rfc_4231(key: bytes, content: bytes, code: str) -> None:
    formula = "{!HEX(HMAC('SHA-256', BASE64DECODE($Credential.X.Text), BASE64DECODE($Credential.X.SigningKey)))}"
    encoded = (base64.b64encode(each).decode() for each in (content, key))
    assert plain(formula, **dict(zip(("Text", "SigningKey"), encoded, strict=True))) == code


def test_a_key_may_be_kept_in_base64() -> None:
    formula = "{!HEX(HMAC('SHA-256', BLOB('what do ya want for nothing?'), BASE64DECODE($Credential.X.K)))}"
    assert plain(formula, K="SmVmZQ==").startswith("5bdcc146")


def test_the_example_of_rfc_7617_is_written_by_a_formula() -> None:
    formula = "Basic {!BASE64ENCODE(BLOB($Credential.X.User & ':' & $Credential.X.Password))}"
    assert plain(formula) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize("text", ["Zg", "Zg=", "Zm9v!", "Zm 9v", "Zm9v\u00e9", "Zm-_"])
def test_text_that_is_not_base64_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(FormulaError) as error:
        plain("{!HEX(BASE64DECODE($Credential.X.Bad))}", Bad=text)
    assert error.value.got == "text that is not Base64 as an argument of BASE64DECODE"
    assert text not in str(error.value)


def test_half_of_a_surrogate_pair_is_refused_and_the_text_is_not_carried_along() -> None:
    with pytest.raises(FormulaError, match="half of a surrogate pair as an argument of BLOB") as error:
        plain("{!HEX(BLOB($Credential.X.Bad))}", Bad="c4n4ry\ud800")
    chain = [error.value, error.value.__context__, error.value.__cause__]
    assert not any("c4n4ry" in repr(each) for each in chain)


ANYWHERE = sorted(FUNCTIONS.values(), key=lambda function: function.name)


@pytest.mark.parametrize("function", ANYWHERE, ids=lambda f: f.name)
def test_a_function_is_known_in_any_case_by_the_arguments_it_takes(function: Function) -> None:
    wrong = "" if function.repeats else ", ".join(["'a'"] * (len(function.parameters) + 1))
    use = min(function.uses)
    for name in (function.name, function.name.lower(), function.name.capitalize()):
        with pytest.raises(FormulaError) as error:
            parse_callers(f"{{!{name}({wrong})}}", use) if use is not Use.CUSTOM_HEADER else parse(
                f"{{!{name}({wrong})}}"
            )
        assert error.value.expected.endswith(f": {function.signature}")


@pytest.mark.parametrize("function", ANYWHERE, ids=lambda f: f.name)
def test_the_example_of_a_function_is_true(function: Function) -> None:
    formula, value = function.example
    text = f"{{!{formula}}}"
    template = parse(text) if Use.CUSTOM_HEADER in function.uses else parse_callers(text, Use.BODY)
    assert function.name + "(" in formula
    assert reveal(template.evaluate(scope())) == value


def test_the_functions_that_salesforce_documents_for_credentials_take_what_it_says() -> None:
    shapes = {f.name: ([p.types for p in f.parameters], f.result) for f in FUNCTIONS.values()}
    documented = {
        "BASE64DECODE": ([(Type.STRING,)], Type.BLOB),
        "BASE64ENCODE": ([(Type.BLOB,)], Type.STRING),
        "BLOB": ([(Type.STRING,)], Type.BLOB),
        "HASH": ([(Type.STRING,), (Type.BLOB,)], Type.BLOB),
        "HEX": ([(Type.BLOB,)], Type.STRING),
        "HMAC": ([(Type.STRING,), (Type.BLOB,), (Type.BLOB,)], Type.BLOB),
    }
    assert documented.items() <= shapes.items()
    assert ALGORITHMS == ("SHA-256",)


@pytest.mark.parametrize("name", sorted({"IF", "LEFT", "FIND", "TEXT", "NOW", "SIGN", "SUBSTITUTE", "VALUE", "LEN"}))
def test_a_caller_may_not_call_what_could_ask_for_a_secret_letter_by_letter(name: str) -> None:
    assert FUNCTIONS[name].uses == {Use.CUSTOM_HEADER}


@given(st.binary(max_size=200), st.binary(max_size=100))
def test_digests_are_those_of_hashlib_for_any_bytes(content: bytes, key: bytes) -> None:
    more = {"C": base64.b64encode(content).decode(), "K": base64.b64encode(key).decode()}
    blob, keyed = "BASE64DECODE($Credential.X.C)", "BASE64DECODE($Credential.X.K)"
    assert plain(f"{{!HEX(HASH('SHA-256', {blob}))}}", **more) == hashlib.sha256(content).hexdigest()
    code = hmac.new(key, content, hashlib.sha256).hexdigest()
    assert plain(f"{{!HEX(HMAC('SHA-256', {blob}, {keyed}))}}", **more) == code
