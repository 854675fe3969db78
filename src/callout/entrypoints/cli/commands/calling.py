"""Commands about callouts: make one, say what one would do, what one did, who can, and how every principal is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from callout.entrypoints.cli.commands.secrets import split_principal
from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, command_line, exit_code, fields, remedy_line, table, text
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

if TYPE_CHECKING:
    from callout.entrypoints.cli.sending import Answer, Sending

AsUser = Annotated[str | None, Parameter(name="--as", metavar="USER")]


def register(app: App) -> None:
    """Add these commands."""
    for command in (send, diagnose, explain, who_can, status, health):
        app.command(command)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is sent beside the address."""

    method: Annotated[str | None, Parameter(alias="-X")] = None
    """HTTP method; default GET, with --data POST."""
    header: Annotated[list[str] | None, Parameter(alias="-H", negative=(), metavar="'NAME: VALUE'")] = None
    """A header of the request; may be given several times."""
    data: Annotated[str | None, Parameter(alias="-d", allow_leading_hyphen=True)] = None
    """Body of the request: text, `@FILE`, or `-` for standard input."""
    principal: str | None = None
    """Principal to call as, where several are granted."""
    on_behalf_of: Annotated[str | None, Parameter(metavar="USER")] = None
    """User on whose behalf the callout is made, where a permission set lets you act for them."""
    timeout: float | None = None
    """Seconds that the external system has to begin its answer."""


AS_IT_IS = Outgoing()


async def send(
    address: str,
    /,
    *,
    outgoing: Outgoing = AS_IT_IS,
    include: Annotated[Switch, Parameter(alias="-i")] = False,
    fail: Switch = False,
    as_user: AsUser = None,
    namespace: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make a callout and write its answer to standard output.

    Example: `callout send Orders/items?limit=5 --as alice`

    Example: `callout send Orders/items -X POST -H "Content-Type: application/json" -d @item.json`

    Parameters
    ----------
    address:
        NAME[/path][?query], or with `callout:` before it.
    include:
        Write the status and headers of the answer first.
    fail:
        End with exit code 4 where the external system answers 400 or above.
    as_user:
        User to call as, on a home; default the first administrator. A running server knows you by your key.
    namespace:
        Package whose code calls, on a home.
    """
    from asyncio import to_thread

    sending = _sending(session, address, outgoing)
    remote = session.remote(where)
    if remote is not None:
        if as_user is not None or namespace is not None:
            raise UsageError("got --as or --namespace with --url; expected neither: a server knows you by your key")
        url = remote.url_of("gateway").geturl()
        return await to_thread(_exchange, session, url, remote.key, sending, include=include, fail=fail)
    user = as_user or await _own_user(session, where)
    async with session.wiring.local_gateway(session.home(where), user, namespace) as (url, key):
        return await to_thread(_exchange, session, url, key, sending, include=include, fail=fail)


def _sending(session: Session, address: str, outgoing: Outgoing) -> Sending:
    from callout.core.access.target import split_address
    from callout.entrypoints.cli.sending import Sending, read_headers

    name, target = split_address(address)
    headers = read_headers(outgoing.header or [])
    if outgoing.principal is not None:
        headers = (*headers, ("Callout-Principal", outgoing.principal))
    if outgoing.on_behalf_of is not None:
        user = outgoing.on_behalf_of.encode().decode("latin-1")  # what http.client writes as these bytes again
        headers = (*headers, ("Callout-On-Behalf-Of", user))
    body = _body(session, outgoing.data)
    method = outgoing.method or ("GET" if body is None else "POST")
    return Sending(name, target, method, headers, body, outgoing.timeout)


async def _own_user(session: Session, where: Where) -> str:
    user = (await session.run(where, "whoami"))["user"]
    if user is None:
        raise UsageError("got no --as, and no administrator is defined; expected --as USER")
    return str(user)


def _body(session: Session, given: str | None) -> bytes | Path | None:
    if given is None:
        return None
    if given == "-":
        binary = getattr(session.stdin, "buffer", None)
        return binary.read() if binary is not None else session.stdin.read().encode()
    return Path(given[1:]).expanduser() if given.startswith("@") else given.encode()


def _exchange(session: Session, url: str, key: str, sending: Sending, *, include: bool, fail: bool) -> int:
    from callout.entrypoints.cli.sending import exchange

    with exchange(url, key, sending) as answer:
        code = _written(session, answer, include=include)
    return exit_code("external") if fail and answer.status >= 400 and not answer.is_callouts_own else code


def _written(session: Session, answer: Answer, *, include: bool) -> int:
    output = session.output
    if include and not output.machine:
        output.stdout.write(f"HTTP/1.1 {answer.status} {answer.reason}\n")
        output.stdout.writelines(f"{name}: {value}\n" for name, value in answer.headers)
        output.stdout.write("\n")
    if answer.is_callouts_own:
        output.stdout.flush()
        return output.problem(answer.problem())
    if output.machine:
        output.result(answer.members(), lambda _: [])
        return 0
    for chunk in answer.body:
        output.bytes(chunk)
    return 0


async def diagnose(
    name: str,
    /,
    *,
    as_user: AsUser = None,
    namespace: str | None = None,
    method: Annotated[str, Parameter(alias="-X")] = "GET",
    path: str = "",
    principal: str | None = None,
    on_behalf_of: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Decide about a callout, and show the exact request that would leave. Nothing is sent; secrets show as `…`.

    The exit code is that of the reason which the callout would end with.

    Example: `callout diagnose Orders --as alice --namespace acme --path /items`

    Parameters
    ----------
    name:
        Name of the named credential.
    as_user:
        User who would call; default yourself (on a home: the first administrator).
    namespace:
        Package whose code would call.
    method:
        HTTP method.
    path:
        Path and query after the name.
    principal:
        Principal to call as, where several are granted.
    on_behalf_of:
        User on whose behalf the callout would be made.
    """
    request = {
        "name": name,
        "user": as_user,
        "namespace": namespace,
        "method": method,
        "path": path,
        "principal": principal,
        "on_behalf_of": on_behalf_of,
    }
    result = await session.run(where, "diagnose", request)
    session.output.result(result, _diagnosed)
    return 0 if result["allowed"] else exit_code(result["blame"])


def _diagnosed(result: Result) -> Lines:
    yield from ladder(result)
    if result["allowed"]:
        yield text("This callout would be made.", "green")
    request = result.get("request")
    if request:
        yield text("")
        yield text(f"{request['method']} {request['url']}", "bold")
        yield from (text(f"{name}: {value}") for name, value in request["headers"])


def ladder(result: Result) -> Lines:
    """Show every rung in one line, with what mends those that do not hold."""
    width = max((len(step["name"]) for step in result["steps"]), default=0)
    for step in result["steps"]:
        mark, style = ("✓", "green") if step["held"] else ("✗", "red")
        yield text(f"{mark} {step['name'].ljust(width)}  {step['detail']}", style if not step["held"] else "")
        for remedy in step.get("remedy") or ():
            yield remedy_line(remedy)
    if not result["allowed"]:
        yield text(
            f"{result['title']} ({result['reason']}, {result['status']}); to be mended by: {result['blame']}", "bold"
        )


async def explain(callout_id: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show the trace of a callout: what was decided, rung by rung, what happened, and how to mend it.

    Example: `callout explain 019a2b3c4d5e6f0000011a2b3c`

    Parameters
    ----------
    callout_id:
        The Callout-Id of an answer.
    """
    return await session.show(where, "explain", {"callout_id": callout_id}, _explained)


def _explained(result: Result) -> Lines:
    caller = result["caller"]
    who = caller["user"] or "an unknown caller"
    code = f" (package {caller['namespace']})" if caller["namespace"] else ""
    code += f" on behalf of {result['on_behalf_of']}" if result.get("on_behalf_of") else ""
    yield text(f"{result['at']}  {who}{code}  {result['method']} {result['path']}", "bold")
    answered = f"answered {result['status']} in {result['duration_ms']} ms"
    yield text(f"{answered}, replay {result['replay']}" if result.get("replay") else answered)
    if not result["allowed"] and result.get("detail"):
        yield text(str(result["detail"]))
    yield from ladder(result)
    shown = {remedy for step in result["steps"] for remedy in step.get("remedy") or ()}
    yield from (remedy_line(remedy) for remedy in result.get("remedy") or () if remedy not in shown)


async def who_can(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """List who can make callouts by a name, and how; and who nearly can, and what is missing.

    Example: `callout who-can Orders`

    Parameters
    ----------
    name:
        Name of the named credential.
    """
    with session.output.working("Deciding …"):
        result = await session.run(where, "who_can", {"name": name})
    session.output.result(result, _who)
    return 0


def _who(result: Result) -> Lines:
    state = "enabled for callouts" if result["enabled_for_callouts"] else "not enabled for callouts"
    yield text(f"{result['named_credential']} points to {result['url']} and is {state}", "bold")
    yield from (text(f"at most {limit}") for limit in result["rate_limits"])
    rows = (
        (u["user"], u["profile"], u["principal"], "; ".join(u["how"]), "; ".join(u["rules"])) for u in result["users"]
    )
    yield from table(("user", "profile", "principal", "how", "only"), rows, empty="No user can make callouts by it.")
    if result["profiles"]:
        yield text("")
        whole = ((p["profile"], p["principal"], "; ".join(p["how"])) for p in result["profiles"])
        yield from table(("everyone with profile", "principal", "how"), whole, empty="")
    if result["nearly"]:
        yield text("")
        yield text("Nearly:", "bold")
    for near in result["nearly"]:
        yield text(f"{near['user']}: " + "; ".join(step["detail"] for step in near["lacking"]))
        yield from (remedy_line(remedy) for remedy in near["remedy"])
    if result["packages"]:
        yield text("")
        packages = ((p["namespace"], p["allowed"]) for p in result["packages"])
        yield from table(("code of package", "allowed"), packages, empty="")


async def status(
    principal: str | None = None,
    /,
    *,
    user: str | None = None,
    live: Switch = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """Show the health of every principal: the state of its token, why, and what mends it; its times, its last error.

    With `--live` the authorization server is asked whether the token of one principal is active (RFC 7662); the exit
    code is 4 where it is not.

    Example: `callout status --json`

    Example: `callout status Orders/Service --live`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL; default all.
    user:
        Whose token it is, for a per-user principal.
    live:
        Ask the authorization server; the external credential declares an introspection_endpoint for it.
    """
    if live:
        return await _live(session, where, principal, user)
    with session.output.working("Looking …"):
        result = dict(await session.run(where, "status"))
    wanted = [p for p in result["principals"] if principal in (None, p["principal"]) and user in (None, p["user"])]
    if principal is not None and not wanted:
        known = ", ".join(sorted({p["principal"] for p in result["principals"]})) or "none is defined"
        raise UsageError(f"got {principal!r}; expected a principal that has something to show: {known}")
    session.output.result({**result, "principals": wanted}, _states)
    return 0


async def _live(session: Session, where: Where, principal: str | None, user: str | None) -> int:
    if principal is None:
        raise UsageError("got --live without a principal; expected EXTERNAL_CREDENTIAL/PRINCIPAL")
    external_credential, name = split_principal(principal)
    request = {"external_credential": external_credential, "principal": name, "user": user}
    with session.output.working("Asking the authorization server …"):
        result = await session.run(where, "token.introspect", request)
    session.output.result(result, _live_lines)
    return exit_code("external") if result["active"] is False else 0


def _live_lines(result: Result) -> Lines:
    yield text(result["message"])
    if result["active"]:
        yield from fields(result, "scope", "client_id", "subject", "expires_at", "expected_until")


def _ending(certificate: Result) -> Lines:
    users = ", ".join(certificate["used_by"]) or "nothing"
    yield text(f"certificate {certificate['name']}: {certificate['state_reason']}; used by {users}", "yellow")
    for command in certificate["remedy_commands"]:
        yield command_line("  → ", command)


def _states(result: Result) -> Lines:
    columns = ("principal", "user", "state", "lacks", "issued", "expires", "last refresh", "because", "last error")
    rows = (
        (
            p["principal"],
            p["user"],
            p["state"].replace("_", " "),
            p["missing"],
            p["issued_at"],
            p["expires_at"],
            p["last_refresh_at"],
            p["obtained_because"],
            _error(p),
        )
        for p in result["principals"]
    )
    yield from table(columns, rows, empty="No principal is defined.")
    for certificate in result["certificates"]:
        if certificate["state"] != "ready":
            yield from _ending(certificate)
    for p in result["principals"]:
        if p["remedy"]:
            whose = f"{p['principal']} of {p['user']}" if p["user"] else p["principal"]
            yield text("")
            since = f" since {p['state_since']}" if p["state_since"] else ""
            yield text(f"{whose}: {p['state'].replace('_', ' ')}{since}: {p['state_reason']}")
            yield from (remedy_line(remedy) for remedy in p["remedy"])
    for suggestion in result["suggestions"]:
        yield text("")
        yield text(f"{suggestion['remedy'][0]}", "bold")
        yield text(f"  seen until {suggestion['last_at']}: {suggestion['evidence']}")


async def health(*, since: str = "24h", where: Where = HERE, session: Given) -> int:
    """Show callouts, errors, refreshes and how long they took since a time, and how every principal stands.

    Example: `callout health --since 7d`

    Parameters
    ----------
    since:
        How long ago (`30m`, `24h`, `7d`), or a time (ISO 8601).
    """
    with session.output.working("Counting …"):
        result = await session.run(where, "health", {"since": since})
    session.output.result(result, _healthy)
    return 0


def _healthy(result: Result) -> Lines:
    total = result["total"]
    often = f"{total['calls']:,} callouts since {result['since']}: {total['errors']:,} errors, {total['refreshes']:,} refreshes"
    yield text(often, "bold")
    if not result["complete"]:
        yield text("  the newest of them: the log holds more since the time that was asked for")
    if result["left_out"]:
        yield text(
            f"  {result['left_out']:,} successful ones were left out by sampling; they are counted by name alone"
        )
    if result["dropped"]:
        yield text(f"  {result['dropped']:,} records were lost before they could be written", "yellow")
    for reason, count in total["reasons"].items():
        yield text(f"  {count:,} refused: {reason}")
    rows = (
        (n["name"], f"{n['calls']:,}", f"{n['errors']:,}", n["refreshes"], n["p50_ms"], n["p95_ms"], n["p99_ms"])
        for n in result["named_credentials"]
    )
    columns = ("named credential", "callouts", "errors", "refreshes", "p50 ms", "p95 ms", "p99 ms")
    yield from table(columns, rows, empty="No callout.")
    yield text("")
    yield from _states(result)
    for request in result["approvals"]:
        yield text("")
        yield text(f"package {request['namespace']} waits for approval to reach {request['named_credential']}", "bold")
        yield command_line("  → ", f"callout approvals show {request['id']}")


def _error(row: dict[str, Any]) -> str | None:
    return f"{row['last_error_at']} {row['last_error']}" if row["last_error"] else None
