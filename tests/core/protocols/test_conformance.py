"""What every protocol must do, run over `protocols.ALL`. A new protocol passes this before it has tests of its own."""

import importlib
import json
import pkgutil
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from callout.core import protocols
from callout.core.errors import Refused
from callout.core.explanation import Explanation, Step
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.credentials import PrincipalType
from callout.core.protocol import AuthenticationProtocol, Moment, Needs, Parameter, Token, Values, with_defaults
from callout.core.reasons import Blame
from callout.core.secret import Redactable, Secret, reveal
from tests.keys import key_pair, self_signed
from tests.play import answer, play

Kind = type[AuthenticationProtocol]
NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW, entropy=bytes(range(32)))
CANARY = "c4n4ry-Zq7"
#: What kind of key signs by an algorithm.
KEY_FOR = {f"{family}{bits}": "RSA" for family in ("RS", "PS") for bits in (256, 384, 512)}
KEY_FOR |= {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
KEY_FOR |= {"RSA-SHA1": "RSA", "RSA-SHA256": "RSA", "rsa-v1_5-sha256": "RSA", "rsa-pss-sha512": "RSA"}
KEY_FOR |= {"ecdsa-p256-sha256": "P-256", "ecdsa-p384-sha384": "P-384", "ed25519": "Ed25519"}
RANDOM = re.compile("^PS|-pss-")
TOKEN = Token(Secret(f"{CANARY}-token"), NOW, expires_at=NOW + timedelta(hours=1))
#: What somebody authorized, from which an interactive protocol goes on.
AUTHORIZED = replace(TOKEN, refresh_token=Secret(f"{CANARY}-refresh"))
REQUESTS = (
    HttpRequest("GET", "https://orders.example/v2/x?y=1"),
    HttpRequest("POST", "https://other.example:8443/", (("X-Own", Redactable.of("kept")),), b"body"),
    HttpRequest("PUT", "https://orders.example/", (("authorization", Redactable.of("the caller's")),), b"\xff" * 99),
)

every = pytest.mark.parametrize("kind", protocols.ALL, ids=lambda kind: kind.name)
obtaining = pytest.mark.parametrize("kind", [k for k in protocols.ALL if k.obtains], ids=lambda kind: kind.name)


def value_of(parameter: Parameter) -> str:
    """Return a value that the declaration accepts."""
    if parameter.url:
        return f"https://id.example/{parameter.name}"
    return parameter.default or (parameter.choices[0] if parameter.choices else f"plain-{parameter.name}")


def sealed(parameter: Parameter) -> str:
    """Return a secret that the declaration accepts, and that is known where it is shown."""
    plain = f"{CANARY}-{parameter.name}"
    even = plain + "." * (len(plain) % 2)
    return plain if parameter.pattern is None else even.encode().hex()  # it is text, Base64 and hexadecimal


def made(kind: Kind, **parameters: str) -> AuthenticationProtocol:
    """Build a protocol with every declared value set."""
    declared = [p for p in kind.parameters if (p.required or not p.key_pair) and (p.pattern is None or p.default)]
    plain = {f"{p.name}.Own" if p.key else p.name: value_of(p) for p in declared if not p.secret}
    secrets = {p.name: Secret(sealed(p)) for p in kind.parameters if p.secret}
    secrets |= {f"{p.name}.Sealed": Secret(sealed(p)) for p in kind.parameters if p.key}
    plain |= without_algorithm(parameters, kind) | parameters
    kind_of_key = next((KEY_FOR[value] for value in plain.values() if value in KEY_FOR), "RSA")
    certificate = self_signed(kind_of_key)
    pairs = {p.name: key_pair(kind_of_key, certificates=(certificate,)) for p in kind.parameters if p.key_pair}
    return kind(Values(plain, secrets, pairs))


def without_algorithm(parameters: dict[str, str], kind: Kind) -> dict[str, str]:
    """Leave the algorithm of signatures to the key, where it is not what is varied."""
    chosen = {p.name: "" for p in kind.parameters if set(p.choices) & KEY_FOR.keys() and p.default is None}
    return {name: value for name, value in chosen.items() if name not in parameters}


def variants(kind: Kind) -> list[AuthenticationProtocol]:
    """Build a protocol once for each choice of each parameter, and with each key that it need not have.

    Of algorithms those whose signatures are random are left out: what they sign is never the same twice.
    """
    choices = [(p.name, choice) for p in kind.parameters for choice in p.choices if not RANDOM.search(choice)]
    choices += [(p.name, value_of(p)) for p in kind.parameters if p.key_pair and not p.required]
    return [made(kind), *(made(kind, **{name: choice}) for name, choice in choices)]


def begun_with(kind: Kind) -> Token | None:
    """Return what a first token is obtained from: nothing, unless a person comes first."""
    return AUTHORIZED if kind.interactive else None


def token_endpoints(kind: Kind) -> tuple[str, ...]:
    return tuple(value_of(p) for p in kind.parameters if p.url)


#: An answer of a token endpoint as OAuth 2.0 has it.
GRANTED = answer(200, json.dumps({"access_token": f"{CANARY}-issued", "token_type": "Bearer", "expires_in": 60}))


def granted(kind: Kind, protocol: AuthenticationProtocol | None = None) -> HttpResponse:
    """Return an answer that grants a token: where a protocol has one of its own kind, its own tests say which.

    A token is bound to a key where this protocol proves that it has one (RFC 9449 section 5).
    """
    if protocol is not None and protocol.values.parameters.get("dpop_certificate"):
        return answer(200, json.dumps({"access_token": f"{CANARY}-issued", "token_type": "DPoP", "expires_in": 60}))
    tests = importlib.import_module(f"tests.core.protocols.test_{kind.name}")
    return getattr(tests, "CONFORMING", GRANTED)


@cache
def issued(kind: Kind) -> Token:
    """Return the token that such an answer makes; any where the protocol obtains none."""
    begun = begun_with(kind) or TOKEN
    return play(made(kind).obtain(MOMENT, begun), granted(kind))[0] if kind.obtains else TOKEN


def test_every_file_of_protocols_holds_one_protocol_and_all_of_them_are_listed() -> None:
    files = {module.name for module in pkgutil.iter_modules(protocols.__path__)}
    assert files == {kind.__module__.rpartition(".")[2] for kind in protocols.ALL}
    assert list(protocols.CATALOGUE.items()) == [(kind.name, kind) for kind in protocols.ALL]


def test_the_names_are_stored_and_exported_and_never_change() -> None:
    assert {kind.name for kind in protocols.ALL} >= {"none", "basic", "custom", "oauth2_client_credentials"}


@every
def test_the_name_is_that_of_the_file(kind: Kind) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.name)
    assert importlib.import_module(f"callout.core.protocols.{kind.name}").__dict__[kind.__name__] is kind
    assert kind.title


@every
def test_every_parameter_has_help_and_a_declaration_that_fits_together(kind: Kind) -> None:
    names = [p.name for p in kind.parameters]
    assert len(names) == len(set(names))
    for parameter in kind.parameters:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", parameter.name)
        assert parameter.help[0].isupper()
        assert not parameter.help.endswith(".")
        assert parameter.default is None or not parameter.choices or parameter.default in parameter.choices
        assert not (parameter.secret and (parameter.url or parameter.choices or parameter.default))


@every
def test_its_principals_are_of_known_types(kind: Kind) -> None:
    assert set(kind.principal_types) <= set(PrincipalType)
    assert len(set(kind.principal_types)) == len(kind.principal_types) > 0


@every
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.method)
def test_apply_is_the_same_twice_and_leaves_its_input_unchanged(kind: Kind, request_: HttpRequest) -> None:
    before = (request_.method, request_.url, request_.headers, request_.body)
    for protocol in variants(kind):
        assert protocol.apply(request_, issued(kind), MOMENT) == protocol.apply(request_, issued(kind), MOMENT)
        assert (request_.method, request_.url, request_.headers, request_.body) == before


@every
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.method)
def test_apply_writes_exactly_the_headers_that_it_declares(kind: Kind, request_: HttpRequest) -> None:
    declared = {name.lower() for name in kind.writes}
    for protocol in variants(kind):
        after = protocol.apply(request_, issued(kind), MOMENT)
        own = [h for h in request_.headers if h[0].lower() not in declared]
        assert [h for h in after.headers if h[0].lower() not in declared] == own
        written = [name for name, _ in after.headers if name.lower() in declared]
        assert written == [name for name in kind.writes if name in written]
        assert written or after.query_added.parts or not kind.writes
        assert (after.method, after.url, after.body) == (request_.method, request_.url, request_.body)


BODIES = tuple(replace(REQUESTS[1], body=body) for body in (None, b"", b"other"))


@every
def test_apply_looks_at_no_more_of_a_request_than_it_needs(kind: Kind) -> None:
    """The engine keeps what was added for the next request, or reads no body, where that is not needed."""
    for protocol in variants(kind):
        needs = protocol.needs(protocol.values.parameters)
        alike = {Needs.NOTHING: REQUESTS, Needs.HEAD: BODIES, Needs.BODY: BODIES[:1]}[needs]
        added = [protocol.apply(request, issued(kind), MOMENT) for request in alike]
        headers = [[h for h in after.headers if h[0] in kind.writes] for after in added]
        assert all(each == headers[0] for each in headers)
        assert all(after.query_added == added[0].query_added for after in added)
        assert needs is not Needs.NOTHING or not added[0].query_added.parts


@every
def test_no_secret_shows_in_what_is_built_or_printed(kind: Kind) -> None:
    for protocol in variants(kind):
        after = protocol.apply(REQUESTS[0], issued(kind), MOMENT)
        hidden = {sealed(p) for p in kind.parameters if p.secret or p.key}
        hidden |= {f"{CANARY}-issued", reveal(TOKEN.access_token)}
        shown = repr((protocol, protocol.values, after, issued(kind))) + "".join(v.redacted for _, v in after.headers)
        assert [secret for secret in hidden if secret in shown] == []


@every
def test_a_secret_that_is_not_set_is_refused_before_anything_is_sent(kind: Kind) -> None:
    whole = made(kind).values
    for parameter in kind.parameters:
        if not parameter.secret or not parameter.is_needed(with_defaults(kind, whole.parameters)):
            continue
        secrets = {name: secret for name, secret in whole.secrets.items() if name != parameter.name}
        lacking = kind(Values(whole.parameters, secrets, whole.key_pairs))
        with pytest.raises(Refused, match=parameter.name) as refused:
            next(lacking.obtain(MOMENT, begun_with(kind))) if kind.obtains else lacking.apply(REQUESTS[0], None, MOMENT)
        assert refused.value.reason.code == "principal_not_configured"


@every
def test_a_protocol_obtains_a_token_exactly_where_it_says_so(kind: Kind) -> None:
    assert kind.obtains == (kind.obtain is not AuthenticationProtocol.obtain)


RFC_6749_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
ADMIN, EXTERNAL, CALLER = {Blame.ADMIN}, {Blame.EXTERNAL}, {Blame.ADMIN, Blame.CALLER}
ODD_ANSWERS = [
    *((answer(400, json.dumps({"error": error})), CALLER, error) for error in RFC_6749_ERRORS),
    (answer(401, json.dumps({"error": "invalid_client"})), ADMIN, "invalid_client"),
    (answer(200, b""), ADMIN, "an empty body"),
    (answer(204, b"", None), ADMIN, "answered 204"),
    (answer(200, "<html><title>Sign in</title></html>", "text/html"), ADMIN, "text/html"),
    (answer(200, '{"access_token": ""}'), ADMIN, "access_token"),
    (answer(200, '{"access_token": null}'), ADMIN, "access_token"),
    (answer(200, '{"access_token": ["a"]}'), ADMIN, "access_token"),
    (answer(200, "[]"), ADMIN, "answered 200"),
    (answer(200, '{"access_tok'), ADMIN, "answered 200"),
    (answer(200, b"\xff\xfe\x00"), ADMIN, "answered 200"),
    (answer(200, "[" * 200_000), ADMIN, "answered 200"),
    (answer(200, "x" * 100_000, "text/plain"), ADMIN, "text/plain"),
    (answer(302, "", None), ADMIN, "answered 302"),
    (answer(404, "no such page", "text/plain"), ADMIN, "no such page"),
    (answer(429, '{"error": "slow_down"}'), EXTERNAL, "slow_down"),
    (answer(500, "<html>oops</html>", "text/html"), EXTERNAL, "answered 500"),
    (answer(503, b"", None), EXTERNAL, "an empty body"),
    (answer(999, "Request denied", "text/html"), EXTERNAL, "Request denied"),
]


@obtaining
def test_obtain_asks_the_token_endpoint_and_nothing_else(kind: Kind) -> None:
    for protocol in variants(kind):
        for stale in (AUTHORIZED,) if kind.interactive else (None, TOKEN):
            token, requests = play(protocol.obtain(MOMENT, stale), granted(kind, protocol))
            assert [request.url for request in requests if not request.url.startswith(token_endpoints(kind))] == []
            assert f"{CANARY}-issued" in reveal(token.access_token)
            assert token.issued_at == NOW


@obtaining
def test_obtain_shows_no_secret_in_what_it_sends_when_printed(kind: Kind) -> None:
    for protocol in variants(kind):
        token, requests = play(protocol.obtain(MOMENT, begun_with(kind) or TOKEN), granted(kind, protocol))
        hidden = {sealed(p) for p in kind.parameters if p.secret or p.key} | {f"{CANARY}-issued"}
        assert [secret for secret in hidden if secret in repr((token, requests))] == []


@obtaining
@pytest.mark.parametrize(("response", "blamed", "said"), ODD_ANSWERS, ids=lambda v: v if isinstance(v, str) else "")
def test_an_odd_answer_ends_in_a_reason_that_blames_the_right_one(kind, response, blamed, said) -> None:
    for protocol in variants(kind):
        with pytest.raises(Refused) as refused:
            play(protocol.obtain(MOMENT, begun_with(kind)), response)
        assert refused.value.blame in blamed
        assert said in refused.value.detail
        assert len(refused.value.detail) < 2_000
        assert refused.value.remedies


@obtaining
def test_a_secret_that_the_endpoint_echoes_shows_in_no_error_and_no_explanation(kind: Kind) -> None:
    secrets = " ".join(sealed(p) for p in kind.parameters if p.secret)
    for body in (secrets, json.dumps({"error": secrets}), json.dumps({"error": "x", "error_description": secrets})):
        with pytest.raises(Refused) as refused:
            play(made(kind).obtain(MOMENT, begun_with(kind)), answer(400, body))
        step = Step("token", held=False, detail=refused.value.detail, reason=refused.value.reason.code)
        shown = repr((refused.value, refused.value.remedies, Explanation((step,))))
        assert [p.name for p in kind.parameters if p.secret and sealed(p) in shown] == []
