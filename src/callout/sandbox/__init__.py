"""The sandbox: an external system and an OAuth 2.0 authorization server that misbehave on command.

Certify a set-up against it: does a client recognise a stale token by status 601, refresh once, and survive an
authorization server that answers with HTML? It stands alone and knows nothing of Callout.

    python -m callout.sandbox --help         every option, path and command
    async with Sandbox() as sandbox: …       the same in a test

- external system: `external_system` (paths), bearer tokens, Basic, API keys
- authorization server: `authorization_server` (RFC 6749, 7662, 7009, 8414)
- control API: `control` (expire now, fail next time, hold back, what was received)
"""

from callout.sandbox.clients import Client
from callout.sandbox.commands import Commands
from callout.sandbox.external_system import Accounts
from callout.sandbox.journal import Received
from callout.sandbox.running import Sandbox
from callout.sandbox.settings import BadCommand, Settings

__all__ = ["Accounts", "BadCommand", "Client", "Commands", "Received", "Sandbox", "Settings"]
