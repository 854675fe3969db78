"""What the rows of an external credential are here, by protocol: parameters of the credential and of its principals.

A row that its protocol has no use for is told of with its line; one that would be needed and is not understood is
refused. Nothing is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from callout.core.model.credentials import Principal
from callout.core.oauth2.parameters import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, PRIVATE_KEY_JWT
from callout.core.protocols.custom import Custom
from callout.engine.importers.salesforce.asking import ask_for_signing_certificate
from callout.engine.importers.salesforce.claims import audiences, body_claim, header_claim, lifetime_in
from callout.engine.importers.salesforce.definitions import Origins, judge_certificate
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.protocols import takes
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import INTERNAL_TYPES, nearest

ROW = "externalCredentialParameters"
#: The groups of parameters that belong to the whole credential; any other is a principal's.
DEFAULT_GROUPS = frozenset({"", "DefaultGroup", "DEFAULT_GROUP"})
#: Kinds of rows that are read elsewhere, and the parameter without which a protocol has no use for them.
_NEEDS: Mapping[str, str] = {
    "AuthProvider": "identity_provider",
    "AwsStsPrincipal": "sts_endpoint",
    "ExternalAuthIdentityProvider": "identity_provider",
}

#: Settings of AWS by the names that the metadata guide and the Connect samples have for them.
_AWS: Mapping[str, str] = {
    "AwsRegion": "region",
    "AwsService": "service",
    "AwsAccountId": "account_id",
    "AwsExternalId": "external_id",
    "AwsStsExternalId": "external_id",
    "AwsDuration": "duration_seconds",
    "AwsStsDuration": "duration_seconds",
    "AwsRoleArn": "role_arn",
    "awsRoleArn": "role_arn",
    "AwsProfileArn": "profile_arn",
    "AwsTrustAnchorArn": "trust_anchor_arn",
}
#: Where a row with a URL goes: the first of these that the protocol has.
_ENDPOINTS = ("token_endpoint", "sts_endpoint", "roles_anywhere_endpoint")


@dataclass(slots=True)
class Rows:
    """The rows of one file in the reading. `found` are parameters: under "" the credential's, else a principal's.

    `principals` are by the group of parameters that is theirs; `extra_names` what formulas may read of a principal.
    """

    top: Element
    protocol: str
    draft: Draft
    origins: Origins
    principals: Mapping[str, tuple[Principal, Element]]
    settings: Mapping[str, str]
    found: dict[str, dict[str, str]] = field(default_factory=dict)
    extra_names: dict[str, set[str]] = field(default_factory=dict)
    #: What client assertions are made out to and by, by claim: they are no parameters, but the client itself.
    assertion: dict[str, tuple[str, Element]] = field(default_factory=dict)

    def read(self) -> None:
        """Read every row that is a parameter of the protocol, and tell of the others."""
        for row in self.top.all(ROW):
            kind = row.value("parameterType")
            if kind in INTERNAL_TYPES:
                self.draft.ignored += 1
            elif kind in _READERS:
                self._read(row, kind)
            elif kind in _NEEDS and not takes(self.protocol, _NEEDS[kind]):
                self.leave_out(row)
        if self.assertion:
            self._read_assertion()

    def _read(self, row: Element, kind: str) -> None:
        group = row.value("parameterGroup")
        if group not in DEFAULT_GROUPS and group not in self.principals:
            expected = "DefaultGroup or the group of a principal: " + (", ".join(self.principals) or "there is none")
            line, place = row.line_of("parameterGroup"), self.place(row)
            self.draft.judgement.add(line, place, f"group {group!r}", expected, nearest(group, tuple(self.principals)))
            return
        owner = self.principals[group][0].name if group in self.principals else ""
        _READERS[kind](self, row, owner)

    def place(self, row: Element) -> str:
        """Name a row as problems do: by its kind, and by its name where several may have the kind."""
        kind, name = row.value("parameterType"), row.value("parameterName")
        return f"{self.top.tag}.{kind}" + (f".{name}" if kind in _NAMED else "")

    def put(self, row: Element, owner: str, parameter: str, value: str, tag: str = "parameterValue") -> None:
        """Take a parameter over. The same one twice, with two values, is refused: none of them is certain."""
        held = self.found.setdefault(owner, {})
        if held.get(parameter, value) != value:
            expected = f"one {parameter} for the credential, one for each principal"
            self.draft.judgement.add(row.line, self.place(row), f"a second {parameter}", expected)
        held[parameter] = value
        part = f"principals.{owner}.parameters.{parameter}" if owner else f"parameters.{parameter}"
        named = row.value("parameterName") if row.value("parameterType") in _NAMED else ""
        self.origins.note(part, row, tag, named=named)

    def leave_out(self, row: Element, why: str = "") -> None:
        """Tell of a row that means nothing here."""
        kind, name = row.value("parameterType"), row.value("parameterName")
        why = why or f"protocol {self.draft.protocol} does not use it"
        self.draft.notes.append(f"{kind} {name}, line {row.line}, was left out: {why}")

    def refuse(self, row: Element, got: str, expected: str, near: str | None = None) -> None:
        """Refuse the file for a row."""
        self.draft.judgement.add(row.line, self.place(row), got, expected, near)

    def _read_assertion(self) -> None:
        """Read what client assertions say (RFC 7523 section 3): by whom is the client id, to whom the issuer."""
        named = [(claim, *self.assertion[claim]) for claim in ("iss", "sub") if claim in self.assertion]
        for claim, value, row in named[1:]:
            if value != named[0][1]:
                self.refuse(row, f"{claim} {value[:80]!r} and iss {named[0][1][:80]!r}", "one client id in both")
        if named:
            claim, value, row = named[0]
            self.draft.notes.append(
                f"the client id in the file, {claim} in line {row.line}, is {value!r}; set it as client_id"
            )
        if "aud" not in self.assertion:
            return
        value, row = self.assertion["aud"]
        known, endpoint = audiences(value), self.found.get("", {}).get("token_endpoint")
        if known is None or not all(each.startswith("https://") for each in known) or len(known) > 1:
            if known is None or endpoint not in known:
                self.refuse(row, f"audience {value[:80]!r}", "the URL of the token endpoint or of its issuer")
        elif known[0] != endpoint:
            self.put(row, "", "issuer", known[0])


def _authentication_parameter(rows: Rows, row: Element, owner: str) -> None:
    name, value = row.value("parameterName"), row.value("parameterValue")
    if rows.protocol == Custom.name:
        rows.extra_names.setdefault(owner, set()).add(name)
        if value:
            rows.draft.warnings.append(f"parameter {name} has its value in clear in the file; it was not imported")
    elif takes(rows.protocol, "scope"):
        _scope(rows, row, owner)
    elif takes(rows.protocol, "region"):
        _aws_setting(rows, row, owner)
    else:
        rows.leave_out(row)


def _scope(rows: Rows, row: Element, owner: str) -> None:
    name, value = row.value("parameterName"), row.value("parameterValue")
    if name != "Scope":
        rows.refuse(row, f"parameter {name!r}", "Scope", nearest(name, ("Scope",)))
    elif "{!" in value:
        rows.refuse(row, "a formula", "the scope itself: a formula in it is not available")
    elif value:
        rows.put(row, owner, "scope", value)


def _aws_setting(rows: Rows, row: Element, owner: str) -> None:
    name, value = row.value("parameterName"), row.value("parameterValue")
    parameter = _AWS.get(name, "")
    if not parameter:
        rows.refuse(row, f"parameter {name!r}", "one of " + ", ".join(_AWS), nearest(name, _AWS))
    elif not takes(rows.protocol, parameter):
        rows.leave_out(row)
    elif value:
        rows.put(row, owner, parameter, value)


def _endpoint(rows: Rows, row: Element, owner: str) -> None:
    del owner  # Salesforce has one for the whole credential
    parameter = next((each for each in _ENDPOINTS if takes(rows.protocol, each)), "")
    if parameter:
        rows.put(row, "", parameter, row.value("parameterValue"))
    else:
        rows.leave_out(row)


def _query_parameter(rows: Rows, row: Element, owner: str) -> None:
    if takes(rows.protocol, "region"):
        _aws_setting(rows, row, owner)
    elif takes(rows.protocol, "token_endpoint"):
        got = f"query parameter {row.value('parameterName')!r} for the token endpoint"
        rows.refuse(row, got, "none: it is for AWS STS only")
    else:
        rows.leave_out(row)


def _claim(rows: Rows, row: Element, owner: str) -> None:
    name, value = row.value("parameterName"), row.value("parameterValue")
    in_body = row.value("parameterType") == "JwtBodyClaim"
    if rows.settings.get("client_authentication") == PRIVATE_KEY_JWT:
        _claim_of_client(rows, row, in_body=in_body)
    elif not takes(rows.protocol, "claims"):
        rows.leave_out(row)
    elif not value:
        rows.leave_out(row, "it has no value")
    else:
        claim = body_claim(name, value) if in_body else header_claim(name, value)
        if claim.left_out:
            rows.leave_out(row, claim.left_out)
        elif claim.expected:
            rows.refuse(row, repr(value[:80]), claim.expected)
        else:
            rows.put(row, owner, claim.parameter, claim.value)


def _claim_of_client(rows: Rows, row: Element, *, in_body: bool) -> None:
    name, value = row.value("parameterName"), row.value("parameterValue")
    if in_body and name in ("iss", "sub", "aud"):
        rows.assertion[name] = value, row
    elif not in_body and name == "alg":
        rows.put(row, "", "signing_algorithm", value)
    elif in_body and (name in ("iat", "nbf", "jti") or (name == "exp" and lifetime_in(value) is not None)):
        rows.leave_out(row, "Callout writes it by itself: an assertion of the client holds for two minutes")
    elif not in_body and name in ("kid", "typ"):
        rows.leave_out(row, "Callout writes it by itself: the kid is the thumbprint of the key")
    else:
        expected = "iss, sub and aud alone: an assertion of the client says what RFC 7523 section 3 says"
        rows.refuse(row, f"claim {name!r}", expected)


def _signing_certificate(rows: Rows, row: Element, owner: str) -> None:
    by_secret = rows.settings.get("client_authentication") in (CLIENT_SECRET_BASIC, CLIENT_SECRET_POST)
    if by_secret or not takes(rows.protocol, "signing_certificate"):
        rows.leave_out(row)
        return
    tag = "certificate" if row.value("certificate") else "parameterValue"
    name = row.value(tag)
    if not judge_certificate(name, row.line_of(tag), rows.place(row), rows.draft.judgement):
        return
    rows.put(row, owner, "signing_certificate", name, tag)
    ask_for_signing_certificate(rows.draft, name)


_READERS: Mapping[str, Callable[[Rows, Element, str], None]] = {
    "AuthParameter": _authentication_parameter,
    "AuthProviderUrl": _endpoint,
    "AuthProviderUrlQueryParameter": _query_parameter,
    "JwtBodyClaim": _claim,
    "JwtHeaderClaim": _claim,
    "SigningCertificate": _signing_certificate,
}
#: Kinds of rows that a credential may have several of.
_NAMED = frozenset({"AuthParameter", "JwtBodyClaim", "JwtHeaderClaim"})
