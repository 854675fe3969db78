"""A2: where a secret is opened or written, access was decided: injection is within enforcement, for every protocol.

Whoever asks, by whatever name: a callout that is refused opens no sealed value, and one that is admitted opens those
of the principal alone that `decide` chose.
"""

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
from callout.core.protocols import CATALOGUE
from callout.engine.callers import identify
from callout.engine.evaluating import Asked
from callout.engine.slots import secret_row
from tests.engine.conftest import ACME_KEY, ALICE_KEY, BOB_KEY, World, world
from tests.security.test_canary_protocols import parameters_of
from tests.security.test_fail_closed import with_broken

__all__ = ["world"]

KEYS = (ALICE_KEY, BOB_KEY, ACME_KEY, b"co_carol", b"co_unknown", None)
NAMES = ("Mine", "Theirs", "Off", "Nowhere")
PRINCIPALS = (None, b"Shared", b"Own", b"Nobody")
#: Why a callout that was allowed is not sent here: no key pair is stored, and nobody has authorized anything.
LACKING = {"principal_not_configured", "authorization_required"}
ASKED = Asked((), None, 1000, method=b"GET", target=b"/x", callout_id=b"c1")


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
    principals = (Principal("Shared"), Principal("Own", PrincipalType.PER_USER, 2))
    parameters = parameters_of(CATALOGUE[protocol], "https://id.example.com")
    headers = (CustomHeader("X-Extra", "{!$Credential." + name + ".extra}"),)
    return ExternalCredential(name, protocol, parameters, headers=headers, principals=principals)


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
    )
    await made.put_key(b"co_carol", "carol")
    for credential, principal, user in [
        *itertools.product(("Mine", "Theirs"), ["Own"], ("alice", "carol")),
        ("Mine", "Shared", ""),
        ("Theirs", "Shared", ""),
    ]:
        key = UserExternalCredentialKey(credential, principal, user)
        known = external(credential, protocol)
        names = required_names(CATALOGUE, known, known.principals[0])
        names |= {f"{p.name}.Planted" for p in CATALOGUE[protocol].parameters if p.key is not None}
        patterned = {p.name for p in CATALOGUE[protocol].parameters if p.pattern is not None}
        values = {name: f"{name}-of-{credential}-{principal}-{user}" for name in names}
        encoded = {name: value.encode().hex() for name, value in values.items() if name in patterned}
        await made.put_secrets(key, **{**values, **encoded})


@pytest.mark.parametrize("protocol", sorted(CATALOGUE))
async def test_what_is_opened_and_written_is_what_was_decided(world, protocol) -> None:
    vault = WatchedVault(world.vault)
    await define(world, protocol)
    admitted = 0
    for key, name, principal in itertools.product(KEYS, NAMES, PRINCIPALS):
        made = with_broken(world, vault=vault)  # engine parts that have opened nothing yet
        vault.opened.clear()
        org, now = world.org.value, world.clock.now()
        identified = identify(org, now, key=key, local_keys={})
        wanted = principal.decode() if principal is not None else None
        decision = decide(org, CATALOGUE, identified.caller, name, now=now, principal=wanted, proof=identified.refusal)
        try:
            route = made.callouts.admit(name, [], key, None, principal)
            head = (await made.callouts.prepare(route, ASKED if route.formulas is not None else None)).head
        except Refused as refused:
            if not decision.allowed:
                assert vault.opened == []
                continue
            assert refused.reason.code in LACKING  # noqa: PT017 - some are sent, some not
            head = b""
        admitted += 1
        assert decision.allowed
        holder = decision.holder
        assert set(vault.opened) <= {
            *(secret_row(holder, each) for each in org.configured[holder]),
            *(row for row in vault.opened if row.startswith("token") and str(holder) in row),
        }
        assert head == b"" or f"extra-of-{holder.external_credential}-{holder.principal}-{holder.user}".encode() in head
        assert head.count(b"-of-") == head.count(
            f"-of-{holder.external_credential}-{holder.principal}-{holder.user}".encode()
        )
    unconnected = CATALOGUE[protocol].interactive  # nobody has authorized anything: nobody is admitted
    assert admitted == (0 if unconnected else 5), "alice's two, asked for by name or not; carol's one, likewise"
