"""Every setting: one frozen dataclass, read once at the start. Only `app` imports it.

Order: argument of the command line, then environment (`CALLOUT_` and the field's name in capitals), then default.
`docs/reference/settings.md` is generated from the fields.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from callout.core.errors import DefinitionError, Problem
from callout.core.reasons import Telling

#: The shortest time that a setting of which 0 would stop everything may say, in seconds.
MOMENT = 0.001
LARGEST_PORT = 65535
MOST_WORKERS = 1024
#: No number of a setting is larger; it keeps infinity out, which no timer takes.
LARGEST = 1e12


def setting(
    default: Any,
    help_text: str,
    unit: str = "",
    *,
    least: float = 0,
    most: float = LARGEST,
    secret: bool = False,
) -> Any:
    """Declare a setting with its help and unit, the least and most that a number may be, and whether to hide it."""
    kept = {"help": help_text, "unit": unit, "least": least, "most": most, "secret": secret}
    return field(default=default, metadata=kept, repr=not secret)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process."""

    home: Path = setting(Path("~/.callout"), "folder of the database and the master key")
    master_key: str = setting(
        "", "master key, base64 of 32 bytes; empty: the file master.key in the home folder", secret=True
    )
    new_master_key: str = setting(
        "",
        "the master key that is to replace CALLOUT_MASTER_KEY: given to every server before `keys rotate`",
        secret=True,
    )
    keyring: bool = setting(default=False, help_text="keep the master key in the keyring of the operating system")
    host: str = setting("127.0.0.1", "address on which the gateway and setup listen")
    port: int = setting(8470, "port of the gateway; 0 = any free one", most=LARGEST_PORT)
    setup_port: int = setting(8471, "port of setup; 0 = any free one", most=LARGEST_PORT)
    workers: int = setting(1, "processes of the gateway", least=1, most=MOST_WORKERS)
    trusted_ca_file: str = setting("", "file with the certificate authorities to trust; empty: those of the system")
    public_url: str = setting(
        "",
        "URL of setup as browsers reach it, to which authorization servers send them back (/connect/callback); empty: "
        "http:// with its host and port",
    )
    connect_return_origins: str = setting(
        "", "origins, with spaces between, that a connect page may send the browser back to (return_url)"
    )
    connect_frame_ancestors: str = setting(
        "", "origins, with spaces between, whose pages may show a connect page in a frame; empty: none may"
    )
    tls_certificate_file: str = setting(
        "",
        "file with the certificate of the gateway, and those between it and its authority (PEM): the gateway then "
        "speaks TLS alone; read again when it changes",
    )
    tls_key_file: str = setting(
        "", "file with the private key of that certificate (PEM), closed to other users; empty: the same file"
    )
    client_ca_file: str = setting(
        "",
        "file with the authorities (PEM) that judge the certificates of callers; empty: none is asked for; read again "
        "when it changes",
    )
    default_timeout: float = setting(
        30.0, "how long an external system may take to start its answer", "seconds", least=MOMENT
    )
    longest_timeout: float = setting(600.0, "the longest that Callout-Timeout may ask for", "seconds", least=MOMENT)
    idle_timeout: float = setting(300.0, "how long a body may pause", "seconds", least=MOMENT)
    drain_timeout: float = setting(10.0, "how long running callouts may go on at shutdown", "seconds")
    replay_limit: int = setting(65536, "request bodies up to this size are kept for a replay in memory", "bytes")
    replay_file_limit: int = setting(
        16 * 1024 * 1024,
        "request bodies up to this size are kept for a replay in a sealed file, where the method is idempotent or "
        "declared (`replay_methods`); 0 = none",
        "bytes",
    )
    replay_directory: str = setting("", "folder of these files, which have no names; empty: spool in the home folder")
    replay_directory_limit: int = setting(1024**3, "what these files of one worker take together", "bytes")
    request_limit: int = setting(0, "largest request body; 0 = no limit", "bytes")
    formula_body_limit: int = setting(
        1048576,
        "largest request body that is signed, that formulas are evaluated in or a header reads, before and after; it is read whole",
        "bytes",
        least=1,
    )
    organization_id: str = setting("", "what formulas read as $Organization.Id")
    organization_name: str = setting("", "what formulas read as $Organization.Name")
    connection_limit: int = setting(20000, "connections of callers in one worker", least=1)
    debounce: float = setting(
        30.0,
        "how long refresh rules stay quiet after a refresh that did not help, where the external credential does not say",
        "seconds",
    )
    token_timeout: float = setting(
        30.0, "how long a token endpoint may take to answer one request", "seconds", least=MOMENT
    )
    poll_interval: float = setting(0.1, "how often a process looks for changed definitions", "seconds", least=MOMENT)
    longest_without_store: float = setting(
        3600.0, "how long callouts go on while the store cannot be read", "seconds", least=1
    )
    log_sampling: float = setting(
        1.0,
        "share of the successful callouts that the callout log keeps, from 0 to 1; refused, failed and replayed ones "
        "are always kept",
        most=1,
    )
    packages_read_only: bool = setting(
        default=False,
        help_text="let named credentials that code of a package makes only read (GET, HEAD, OPTIONS), unless it asks "
        "for other methods; an admin allows more",
    )
    metrics_open: bool = setting(
        default=False,
        help_text="show /metrics of gateway and setup to everybody who reaches them; false: to this machine alone, which a "
        "proxy on it counts as",
    )
    session_idle: float = setting(
        7200.0, "how long a browser stays signed in to Setup while it is not used", "seconds", least=1
    )
    session_life: float = setting(
        43200.0, "how long a browser stays signed in to Setup at the most", "seconds", least=1
    )
    telling_users: Telling = setting(Telling.FULL, "how much known callers are told: full or code")
    telling_guests: Telling = setting(Telling.CODE, "how much guests are told: full or code")

    @property
    def setup_url(self) -> str:
        """Where browsers reach setup."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.setup_port}"

    @property
    def folder(self) -> Path:
        """The home folder, absolute."""
        return self.home.expanduser().absolute()

    def environment(self) -> dict[str, str]:
        """Return the variables that give a child process these settings."""
        return {variable_of(each): _text(getattr(self, each.name)) for each in fields(self)}


def variable_of(each: Field[Any]) -> str:
    """Return the name of the environment variable of a setting."""
    return f"CALLOUT_{each.name.upper()}"


def read_settings(environ: Mapping[str, str] | None = None, **arguments: object) -> Settings:
    """Read the settings. `arguments` that are None are not given. Raises `DefinitionError` naming each bad one."""
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {name: value for name, value in arguments.items() if value is not None}
    problems: list[Problem] = []
    for each in fields(Settings):
        text = environ.get(variable_of(each))
        if each.name in values:
            place, got = f"--{each.name.replace('_', '-')}", str(values[each.name])
        elif text is not None:
            place, got = variable_of(each), repr(text)
            try:
                values[each.name] = _parsed(each.default, text)
            except ValueError:
                values[each.name] = None
        else:
            continue
        if not _fits(each, values[each.name]):
            problems.append(Problem(place, "…" if each.metadata["secret"] else got, _expected(each)))
    if problems:
        raise DefinitionError(problems)
    return Settings(**values)  # type: ignore[arg-type]  # each value has the type of its field's default


def _parsed(default: object, text: str) -> object:
    if isinstance(default, bool):
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ValueError(text)
        return text.lower() in ("true", "1", "yes")
    readers: dict[type, Callable[[str], object]] = {int: int, float: float, str: str, Telling: Telling}
    return readers.get(type(default), Path)(text)


def _fits(each: Field[Any], value: object) -> bool:
    if value is None:
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return bool(each.metadata["least"] <= value <= each.metadata["most"])


def _expected(each: Field[Any]) -> str:
    kinds = {int: "a whole number", float: "a number", bool: "true or false", Telling: "full or code"}
    kind = kinds.get(type(each.default), "a text")
    if type(each.default) in (int, float):
        least, most = each.metadata["least"], each.metadata["most"]
        kind += f" of at least {least}" if most == LARGEST else f" from {least} to {most}"
    return f"{kind} ({each.metadata['help']})"


def _text(value: object) -> str:
    return value.value if isinstance(value, Telling) else str(value)
