"""The commands of `callout` that supply what a Salesforce project does not hold, ready for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from callout.core.model.credentials import Principal, PrincipalType


def secret_command(external_credential: str, principal: Principal, names: Iterable[str]) -> str:
    """Return the command that sets these values, each read from standard input; USER stands for each user."""
    values = " ".join(f"{name}=-" for name in sorted(names))
    whose = " --user USER" if principal.type is PrincipalType.PER_USER else ""
    return f"callout secret set {shlex.quote(f'{external_credential}/{principal.name}')} {values}{whose}"


def grant_command(external_credential: str, principal: str) -> str:
    """Return the command that grants a principal by a permission set of its own; USER stands for its caller."""
    new, reference = shlex.quote(f"{external_credential} Callers"), shlex.quote(f"{external_credential}/{principal}")
    return f"callout permission-set create {new} --principal {reference} --user-external-credential read --assign USER"


def package_command(namespace: str) -> str:
    """Return the command that installs a package, so that keys may bear its namespace."""
    return f"callout package install {shlex.quote(namespace)}"


def enable_command(named_credential: str) -> str:
    """Return the command that enables a named credential for callouts."""
    return f"callout named-credential enable {shlex.quote(named_credential)}"


def certificate_command(name: str) -> str:
    """Return the command that imports a certificate with its private key."""
    return f"callout certificate import {shlex.quote(name)} FILE"


def connect_command(external_credential: str, principal: Principal) -> str:
    """Return the command by which somebody authorizes for a principal; USER stands for each user."""
    whose = " --user USER" if principal.type is PrincipalType.PER_USER else ""
    return f"callout connect {shlex.quote(f'{external_credential}/{principal.name}')}{whose}"


def client_command(identity_provider: str) -> str:
    """Return the command that sets the client id and secret of an external auth identity provider."""
    return f"callout identity-provider set-secret {shlex.quote(identity_provider)} client_id=- client_secret=-"


def callback_command(identity_provider: str) -> str:
    """Return the command that shows the callback URL to register at an authorization server."""
    return f"callout identity-provider show {shlex.quote(identity_provider)}"
