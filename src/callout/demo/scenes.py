"""The scenes. The first line of each docstring is its title."""

from __future__ import annotations

from callout.demo.world import CLIENT_ID, CLIENT_SECRET, Exchanged, World, expect

PACKAGE_FOR_ALICE = "code of package acme, for alice"
PACKAGE_FOR_ADMIN = "code of package acme, for admin"


def first_callout(world: World) -> None:
    """First callout: alice knows a name, and no secret."""
    world.transcript.say("Callout finds the system, gets a token, adds it, and returns the answer.")
    made = world.call("callout:Shop/orders?limit=2", "alice", until=_is_known)
    expect_answer(made, 200, "token 200", "callout 200")
    expect(made.answer.json()["path"], "/v2/orders", "the path that was received")


def stale_as_400(world: World) -> None:
    """The token went stale, and this system says so with status 400: one refresh, and 200."""
    _stale(world, 400)


def stale_as_601(world: World) -> None:
    """The same with status 601, which no standard knows: one refresh, and 200."""
    _stale(world, 601)


def _stale(world: World, status: int) -> None:
    world.make_stale(status)
    world.transcript.say(f"The sandbox was told: every token expires now, and a stale one is answered with {status}.")
    made = world.call("callout:Shop/orders/7", "alice")
    expect_answer(made, 200, f"callout {status}", "token 200", "callout 200")


def guest_is_refused(world: World) -> None:
    """A guest is refused: it proves nothing and is told little; an administrator sees the cause."""
    made = world.call("callout:Shop/orders", None)
    expect_refusal(made, "principal_not_granted")
    trace = world.explain(made.problem["callout_id"])
    lacking = [step for step in trace["steps"] if not step["held"]]
    for step in lacking:
        world.transcript.cause(step["detail"], step["remedy"])
    expect([step["reason"] for step in lacking][:1], ["principal_not_granted"], "the cause in the trace")


def contractor_is_refused_then_allowed(world: World) -> None:
    """A contractor has a custom profile: the principal is granted, read on User External Credential is not."""
    _refused_then_allowed(world, "callout:Shop/orders", "bob", "user_external_credential_denied")


def package_is_refused_then_allowed(world: World) -> None:
    """Code of a package is refused, though alice is allowed: its namespace is not."""
    _refused_then_allowed(world, "callout:Shop/orders", PACKAGE_FOR_ALICE, "namespace_not_allowed")


def package_made_credential(world: World) -> None:
    """Code of a package defines a named credential: it starts disabled, until an administrator has judged it."""
    manifest = world.folder / "package.yaml"
    manifest.write_text(
        "named_credentials:\n"
        f"  Parcels: {{url: {world.where['external_system']}/parcels, external_credential: Shop,"
        " allow_private_network: true}\n"
    )
    world.transcript.say("The package calls the running server with its own key:")
    words = ("apply", "-f", str(manifest), "--url", world.where["setup"])
    world.transcript.command(f"callout {' '.join(words)} --key co_…")
    world.command(*words, "--key", world.keys[PACKAGE_FOR_ADMIN], show=False)
    _refused_then_allowed(world, "callout:Parcels/track/9", PACKAGE_FOR_ALICE, "callouts_disabled")


def quick_create(world: World) -> None:
    """One command makes endpoint, authentication, principal and grant: the next callout is made with them."""
    files = {name: world.folder / f"parts.{name}" for name in ("client_id", "client_secret")}
    for name, text in (("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)):
        files[name].write_text(text)
    world.command(
        *("create", "Parts", "--endpoint", f"{world.where['external_system']}/parts", "--allow-private-network"),
        *("--protocol", "oauth2_client_credentials", "--parameter", f"token_endpoint={world.where['token_endpoint']}"),
        *(word for name, file in files.items() for word in ("--secret", f"{name}=@{file}")),
        *("--user", "alice"),
    )
    made = world.call("callout:Parts/items/3", "alice", until=lambda made: made.answer.status_code == 200)
    expect_answer(made, 200, "token 200", "callout 200")


def _refused_then_allowed(world: World, address: str, key: str, reason: str) -> None:
    made = world.call(address, key, until=lambda made: made.answer.headers.get("callout-error") == reason)
    expect_refusal(made, reason)
    expect(len(made.problem["remedy"]), 1, "the number of remedies")
    world.transcript.cause(made.problem["detail"], made.problem["remedy"])
    world.transcript.say("The remedy, run as it was printed:")
    world.as_printed(made.problem["remedy_commands"][0])
    again = world.call(address, key, until=lambda made: made.answer.status_code == 200)
    expect_answer(again, 200, "callout 200")


def expect_answer(made: Exchanged, status: int, *received: str) -> None:
    """Expect the external system's answer, after exactly these requests. Raises `Unexpected`."""
    expect((made.answer.status_code, made.answer.headers.get("callout-error")), (status, None), "the answer")
    expect(made.statuses, received, "what the sandbox received")


def expect_refusal(made: Exchanged, reason: str) -> None:
    """Expect that Callout refused for this reason, and that nothing left. Raises `Unexpected`."""
    expect(made.answer.headers.get("callout-error"), reason, f"the reason (status {made.answer.status_code})")
    expect(made.statuses, (), "what the sandbox received")


def _is_known(made: Exchanged) -> bool:
    return made.answer.headers.get("callout-error") != "caller_unknown"
