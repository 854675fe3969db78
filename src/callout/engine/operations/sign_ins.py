"""Rows of the table about signing in to Setup: invitations, passwords, sessions, the client at an issuer.

Everyone may look at their own sessions, end them, and change their own password; about others it takes an admin.
"""

from __future__ import annotations

from collections.abc import Collection

from callout.core.model.people import AdminPermission, Caller
from callout.engine.authority import NotPermitted
from callout.engine.operations import sign_in_requests as r
from callout.engine.operations.operation import LOCAL, Access, Operation, Uses
from callout.engine.operations.problems import OperationRefused
from callout.engine.setup import Result, found
from callout.engine.sign_in import choosing, issuer_client

_ENDING = (AdminPermission.MANAGE_USERS,)
_LOOKING = (AdminPermission.VIEW_SETUP, AdminPermission.MANAGE_USERS)


async def _set_password(uses: Uses, q: r.NewPassword, caller: Caller) -> Result:
    await _demand(uses, caller, q.name, _ENDING)
    return await choosing.set_password(uses.setup, uses.signing_in, caller, q.name, q.password, q.current)


async def _sessions(uses: Uses, q: r.SessionsOf, caller: Caller) -> Result:
    await _demand(uses, caller, q.name, _LOOKING)
    return await uses.signing_in.list(q.name, caller)


async def _sign_out(uses: Uses, q: r.SigningOut, caller: Caller) -> Result:
    await _demand(uses, caller, q.name, _ENDING)
    return await uses.signing_in.end(str(caller), q.name, q.session)


async def _demand(uses: Uses, caller: Caller, user: str, permissions: Collection[AdminPermission]) -> None:
    """Raise unless this is about oneself, or one has a permission: then unless the user is there."""
    if caller.key is not None:
        detail = f"got {caller.proof}, which is limited to callouts; expected a key without a limit"
        raise OperationRefused("administrator_required", detail)
    org = await uses.setup.org()
    if user != caller.user or caller.proof == LOCAL.proof:
        try:
            uses.setup.authority.demand_one_of(org, permissions, uses.setup.now())
        except NotPermitted as missing:
            detail = f"got another user than oneself, {caller.user}; {missing.detail}"
            raise NotPermitted(detail, *missing.remedies) from None
    if caller.namespace is not None:
        detail = f"got signing in from code of package {caller.namespace}; expected plan or apply"
        raise OperationRefused("package_code_refused", detail)
    found(org.users, user, "users", "a user")


SIGN_INS: tuple[Operation, ...] = (
    Operation(
        "user.invite",
        "POST",
        "/users/{name}/invite",
        r.Invitation,
        "Make a link at which a user chooses a password; it is shown once",
        lambda u, q, c: choosing.invite(u.setup, u.signing_in, str(c), q.name, expires=q.expires),
    ),
    Operation(
        "user.set_password",
        "PUT",
        "/users/{name}/password",
        r.NewPassword,
        "Set a password; one's own takes the current one, where there is one",
        _set_password,
        Access.KNOWN,
    ),
    Operation(
        "user.sessions",
        "GET",
        "/users/{name}/sessions",
        r.SessionsOf,
        "List the browsers in which a user is signed in",
        _sessions,
        Access.KNOWN,
    ),
    Operation(
        "user.sign_out",
        "POST",
        "/users/{name}/sign-out",
        r.SigningOut,
        "End one session of a user, or all of them",
        _sign_out,
        Access.KNOWN,
    ),
    Operation(
        "trusted_issuer.set_secret",
        "PUT",
        "/trusted-issuers/{name}/secrets",
        r.IssuerValues,
        "Set the secret of the client with which people sign in at a trusted issuer",
        lambda u, q, c: issuer_client.set_client_secret(u.setup, str(c), q.name, q.values),
    ),
)
