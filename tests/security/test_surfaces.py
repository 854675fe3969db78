"""A2: where a secret is opened or written, access was decided: injection is within enforcement, for every protocol.

Whoever asks, by whatever name: a callout that is refused opens no sealed value, and one that is admitted opens those
of the principal alone that `decide` chose.
"""

import importlib
import itertools

import pytest

from callout.core.access.decide import decide, required_names
from callout.core.errors import Refused
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.people import ObjectPermission, PermissionSet, User
from callout.core.oauth2 import sealable
from callout.core.ports import StoredToken
from callout.core.protocol import CONNECTION, Parameter, Token
from callout.core.protocols import CATALOGUE
from callout.core.refresh.epoch import fingerprint_of
from callout.core.secret import Secret, reveal
from callout.engine.callers import identify
from callout.engine.evaluating import Asked
from callout.engine.slots import secret_row, token_row
from tests.engine.conftest import ACME_KEY, ALICE_KEY, BOB_KEY, World, new_world, world
from tests.keys import certificate_of, key, self_signed
from tests.security.test_fail_closed import with_broken

__all__ = ["new_world", "world"]

KEYS = (ALICE_KEY, BOB_KEY, ACME_KEY, b"co_carol", b"co_unknown", None)
NAMES = ("Mine", "Theirs", "Off", "Nowhere")
PRINCIPALS = (None, b"Shared", b"Own", b"Nobody")
CERTIFICATE, PRIVATE_KEY = certificate_of("Key", key("RSA"), self_signed("RSA"))
#: What no declaration requires by itself, and has to be there all the same.
NEEDED = {
    "api_key_in_query": {"query_parameters.key": "plain"},
    "http_message_signatures": {"algorithm": "rsa-v1_5-sha256"},
    "oauth2_jwt_bearer": {"claims.iss": "plain"},
}
ASKED = Asked((), None, 0, method=b"GET", target=b"/")


class Granting:
    """Grants a token with an answer of the protocol's own, where its tests have one; with that of the world otherwise."""

    def __init__(self, made: World, protocol: str) -> None:
        tests = importlib.import_module(f"tests.core.protocols.test_{protocol}")
        self._answer = getattr(tests, "CONFORMING", None)
        self._server = made.server

    async def send(self, request, **options):
        return self._answer or await self._server.send(request, **options)


class WatchedVault:
    """Opens as another does, and keeps the names of the rows that it opened."""

    def __init__(self, vault) -> None:
        self._vault = vault
        self.opened: list[str] = []

    def seal(self, secret, *, row: str) -> bytes:
        return self._vault.seal(secret, row=row)

    def open(self, envelope: bytes, *, row: str):
        self.opened.append(row)
        return self._vault.open(envelope, row=row)


def external(name: str, protocol: str) -> ExternalCredential:
    known = CATALOGUE[protocol].parameters
    declared = [each for each in known if not each.secret and (each.required or each.name == "signing_certificate")]
    principals = (Principal("Shared"), Principal("Own", PrincipalType.PER_USER, 2))
    without_key = {each.unless[0]: each.unless[1] for each in declared if each.key_pair and len(each.unless) > 1}
    parameters = {each.name: value_of(each) for each in declared if each.default is None}
    parameters |= without_key | NEEDED.get(protocol, {})
    headers = (CustomHeader("X-Extra", "{!$Credential." + name + ".extra}"),)
    return ExternalCredential(name, protocol, parameters, headers=headers, principals=principals)


def value_of(parameter: Parameter) -> str:
    if parameter.key_pair:
        return CERTIFICATE.name
    return "https://id.example.com/token" if parameter.url else f"plain-{parameter.name}"


async def define(made: World, protocol: str) -> None:
    grants = {
        "Shares": (PrincipalReference("Mine", "Shared"), PrincipalReference("Mine", "Own")),
        "Owns": (PrincipalReference("Theirs", "Own"),),
    }
    read = frozenset({ObjectPermission.READ})
    await made.define(
        external("Mine", protocol),
        external("Theirs", protocol),
        *(NamedCredential(name, f"https://{name.lower()}.example.com", name) for name in ("Mine", "Theirs")),
        NamedCredential("Off", "https://off.example.com", "Mine", enabled_for_callouts=False),
        *(PermissionSet(name, frozenset(granted), read) for name, granted in grants.items()),
        User("alice", permission_sets=("Shares",)),
        User("carol", permission_sets=("Owns",)),
        CERTIFICATE,
    )
    await made.put_secrets(CERTIFICATE.key, private_key=reveal(PRIVATE_KEY))
    await made.put_key(b"co_carol", "carol")
    for credential, principal, user in [
        *itertools.product(("Mine", "Theirs"), ["Own"], ("alice", "carol")),
        ("Mine", "Shared", ""),
        ("Theirs", "Shared", ""),
    ]:
        holder = UserExternalCredentialKey(credential, principal, user)
        known = external(credential, protocol)
        names = required_names(CATALOGUE, known, known.principals[0])
        names |= {f"{p.name}.iss" for p in CATALOGUE[protocol].parameters if p.key is not None and p.formula}
        given = {name: f"{name}-of-{credential}-{principal}-{user}" for name in names}
        patterned = {p.name for p in CATALOGUE[protocol].parameters if p.pattern is not None}
        given |= {
            name: (value + "." * (len(value) % 2)).encode().hex() for name, value in given.items() if name in patterned
        }
        await made.put_secrets(holder, **given, **({CONNECTION: "given"} if CATALOGUE[protocol].interactive else {}))
        if CATALOGUE[protocol].interactive:
            await authorize(made, holder)


async def authorize(made: World, key: UserExternalCredentialKey) -> None:
    """Store a token, as connecting does."""
    org = made.org.value
    known = org.external_credentials[key.external_credential]
    fingerprint = fingerprint_of(org, known, known.principal(key.principal), key)
    token = Token(Secret(f"token-of-{key.external_credential}-{key.principal}-{key.user}"), made.clock.now())
    envelope = made.vault.seal(sealable(token), row=token_row(key, fingerprint))
    row = StoredToken(key, 1, envelope, token.issued_at, None, "first", fingerprint)
    assert await made.store.user_external_credentials.swap_token(row, replaces=0)


@pytest.mark.parametrize("protocol", sorted(CATALOGUE))
async def test_what_is_opened_and_written_is_what_was_decided(world, protocol) -> None:
    vault = WatchedVault(world.vault)
    await define(world, protocol)
    admitted = 0
    for proof, name, principal in itertools.product(KEYS, NAMES, PRINCIPALS):
        # Engine parts that have opened nothing yet.
        made = with_broken(world, vault=vault, transport=Granting(world, protocol))
        vault.opened.clear()
        org, now = world.org.value, world.clock.now()
        identified = identify(org, now, key=proof, local_keys={})
        wanted = principal.decode() if principal is not None else None
        decision = decide(org, CATALOGUE, identified.caller, name, now=now, principal=wanted, proof=identified.refusal)
        try:
            route = made.callouts.admit(name, [], proof, None, principal)
            head = (await made.callouts.prepare(route, ASKED if route.formulas is not None else None)).head
        except Refused:
            assert (decision.allowed, vault.opened) == (False, [])
            continue
        admitted += 1
        assert decision.allowed
        holder = decision.holder
        assert set(vault.opened) <= {
            *(secret_row(holder, each) for each in org.configured[holder]),
            *(row for row in vault.opened if row.startswith("token") and str(holder) in row),
            CERTIFICATE.key.secret_row("private_key"),
        }
        assert f"extra-of-{holder.external_credential}-{holder.principal}-{holder.user}".encode() in head
        assert head.count(b"-of-") == head.count(
            f"-of-{holder.external_credential}-{holder.principal}-{holder.user}".encode()
        )
    assert admitted == 5, "alice's two, asked for by name or not; carol's one, likewise"
