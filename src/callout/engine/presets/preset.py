"""What a preset is: the fields of its text, each with the same meaning as in a manifest where it has the same name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from callout.core.model.credentials import PrincipalType

#: A place that is filled in: `{subdomain}`. What begins with `{!` is a formula, and never one.
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
#: The placeholder that stands for the name of what is made; formulas need it: `{!$Credential.{name}.ApiKey}`.
NAME = "name"
#: What an input takes where it does not say otherwise: one label of a host, or one segment of a path.
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?"


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differs from one customer of the API to the next. One with a `default` need not be given.

    `pattern` is what its whole value has to look like, so that it cannot change which host is meant.
    """

    help: str
    example: str
    default: str | None = None
    pattern: str = LABEL


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that changes nothing, by which one sees that it works. One with a `body` (JSON) is a POST."""

    path: str
    body: str = ""


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to authenticate to one API.

    `secrets` says of each value that is sealed where one gets it. `principal` is whose identity is usual there.
    `note` is what one has to know beforehand; `headers`, `parameters`, `additional_status_codes`, `refresh_rules` and
    `inactivity_limit` become those of the external credential, `idempotency_header` and
    `generate_authorization_header` those of the named credential. `imports_key`: the key of the certificate that signs
    is the provider's, and imported; otherwise Callout makes one.
    """

    id: str
    label: str
    description: str
    docs: str
    url: str
    protocol: str
    tags: tuple[str, ...] = ()
    principal: PrincipalType = PrincipalType.NAMED
    inputs: dict[str, Input] = {}
    parameters: dict[str, str] = {}
    headers: dict[str, str] = {}
    secrets: dict[str, str] = {}
    additional_status_codes: tuple[int, ...] = ()
    refresh_rules: tuple[dict[str, Any], ...] = ()
    inactivity_limit: str = ""
    idempotency_header: str = ""
    generate_authorization_header: bool = True
    imports_key: bool = False
    test: Trial | None = None
    note: str = ""

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of everything that is filled in, but the name of what is made."""
        return frozenset(name for text in self._texts() for name in PLACEHOLDER.findall(text)) - {NAME}

    def _texts(self) -> Iterator[str]:
        yield self.url
        yield from self.parameters.values()
        yield from self.headers.values()
        if self.test is not None:
            yield from (self.test.path, self.test.body)
