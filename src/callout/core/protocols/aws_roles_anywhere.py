"""AWS Signature Version 4 with the credentials of a role that a certificate is exchanged for (IAM Roles Anywhere)."""

from __future__ import annotations

import json
from typing import Any

from callout.core.message import HttpRequest
from callout.core.oauth2.refusal import members_of
from callout.core.protocol import Flow, Moment, Parameter, Token
from callout.core.secret import Redactable
from callout.core.sigv4 import (
    DURATION,
    SCOPE,
    STALE_SIGNS,
    AwsCredentials,
    CredentialScope,
    SignsRequests,
    credentials_of,
    endpoint_of,
    refusal,
    sign_with_certificate,
    token_of,
)

_CREATED = 201
_REMEDIES = {
    "AccessDeniedException": "Let the profile name the role, the trust policy of the role name rolesanywhere.amazonaws.com,"
    " and the trust anchor be the one that has signed the certificate; both have to be enabled",
    "ResourceNotFoundException": "Correct profile_arn and trust_anchor_arn: there is none of that name in this region",
    "ValidationException": "Correct profile_arn, role_arn, trust_anchor_arn, duration_seconds or the certificate's chain",
}


class AwsRolesAnywhere(SignsRequests):
    """Creates a session ("CreateSession", IAM Roles Anywhere API Reference) and signs with its temporary credentials."""

    name = "aws_roles_anywhere"
    title = "AWS Signature Version 4, with a role from IAM Roles Anywhere"
    parameters = (
        *SCOPE,
        Parameter("role_arn", "ARN of the role; each principal may have its own"),
        Parameter("profile_arn", "ARN of the profile of IAM Roles Anywhere"),
        Parameter("trust_anchor_arn", "ARN of the trust anchor that has signed the certificate"),
        Parameter(
            "signing_certificate", "Certificate, with an RSA or EC key, that is exchanged for a session", key_pair=True
        ),
        DURATION,
        Parameter(
            "roles_anywhere_endpoint",
            "URL of IAM Roles Anywhere; that of the region if not given (rolesanywhere.REGION.amazonaws.com)",
            required=False,
            url=True,
        ),
    )
    obtains = True
    stale_signs = STALE_SIGNS

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Create a session. Sessions are not renewed: another one replaces them."""
        response = yield self._request(moment)
        members = members_of(response)
        if response.status in (200, _CREATED):
            try:
                granted = token_of(_parts_of(members), moment.now)
            except ValueError:
                granted = None
            if granted is not None:
                return granted
        named = response.header("x-amzn-errortype") or members.get("__type")
        message = members.get("message")
        raise refusal(
            response,
            moment.now,
            asked="IAM Roles Anywhere",
            expected="201 with credentials that expire",
            code=named.partition(":")[0].rpartition("#")[2] if isinstance(named, str) else "",
            message=message if isinstance(message, str) else "",
            remedies=_REMEDIES,
            scrub=tuple(self.values.secrets.values()),
        )

    def credentials(self, token: Token | None) -> AwsCredentials:
        """Return the credentials of the session."""
        return credentials_of(token)

    def _request(self, moment: Moment) -> HttpRequest:
        values, region = self.values, self.scope.region
        members: dict[str, str | int] = {
            "profileArn": values.text("profile_arn"),
            "roleArn": values.text("role_arn"),
            "trustAnchorArn": values.text("trust_anchor_arn"),
        }
        if seconds := values.text("duration_seconds"):
            members["durationSeconds"] = int(seconds)
        endpoint = values.text("roles_anywhere_endpoint") or endpoint_of("rolesanywhere", region)
        request = HttpRequest(
            "POST",
            endpoint.rstrip("/") + "/sessions",
            body=Redactable.of(json.dumps(members)),
            client=values.text("role_arn"),
        ).with_headers(("Content-Type", "application/json"), ("Accept", "application/json"))
        key_pair = values.key_pair("signing_certificate")
        return sign_with_certificate(request, key_pair, CredentialScope(region, "rolesanywhere"), moment.now)


def _parts_of(members: Any) -> dict[str, str]:
    """Return the credentials of an answer by the names that AWS STS gives them."""
    sets = members.get("credentialSet")
    first = sets[0] if isinstance(sets, list) and sets else None
    found = first.get("credentials") if isinstance(first, dict) else None
    if not isinstance(found, dict):
        return {}
    return {f"{name[:1].upper()}{name[1:]}": text for name, text in found.items() if isinstance(text, str)}
