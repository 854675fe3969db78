"""A home with a server and users who connect accounts: what they are told, which links they get, whose account it is."""

from __future__ import annotations

import json
import subprocess

from callout_client import CalloutError, Client
from tests.journeys.processes import CALLOUT, PATIENCE, PROJECT, Home, Server, environment_of, eventually


class ConnectedWorld:
    """Users with keys of a running server. `asks` is the path whose answer says in `sub` whose token was shown."""

    def __init__(self, home: Home, server: Server, users: tuple[str, ...], *, asks: str) -> None:
        self.home, self.server, self._asks = home, server, asks
        self.keys = {user: home.create_key(user) for user in (*users, "admin")}

    def account(self, user: str, name: str) -> str:
        """Return whose account a callout of this user is made with. Raises `CalloutError`."""
        answer = Client(self.server.gateway, self.keys[user]).get(f"callout:{name}/{self._asks}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["sub"])

    def connected_account(self, user: str, name: str) -> str:
        """Do the same, as soon as the server has learned of the connection."""
        return eventually(lambda: self.account(user, name), instead_of=CalloutError)

    def refusal(self, user: str, name: str, reason: str) -> CalloutError:
        """Return why a callout of this user is refused, as soon as it is for this reason."""

        def refused() -> CalloutError:
            try:
                account = self.account(user, name)
            except CalloutError as error:
                if error.reason == reason:
                    return error
                account = str(error)
            raise AssertionError(f"got {account}; expected {reason}")

        return eventually(refused, instead_of=AssertionError)

    def link(self, reference: str, by: str = "admin") -> str:
        """Return the address at which something is connected, as `callout connect --link` of a user prints it."""
        where = ("--url", self.server.setup, "--key", self.keys[by])
        ended = subprocess.run(
            [*CALLOUT, "connect", reference, "--link", "--json", *where],
            capture_output=True,
            text=True,
            check=False,
            env=environment_of(),
            cwd=PROJECT,
            timeout=PATIENCE,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return str(json.loads(ended.stdout)["url"])

    def everything_shown(self, *callout_ids: str) -> str:
        """Return what was logged, what the audit trail exports, and what commands show of connections and callouts."""
        shown = [
            self.server.log,
            self.home.run("audit", "export"),
            self.home.run("export"),
            self.home.run("status", "--json"),
        ]
        shown += [json.dumps(self.home.explained(each)) for each in callout_ids]
        return "\n".join(shown)
