"""What code of a package may plan: its own named and external credentials, and they wait for an admin.

A credential that it makes starts disabled for callouts, and is disabled again when anything else would be sent than
what the admin judged. It changes nothing that it did not make, reads no secret that is not for it, and gives nobody
access.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from callout.core.errors import Problem
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.identity_providers import NAMED_BY
from callout.core.model.org import SECTIONS, Definition, Org
from callout.core.protocol import Catalogue
from callout.core.rules import users_of
from callout.core.rules.headers import names_read, short_fields_read, signs_with_certificate
from callout.core.rules.names import namespace_of
from callout.engine.certificate_uses import uses_by_place

Key = tuple[str, str]

#: The methods that change nothing (RFC 9110 section 9.2.1).
READING = ("GET", "HEAD", "OPTIONS")

_NAMED = SECTIONS[NamedCredential]
_EXTERNAL = SECTIONS[ExternalCredential]


@dataclass(slots=True)
class PackageWishes:
    """The definitions that a package asks for, as they may be made, and what is refused."""

    org: Org
    namespace: str
    read_only: bool = False
    catalogue: Catalogue = field(default_factory=dict)
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
                self._refuse_left_over_values(definition)
                self._refuse_identity_provider(definition)
                self._refuse_keys(definition)
                self._follow_to_named_credentials(definition)
        for key, definition in list(self.definitions.items()):
            if isinstance(definition, NamedCredential):
                self._refuse_certificate(definition)
                self._refuse_formulas_over_others_secrets(definition)
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

    def _refuse_keys(self, external: ExternalCredential) -> None:
        """What a key signs is believed to be the admin's: a package signs with none that it was not given.

        Nor does it say where an authorization server is that the proof of such a key is sent to: connecting, revoking and
        introspecting ask there whether or not a named credential is enabled.
        """
        protocol = self.catalogue.get(external.protocol)
        naming = [p.name for p in protocol.parameters if p.key_pair] if protocol is not None else []
        present = self.org.external_credentials.get(external.name)
        moved = protocol is not None and protocol.obtains and present is not None and _sent(present) != _sent(external)
        known = set(uses_by_place(present, naming)) if present is not None and not moved else set()
        for place, certificate in uses_by_place(external, naming):
            if (place, certificate) not in known:
                got = f"certificate {certificate!r} by code of package {self.namespace}"
                self.problems.append(Problem(place, got, "none; an admin says what is signed with a certificate"))

    def _refuse_certificate(self, named: NamedCredential) -> None:
        """A certificate proves who Callout is: to whom is the admin's to say."""
        present = self.org.named_credentials.get(named.name)
        known = present.client_certificate if present is not None else ""
        if named.client_certificate not in ("", known):
            got = f"client certificate {named.client_certificate!r} by code of package {self.namespace}"
            self.problems.append(
                Problem(f"{_NAMED}.{named.name}.client_certificate", got, "none; an admin says who sees a certificate")
            )

    def _refuse_left_over_values(self, external: ExternalCredential) -> None:
        """Values that were set for an earlier principal of the same name are not for this one."""
        present = self.org.external_credentials.get(external.name)
        for key, names in sorted(self.org.configured.items()):
            if key.external_credential != external.name or not names:
                continue
            if _reads(external, key) and not (present is not None and _reads(present, key)):
                place = f"{_EXTERNAL}.{external.name}.principals.{key.principal}"
                got = f"a principal for which values of an earlier one are left: {', '.join(sorted(names))}"
                reference = shlex.quote(f"{key.external_credential}/{key.principal}")
                whose = f" --user {shlex.quote(key.user)}" if key.user else ""
                expected = f"none; an admin removes them: callout secret remove {reference} --all{whose}"
                self.problems.append(Problem(place, got, expected))

    def _refuse_identity_provider(self, external: ExternalCredential) -> None:
        """The client secret of an admin's identity provider may not be sent where a package says."""
        provider = external.parameters.get(NAMED_BY)
        present = self.org.external_credentials.get(external.name)
        if provider and (present is None or _sent(present) != _sent(external)):
            place = f"{_EXTERNAL}.{external.name}.parameters.{NAMED_BY}"
            got = f"identity provider {provider!r} by code of package {self.namespace}"
            self.problems.append(Problem(place, got, "none: its client secret is an admin's, who names it"))

    def _follow_to_named_credentials(self, external: ExternalCredential) -> None:
        """Where anything else would be sent, every named credential that uses it waits for an admin."""
        present = self.org.external_credentials.get(external.name)
        if present is None or _sent(present) == _sent(external):
            return
        for named in users_of(self.org, external.name):
            if self.owns(named):
                wanted = self.definitions.get((_NAMED, named.name), named)
                assert isinstance(wanted, NamedCredential)  # its section holds nothing else
                self.definitions[_NAMED, named.name] = replace(wanted, enabled_for_callouts=False)
            else:
                place = f"{_EXTERNAL}.{external.name}"
                got = f"a change by code of package {self.namespace} of what callouts by {named.name} send"
                self.problems.append(Problem(place, got, f"none: {named.name} is not its own; an admin changes this"))

    def _refuse_formulas_over_others_secrets(self, named: NamedCredential) -> None:
        """A header of a package's may not carry the secret of an external credential that it did not make."""
        wanted = self.definitions.get((_EXTERNAL, named.external_credential))
        external = wanted or self.org.external_credentials.get(named.external_credential)
        if not isinstance(external, ExternalCredential) or self.owns(external):
            return
        secret = {
            name
            for key, names in self.org.configured.items()
            if key.external_credential == external.name
            for name in names
        }
        for switch in ("allow_merge_fields_in_header", "allow_merge_fields_in_body"):
            if getattr(named, switch):
                got = f"{switch} by code of package {self.namespace}"
                expected = f"false: with it callers could send the secrets of {external.name}, which it did not make"
                self.problems.append(Problem(f"{_NAMED}.{named.name}.{switch}", got, expected))
        for index, header in enumerate(named.headers):
            if signs_with_certificate(header):
                place = f"{_NAMED}.{named.name}.headers[{index}].value"
                got = f"SIGN_WITH_CERTIFICATE by code of package {self.namespace}"
                expected = f"none with a key of {external.name}, which it did not make; an admin writes such a header"
                self.problems.append(Problem(place, got, expected))
            for short in sorted(short_fields_read([header])):
                place = f"{_NAMED}.{named.name}.headers[{index}].value"
                got = f"$Credential.{short} by code of package {self.namespace}"
                expected = f"no field of {external.name}, which it did not make; an admin writes such a header"
                self.problems.append(Problem(place, got, expected))
            for credential, name in sorted(names_read([header.value])):
                if credential == external.name and (name in secret or name not in external.parameters):
                    place = f"{_NAMED}.{named.name}.headers[{index}].value"
                    got = f"$Credential.{credential}.{name} by code of package {self.namespace}"
                    expected = f"no secret of {external.name}, which it did not make; an admin writes such a header"
                    self.problems.append(Problem(place, got, expected))

    def _waiting(self, wanted: NamedCredential) -> NamedCredential:
        present = self.org.named_credentials.get(wanted.name)
        wanted = self._restricted(wanted, present)
        if present is not None and _reach(present) == _reach(wanted):
            enabled = wanted.enabled_for_callouts and present.enabled_for_callouts
            if present.enabled_for_callouts and not enabled:
                self._warn(wanted.name)
            return replace(wanted, enabled_for_callouts=enabled)
        self._warn(wanted.name)
        return replace(wanted, enabled_for_callouts=False)

    def _restricted(self, wanted: NamedCredential, present: NamedCredential | None) -> NamedCredential:
        """Keep the rules that stand where a package says none; `read_only`: what is new then only reads."""
        if present is None:
            methods = wanted.allowed_methods or (READING if self.read_only else ())
            return replace(wanted, allowed_methods=methods)
        return replace(
            wanted,
            allowed_methods=wanted.allowed_methods or present.allowed_methods,
            allowed_paths=wanted.allowed_paths or present.allowed_paths,
            rate_limits=wanted.rate_limits or present.rate_limits,
            replay_methods=wanted.replay_methods or present.replay_methods,
            idempotency_header=wanted.idempotency_header or present.idempotency_header,
        )

    def _warn(self, name: str) -> None:
        command = f"callout named-credential enable {shlex.quote(name)}"
        self.warnings.append(f"{_NAMED}.{name} is disabled until an admin has judged it: {command}")


def _reads(external: ExternalCredential, key: UserExternalCredentialKey) -> bool:
    """True where callouts as a principal of this external credential would open the values of this key."""
    principal = external.principal(key.principal)
    return principal is not None and (principal.type is PrincipalType.PER_USER) == bool(key.user)


def _reach(named: NamedCredential) -> NamedCredential:
    """What an admin judges before enabling: everything but what only people read, without the order of names."""
    return replace(
        named,
        label="",
        description="",
        enabled_for_callouts=False,
        created_by_namespace=None,
        allowed_namespaces=tuple(sorted(named.allowed_namespaces)),
        allowed_methods=tuple(sorted(named.allowed_methods)),
        allowed_paths=tuple(sorted(named.allowed_paths)),
        replay_methods=tuple(sorted(named.replay_methods)),
    )


def _sent(external: ExternalCredential) -> ExternalCredential:
    """What decides what is sent as it, and where: everything but what only people read, without the order of names."""
    return replace(
        external,
        label="",
        description="",
        created_by_namespace=None,
        additional_status_codes=tuple(sorted(external.additional_status_codes)),
        principals=tuple(sorted(external.principals, key=lambda principal: principal.name)),
    )
