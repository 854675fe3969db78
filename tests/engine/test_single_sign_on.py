"""Signing in at a trusted issuer (OpenID Connect Core 1.0 section 3.1): what is sent, what is taken, what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import pytest

from callout.core.errors import DefinitionError, Refused
from callout.core.message import HttpResponse
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.people import User, UserKind
from callout.core.oauth2.authorization import AuthorizationResponse
from callout.core.secret import Secret, reveal
from callout.engine.sign_in import SignInRefused, SingleSignOn
from tests.signing_in import CHROME, HERE, furnish, open_door
from tests.tokens import ISSUER, TokenIssuer

LOGIN = TrustedIssuer(
    "Login",
    ISSUER,
    "callout-api",
    users={"alice-id": "alice", "robot-id": "robot"},
    client_id="setup",
    label="Example ID",
)
SECRET = "c4n4ry-client-secret"


@dataclass
class PlayedIssuer:
    """Implements `Transport`: discovery, keys, and a token endpoint that signs `claims` over those that are right."""

    signer: TokenIssuer = field(default_factory=TokenIssuer)
    claims: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    nonce: str = ""
    now: float = 0.0
    answer: tuple[int, dict] | None = None
    token: bytes = b""

    async def send(self, request, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        self.asked.append(request)
        if request.url.endswith("/.well-known/openid-configuration"):
            told = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", "token_endpoint": f"{ISSUER}/token"}
            whole = {**told, "authorization_endpoint": f"{ISSUER}/authorize", **self.metadata}
            return _json(200, {name: value for name, value in whole.items() if value is not None})
        if request.url.endswith("/keys"):
            return HttpResponse(200, "OK", (), self.signer.jwks)
        if self.answer is not None:
            return _json(*self.answer)
        claims = {"aud": "setup", "nonce": self.nonce, **self.claims}
        token = self.token or self.signer.token(self.now, **claims)
        return _json(200, {"access_token": "c4n4ry-access", "token_type": "Bearer", "id_token": token.decode()})


def _json(status: int, members: dict) -> HttpResponse:
    return HttpResponse(status, "", (("content-type", "application/json"),), json.dumps(members).encode())


@pytest.fixture
def issuer():
    return PlayedIssuer()


@pytest.fixture
async def door(tmp_path, issuer):
    with open_door(tmp_path, issuer) as made:
        await furnish(made)
        await made.define(LOGIN)
        await made.run("trusted_issuer.set_secret", name="Login", values={"client_secret": SECRET})
        issuer.now = made.clock.now().timestamp()
        yield made


@dataclass
class Trip:
    """A browser that went to the issuer: what it was sent with, and what it keeps."""

    sent: dict[str, str]
    text: str


async def begin(door, issuer, next_path: str = "/setup/users") -> Trip:
    begun = await SingleSignOn(door.signing_in).begin("Login", next_path)
    assert begun.url.startswith(f"{ISSUER}/authorize?")
    sent = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    issuer.nonce = sent["nonce"]
    return Trip(sent, begun.text)


async def come_back(door, trip: Trip, *, state: str = "", code: str | None = "c4n4ry-code", **more):
    answer = AuthorizationResponse(Secret(code) if code else None, more.get("error"), None, more.get("iss"))
    return await SingleSignOn(door.signing_in).complete(trip.text, state or trip.sent["state"], answer, CHROME)


async def refused(door, trip: Trip, **more) -> SignInRefused:
    with pytest.raises(SignInRefused) as caught:
        await come_back(door, trip, **more)
    assert not await door.store.sign_ins.sessions("alice")
    return caught.value


async def test_one_signs_in_as_the_user_whom_the_mapping_leads_to(door, issuer):
    trip = await begin(door, issuer)
    entered, wanted = await come_back(door, trip)
    assert (await door.who(entered), wanted) == ("alice", "/setup/users")
    assert entered.session.how == "single sign-on of Login"
    assert trip.sent["scope"] == "openid profile email"
    assert (trip.sent["response_type"], trip.sent["redirect_uri"]) == ("code", f"{HERE}/setup/sign-in/callback")
    assert [who for who, act, _ in await door.acts() if act == "sign in"] == ["alice"]


async def test_the_code_is_exchanged_with_the_verifier_and_the_secret_of_the_client(door, issuer):
    trip = await begin(door, issuer)
    await come_back(door, trip)
    request = next(each for each in issuer.asked if each.url.endswith("/token"))
    form = {name: values[0] for name, values in parse_qs(reveal(request.body)).items()}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert (challenge, trip.sent["code_challenge_method"]) == (trip.sent["code_challenge"], "S256")
    assert (form["grant_type"], form["code"], form["redirect_uri"]) == (
        "authorization_code",
        "c4n4ry-code",
        trip.sent["redirect_uri"],
    )
    basic = base64.b64encode(f"setup:{SECRET}".encode()).decode()
    assert ("Authorization", f"Basic {basic}") in [(name, reveal(value)) for name, value in request.headers]
    assert "c4n4ry" not in repr(request)


async def test_a_client_without_a_secret_and_one_that_posts_it(door, issuer):
    issuer.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await come_back(door, await begin(door, issuer))
    assert f"client_secret={SECRET}" in form_sent(issuer)
    await door.run("trusted_issuer.remove", name="Login")
    await door.define(LOGIN)
    issuer.metadata = {}
    await come_back(door, await begin(door, issuer))
    form = parse_qs(form_sent(issuer))
    assert (form["client_id"], "client_secret" in form) == (["setup"], False), "the secret went with the issuer"


def form_sent(issuer) -> str:
    """The form that the token endpoint was sent last."""
    return reveal([each for each in issuer.asked if each.url.endswith("/token")][-1].body)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "callout-api"}, "another audience"),
        ({"aud": ["setup", "other"]}, "another party"),
        ({"aud": ["setup", "other"], "azp": "other"}, "another party"),
        ({"azp": "other"}, "another party"),
        ({"iss": "https://evil.example.com"}, "issuer"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "without `exp`"),
        ({"nonce": "another"}, "another nonce"),
        ({"nonce": None}, "another nonce"),
        ({"nonce": 5}, "another nonce"),
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(door, issuer, claims, said):
    trip = await begin(door, issuer)
    issuer.claims = claims
    error = await refused(door, trip)
    assert (error.reason.code, said in error.detail) == ("single_sign_on_failed", True)
    assert "c4n4ry" not in str(error)
    assert (await door.acts())[-1][1] == "sign in failed"


async def test_a_forged_id_token_is_refused(door, issuer):
    trip = await begin(door, issuer)
    forged = {"aud": "setup", "nonce": issuer.nonce}
    issuer.token = TokenIssuer().token(issuer.now, **forged)
    assert "signature" in (await refused(door, trip)).detail
    issuer.token = issuer.signer.sign(
        {"iss": ISSUER, "sub": "alice-id", "exp": issuer.now + 60, **forged}, typ="logout+jwt"
    )
    assert "type" in (await refused(door, trip)).detail


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"state": "another"}, "did not ask for"),
        ({"code": None}, "neither code nor error"),
        ({"code": None, "error": "access_denied"}, "access_denied"),
        ({"iss": "https://evil.example.com"}, "another issuer"),
    ],
)
async def test_an_answer_that_is_not_the_issuers_to_this_browser_is_refused(door, issuer, more, said):
    trip = await begin(door, issuer)
    assert said in (await refused(door, trip, **more)).detail
    other = await begin(door, issuer)
    assert "did not ask for" in (await refused(door, Trip(trip.sent, other.text))).detail
    assert "did not ask for" in (await refused(door, Trip(trip.sent, ""))).detail
    door.clock.move(minutes=11)
    assert "too long ago" in (await refused(door, trip)).detail


async def test_an_issuer_that_says_it_names_itself_has_to(door, issuer):
    issuer.metadata = {"authorization_response_iss_parameter_supported": True}
    trip = await begin(door, issuer)
    assert "without iss" in (await refused(door, trip)).detail
    await come_back(door, trip, iss=ISSUER)


@pytest.mark.parametrize("subject", ["mallory", "robot-id", None])
async def test_nobody_is_made_and_no_program_signs_in(door, issuer, subject):
    trip = await begin(door, issuer)
    issuer.claims = {"sub": subject}
    error = await refused(door, trip)
    assert error.reason.code == "sign_in_refused"
    assert "mallory" not in (await door.setup.org()).users


async def test_names_and_addresses_prove_only_what_they_prove(door, issuer):
    await door.define(
        replace(LOGIN, users={"a@id.example": "alice"}, user_claim="email"), User("bg", kind=UserKind.BACKGROUND)
    )
    trip = await begin(door, issuer)
    for unverified in (False, "false"):
        issuer.claims = {"email": "a@id.example", "email_verified": unverified}
        assert "not verified" in (await refused(door, trip)).detail
    await door.define(replace(LOGIN, users={}, users_by_name=True))
    for nobody in ("guest", "bg", "no such user"):
        issuer.claims = {"sub": nobody}
        assert (await refused(door, trip)).reason.code == "sign_in_refused"
    issuer.claims = {"sub": "alice"}
    assert await door.who((await come_back(door, trip))[0]) == "alice"


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"authorization_endpoint": "http://id.example.com/authorize"}, "expected an https URL"),
        ({"authorization_endpoint": None}, "expected an https URL"),
        ({"issuer": "https://evil.example.com"}, "not that of"),
    ],
)
async def test_an_issuer_that_says_something_unsafe_is_not_gone_to(door, issuer, metadata, said):
    issuer.metadata = metadata
    with pytest.raises(SignInRefused, match=said):
        await SingleSignOn(door.signing_in).begin("Login", "/setup")


async def test_a_token_endpoint_that_refuses_is_told_with_what_mends_it(door, issuer):
    trip = await begin(door, issuer)
    issuer.answer = (401, {"error": "invalid_client"})
    error = await refused(door, trip)
    assert "401 ('invalid_client')" in error.detail
    assert error.remedies[0].command == "callout trusted-issuer set-secret Login client_secret=-"


async def test_an_issuer_that_does_not_answer_is_told(door, issuer):
    trip = await begin(door, issuer)

    async def dead(*_, **__):
        raise Refused("external_system_unreachable", "got no connection")

    door.setup.transport.send = dead
    assert "got no connection" in (await refused(door, trip)).detail


@pytest.mark.parametrize(
    "change",
    [None, {"client_id": ""}, {"users": {"robot-id": "robot"}}],
    ids=["removed", "no client", "mapped no more"],
)
async def test_a_session_ends_when_its_issuer_leads_to_the_user_no_more(door, issuer, change):
    entered, _ = await come_back(door, await begin(door, issuer))
    if change is None:
        await door.run("trusted_issuer.remove", name="Login")
    else:
        await door.define(replace(LOGIN, **change))
    assert await door.who(entered) is None


async def test_only_an_issuer_with_a_client_is_offered_and_gone_to(door):
    await door.define(replace(LOGIN, name="Api", issuer="https://api.example.com", client_id=""))
    assert await SingleSignOn(door.signing_in).offered() == [("Login", "Example ID")]
    for name in ("Api", "Nowhere"):
        with pytest.raises(SignInRefused, match="at which nobody signs in"):
            await SingleSignOn(door.signing_in).begin(name, "/setup")


async def test_the_client_is_in_the_manifest_and_its_secret_is_sealed_and_never_exported(door):
    manifest = json.dumps(
        {
            "trusted_issuers": {
                "More": {
                    "issuer": "https://more.example.com",
                    "audience": "a",
                    "users_by_name": True,
                    "client_id": "setup",
                    "scope": "openid",
                    "secrets": {"client_secret": SECRET},
                }
            }
        }
    )
    await door.run("apply", manifest=manifest)
    exported = (await door.run("export"))["manifest"]
    assert "client_id: setup" in exported
    assert "# secrets set: client_secret" in exported
    assert SECRET not in exported
    assert (await door.run("apply", manifest=manifest))["changed"] is False
    assert "trusted_issuer:" not in json.dumps(await door.run("status"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scope": "profile"}, "openid among the scopes"),
        ({"client_id": " setup"}, "without a space"),
        ({"secrets": {"client_id": "a"}}, "a trusted issuer has no other"),
    ],
)
async def test_a_client_that_cannot_work_is_refused(door, change, said):
    entry = {
        "issuer": "https://more.example.com",
        "audience": "a",
        "users_by_name": True,
        "client_id": "setup",
        **change,
    }
    with pytest.raises(DefinitionError, match=said):
        await door.run("apply", manifest=json.dumps({"trusted_issuers": {"More": entry}}))


async def test_strangers_do_not_make_the_issuer_be_asked_again_and_again(door, issuer):
    going = SingleSignOn(door.signing_in)
    for _ in range(5):
        await going.begin("Login", "/setup")
    assert len(issuer.asked) == 1
    door.clock.move(minutes=6)
    issuer.metadata = {"issuer": "https://evil.example.com"}
    for _ in range(5):
        with pytest.raises(SignInRefused, match="not that of"):
            await going.begin("Login", "/setup")
    assert len(issuer.asked) == 2
    issuer.metadata = {}
    door.clock.move(seconds=6)
    await going.begin("Login", "/setup")


async def test_an_address_from_which_too_many_answers_were_wrong_waits(door, issuer):
    trip = await begin(door, issuer)
    issuer.claims = {"sub": "mallory"}
    for _ in range(30):
        assert (await refused(door, trip)).reason.code == "sign_in_refused"
    assert (await refused(door, trip)).reason.code == "too_many_attempts"
