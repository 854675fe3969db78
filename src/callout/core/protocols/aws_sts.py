"""AWS Signature Version 4 with the credentials of a role that an IAM user's key assumes (AWS STS, AssumeRole)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from callout.core.errors import Refused
from callout.core.message import HttpRequest, HttpResponse, form_body
from callout.core.oauth2 import TokenRefused
from callout.core.protocol import Flow, Moment, Parameter, Token
from callout.core.secret import Secret, reveal
from callout.core.sigv4 import (
    DURATION,
    SCOPE,
    STALE_SIGNS,
    AwsCredentials,
    CredentialScope,
    SignsRequests,
    credentials_of,
    elements_of,
    endpoint_of,
    payload_hash_of,
    refusal,
    sign,
    token_of,
)

_VERSION = "2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
#: The endpoints of STS are named after their region; the one without a region is in this one.
_REGIONAL = re.compile(r"sts(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_GLOBAL, _GLOBAL_REGION = "sts.amazonaws.com", "us-east-1"
_REMEDIES = {
    "AccessDenied": "Let the trust policy of the role name the user of the base key, and external_id as it is set here;"
    " let that user do sts:AssumeRole",
    "InvalidClientTokenId": "Set the base key's access_key_id anew: AWS does not know it",
    "SignatureDoesNotMatch": "Set the base key's secret_access_key anew: it is not that of access_key_id",
    "ExpiredToken": "Set another base key: its session_token has expired",
    "RegionDisabledException": "Activate AWS STS in this region, or set sts_endpoint to that of another",
    "ValidationError": "Correct role_arn, external_id, duration_seconds or session_name",
}


class AwsSts(SignsRequests):
    """Assumes a role ("AssumeRole", AWS STS API Reference) and signs each request with its temporary credentials."""

    name = "aws_sts"
    title = "AWS Signature Version 4, with a role assumed by AWS STS"
    parameters = (
        *SCOPE,
        Parameter("role_arn", "ARN of the role to assume; each principal may have its own"),
        Parameter("external_id", "External id that the trust policy of the role asks for", required=False),
        DURATION,
        Parameter(
            "session_name",
            "Name of the session, as AWS CloudTrail shows it; it may hold formulas",
            required=False,
            default="callout",
            formula=True,
        ),
        Parameter(
            "sts_endpoint",
            "URL of AWS STS; that of the region if not given (sts.REGION.amazonaws.com)",
            required=False,
            url=True,
        ),
        Parameter("access_key_id", "Access key id of the IAM user that assumes the role", secret=True),
        Parameter("secret_access_key", "Secret access key of that user", secret=True),
        Parameter("session_token", "Session token, where that key is a temporary one", secret=True, required=False),
    )
    obtains = True
    stale_signs = STALE_SIGNS

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Assume the role. Sessions are not renewed: another one replaces them."""
        response = yield self._request(moment)
        parts = elements_of(response.body)
        if response.status == 200:
            try:
                granted = token_of(parts, moment.now)
            except ValueError:
                granted = None
            if granted is not None:
                return granted
        raise self._refusal(response, parts, moment)

    def credentials(self, token: Token | None) -> AwsCredentials:
        """Return the credentials of the session."""
        return credentials_of(token)

    def _request(self, moment: Moment) -> HttpRequest:
        values = self.values
        base = AwsCredentials(
            values.secret("access_key_id"),
            values.secret("secret_access_key"),
            values.secrets.get("session_token") or None,
        )
        fields: list[tuple[str, str | Secret]] = [("Action", "AssumeRole"), ("Version", _VERSION)]
        fields += [("RoleArn", values.text("role_arn")), ("RoleSessionName", self._session_name(moment))]
        for name, parameter in (("ExternalId", "external_id"), ("DurationSeconds", "duration_seconds")):
            if text := values.text(parameter):
                fields.append((name, text))
        body = form_body(tuple(fields))
        endpoint = values.text("sts_endpoint") or endpoint_of("sts", self.scope.region) + "/"
        request = HttpRequest("POST", endpoint, body=body, client=values.text("role_arn")).with_headers(
            ("Content-Type", _FORM), ("Accept", "application/xml")
        )
        scope = CredentialScope(_region_of(endpoint, self.scope.region), "sts")
        return sign(request, base, scope, moment.now, payload_hash_of(body))

    def _session_name(self, moment: Moment) -> str:
        name = reveal(moment.evaluate(self.values.text("session_name", "callout")))
        if _SESSION_NAME.fullmatch(name) is None:
            detail = "got a session_name that AWS does not take; expected 2 to 64 letters, digits and =,.@-_+"
            raise Refused("formula_failed", detail)
        return name

    def _refusal(self, response: HttpResponse, parts: dict[str, str], moment: Moment) -> TokenRefused:
        return refusal(
            response,
            moment.now,
            asked="AWS STS",
            expected="200 with Credentials that expire",
            code=parts.get("Code", ""),
            message=parts.get("Message", ""),
            remedies=_REMEDIES,
            scrub=tuple(self.values.secrets.values()),
        )


def _region_of(endpoint: str, otherwise: str) -> str:
    """Return the region that requests to an endpoint of STS are signed for."""
    host = urlsplit(endpoint).hostname or ""
    found = _REGIONAL.fullmatch(host)
    if found is not None:
        return found[1]
    return _GLOBAL_REGION if host == _GLOBAL else otherwise
