"""What has to be supplied by hand, since metadata never holds it: secrets, certificates, authorizations, role ARNs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from callout.core.access.decide import required_names
from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal, PrincipalType
from callout.core.model.identity_providers import CLIENT_SECRETS, ExternalAuthIdentityProvider
from callout.core.protocols import CATALOGUE
from callout.core.protocols.aws_sts import AwsSts
from callout.core.protocols.oauth2_jwt_bearer import OAuth2JwtBearer
from callout.engine.importers.salesforce.commands import certificate_command, connect_command, secret_command
from callout.engine.importers.salesforce.protocols import takes
from callout.engine.importers.salesforce.report import Draft

_EACH = "each user's"
#: Stands where an ARN was not in the file; AWS has nothing of this name.
TO_BE_SET = "TO_BE_SET"
#: What Salesforce keeps with the secrets of a principal, and here are parameters: the ARN of each, as AWS writes them.
_ARNS: Mapping[str, str] = {
    "role_arn": "arn:aws:iam::{account}:role/" + TO_BE_SET,
    "profile_arn": "arn:aws:rolesanywhere:{region}:{account}:profile/" + TO_BE_SET,
    "trust_anchor_arn": "arn:aws:rolesanywhere:{region}:{account}:trust-anchor/" + TO_BE_SET,
}


def ask_for_signing_certificate(draft: Draft, certificate: str) -> None:
    """Tell of a certificate whose key signs: metadata holds its name alone."""
    draft.by_hand_too(
        f"signing certificate {certificate!r} is not in metadata: Callout makes one of this name; import the one that the "
        "external system knows, or let it know the new one",
        certificate_command(certificate),
    )


def with_arns(
    name: str, protocol: str, parameters: Mapping[str, str], principals: Iterable[Principal], draft: Draft
) -> tuple[dict[str, str], tuple[Principal, ...]]:
    """Put ARNs that are not in the file in their places, as ones to be set, and ask for them.

    Returns the parameters of the credential and its principals. A role is a principal's own; the rest is for all.
    """
    whole, given = dict(parameters), list(principals)
    written = {"account": parameters.get("account_id", "000000000000"), "region": parameters.get("region", "REGION")}
    for parameter, pattern in _ARNS.items():
        if not takes(protocol, parameter) or parameter in whole:
            continue
        value, place = pattern.format(**written), f"external_credentials.{name}"
        if parameter != "role_arn":
            whole[parameter] = value
            _ask_for_arn(draft, f"{place}.parameters.{parameter}", value)
            continue
        for index, principal in enumerate(given):
            if parameter not in principal.parameters:
                given[index] = replace(principal, parameters={**principal.parameters, parameter: value})
                _ask_for_arn(draft, f"{place}.principals.{principal.name}.parameters.{parameter}", value)
    return whole, tuple(given)


def _ask_for_arn(draft: Draft, place: str, value: str) -> None:
    what = f"set {place} in a manifest: metadata does not hold it, and {value} stands in its place"
    draft.by_hand_too(what, "callout apply -f FILE")


def ask_for_values(
    draft: Draft,
    external: ExternalCredential,
    provider: ExternalAuthIdentityProvider | None,
    users: Iterable[NamedCredential],
    extra_names: Mapping[str, set[str]],
) -> None:
    """Ask for the secrets of each principal, and for its authorization where a person gives it.

    `users` are the named credentials whose headers may read more; `extra_names` parameters by principal, "" for all.
    The client of a provider is asked for there.
    """
    provided = dict(provider.parameters) if provider is not None else {}
    whole = replace(external, parameters={**provided, **external.parameters})
    using: list[NamedCredential | None] = [*users] or [None]
    for principal in external.principals:
        names = set(extra_names.get("", ())) | extra_names.get(principal.name, set())
        for named in using:
            names |= required_names(CATALOGUE, whole, principal, named)
        if provider is not None:
            names -= set(CLIENT_SECRETS)
        elif _signs_for_its_client(external, principal):
            names.add("client_id")
        _ask_principal(draft, external, principal, names)


def _ask_principal(draft: Draft, external: ExternalCredential, principal: Principal, names: set[str]) -> None:
    each = principal.type is PrincipalType.PER_USER
    if names:
        what = f"set {_EACH if each else 'the'} secrets of {principal.name}"
        if external.protocol == AwsSts.name:
            what += " (the key of Salesforce's AwsStsPrincipal)"
        draft.by_hand_too(what, secret_command(external.name, principal, names))
    if CATALOGUE[external.protocol].interactive:
        who = "each user authorizes" if each else "somebody authorizes"
        what = f"connect {principal.name}: {who} in a browser anew, since tokens are not in metadata"
        draft.by_hand_too(what, connect_command(external.name, principal))


def _signs_for_its_client(external: ExternalCredential, principal: Principal) -> bool:
    """Say whether an assertion has the client id for its issuer, since no claim says another."""
    given = external.parameters.keys() | principal.parameters.keys()
    return external.protocol == OAuth2JwtBearer.name and "claims.iss" not in given
