"""What code of a package may plan: its own named and external credentials, and they wait for an admin.

A credential that it makes starts disabled for callouts, and is disabled again when it would send elsewhere. It
changes nothing that it did not make, and gives nobody access.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from callout.core.errors import Problem
from callout.core.model.credentials import ExternalCredential, NamedCredential
from callout.core.model.org import SECTIONS, Definition, Org
from callout.core.protocol import Catalogue
from callout.core.rules import users_of
from callout.core.rules.names import namespace_of

Key = tuple[str, str]

_NAMED = SECTIONS[NamedCredential]
_EXTERNAL = SECTIONS[ExternalCredential]


@dataclass(slots=True)
class PackageWishes:
    """The definitions that a package asks for, as they may be made, and what is refused."""

    org: Org
    catalogue: Catalogue
    namespace: str
    definitions: dict[Key, Definition] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def take(self, wanted: Mapping[Key, Definition]) -> None:
        """Take what it asks for, judged and made its own."""
        for key, definition in wanted.items():
            self._judge(*key)
            if isinstance(definition, (NamedCredential, ExternalCredential)):
                self.definitions[key] = replace(definition, created_by_namespace=self.namespace)
        for definition in list(self.definitions.values()):
            if isinstance(definition, ExternalCredential):
                self._follow_to_named_credentials(definition)
        for key, definition in list(self.definitions.items()):
            if isinstance(definition, NamedCredential):
                self.definitions[key] = self._waiting(definition)

    def owns(self, definition: Definition) -> bool:
        """True for what this package made."""
        return getattr(definition, "created_by_namespace", None) == self.namespace

    def _judge(self, section: str, name: str) -> None:
        place = f"{section}.{name}"
        present = getattr(self.org, section).get(name)
        if section not in (_NAMED, _EXTERNAL):
            got = f"a definition in {section} by code of package {self.namespace}"
            self.problems.append(Problem(place, got, "named and external credentials only; the rest is an admin's"))
        elif present is not None and not self.owns(present):
            got = f"a change by code of package {self.namespace} of what it did not make"
            self.problems.append(Problem(place, got, "a name of its own; an admin changes this one"))
        elif namespace_of(name) not in (None, self.namespace):
            got = f"a name in namespace {namespace_of(name)!r} by code of package {self.namespace}"
            self.problems.append(Problem(place, got, f"a name without a namespace, or {self.namespace}__…"))

    def _follow_to_named_credentials(self, external: ExternalCredential) -> None:
        """Where the secrets would be sent elsewhere, every named credential that uses them waits for an admin."""
        present = self.org.external_credentials.get(external.name)
        if present is None or self._destinations(present) == self._destinations(external):
            return
        for named in users_of(self.org, external.name):
            if self.owns(named):
                wanted = self.definitions.get((_NAMED, named.name), named)
                assert isinstance(wanted, NamedCredential)  # its section holds nothing else
                self.definitions[_NAMED, named.name] = replace(wanted, enabled_for_callouts=False)
            else:
                place = f"{_EXTERNAL}.{external.name}"
                got = f"a change by code of package {self.namespace} of where the secrets of {named.name} are sent"
                self.problems.append(Problem(place, got, f"none: {named.name} is not its own; an admin changes this"))

    def _destinations(self, external: ExternalCredential) -> tuple[object, ...]:
        protocol = self.catalogue.get(external.protocol)
        urls = {p.name for p in protocol.parameters if p.url} if protocol is not None else set()
        sources = {"": external.parameters} | {p.name: p.parameters for p in external.principals}
        found = {
            (who, name, value) for who, values in sources.items() for name, value in values.items() if name in urls
        }
        return external.protocol, external.allow_private_network, found

    def _waiting(self, wanted: NamedCredential) -> NamedCredential:
        present = self.org.named_credentials.get(wanted.name)
        if present is not None and _reach(present) == _reach(wanted):
            enabled = wanted.enabled_for_callouts and present.enabled_for_callouts
            if present.enabled_for_callouts and not enabled:
                self._warn(wanted.name)
            return replace(wanted, enabled_for_callouts=enabled)
        self._warn(wanted.name)
        return replace(wanted, enabled_for_callouts=False)

    def _warn(self, name: str) -> None:
        command = f"callout named-credential enable {name}"
        self.warnings.append(f"{_NAMED}.{name} is disabled until an admin has judged it: {command}")


def _reach(named: NamedCredential) -> tuple[object, ...]:
    """What an admin judges before enabling: where it sends whose secrets, and which code may use it."""
    return named.url, named.external_credential, named.allow_private_network, set(named.allowed_namespaces)
