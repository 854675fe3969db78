"""The device authorization grant (RFC 8628): a code on one device, typed in or scanned on another."""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2.client import Field
from callout.core.oauth2.parameters import AUDIENCE, DEVICE_AUTHORIZATION_ENDPOINT, RESOURCE, SCOPE
from callout.core.oauth2.refusal import TokenRefused, members_of, refusal_from
from callout.core.oauth2.request import client_request
from callout.core.protocol import Moment, Values
from callout.core.secret import Secret

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
#: Seconds between polls where the server says nothing, and by how many each `slow_down` lengthens it (section 3.5).
INTERVAL, SLOWER = 5.0, 5.0
#: The longest that a device code is believed to live, in seconds.
LONGEST_LIFE = 3600.0


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """What the server answered (section 3.2): the code that is polled with, and what the user is shown."""

    device_code: Secret
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: float
    interval: float


def device_request(values: Values, moment: Moment) -> HttpRequest:
    """Build the device authorization request (section 3.1). Raises `Refused(principal_not_configured)`."""
    endpoint = values.text(DEVICE_AUTHORIZATION_ENDPOINT.name)
    if not endpoint:
        detail = f"got no {DEVICE_AUTHORIZATION_ENDPOINT.name}; expected the URL of the device authorization endpoint"
        raise Refused(
            "principal_not_configured", detail, Remedy("Declare it, or connect in a browser: leave out --device")
        )
    fields: list[Field] = []
    if scope := values.text(SCOPE.name):
        fields.append(("scope", scope))
    if audience := values.text(AUDIENCE.name):
        fields.append(("audience", audience))
    fields += [("resource", each) for each in values.text(RESOURCE.name).split()]
    return client_request(values, moment, endpoint, fields)


def device_authorization_from(response: HttpResponse, values: Values) -> DeviceAuthorization:
    """Read the answer (section 3.2). Raises `TokenRefused` where it is none."""
    members = members_of(response)
    texts = {name: value for name, value in members.items() if isinstance(value, str) and value}
    uri = texts.get("verification_uri") or texts.get("verification_url")  # the second is Google's
    if response.status != 200 or uri is None or not {"device_code", "user_code"} <= texts.keys():
        expected = "200 with device_code, user_code and verification_uri (RFC 8628 section 3.2)"
        scrub = tuple(values.secrets.values())
        raise refusal_from(response, values, scrub=scrub, asked="device authorization endpoint", expected=expected)
    return DeviceAuthorization(
        Secret(texts["device_code"]),
        texts["user_code"],
        uri,
        texts.get("verification_uri_complete"),
        min(_seconds(members.get("expires_in"), LONGEST_LIFE), LONGEST_LIFE),
        _seconds(members.get("interval"), INTERVAL),
    )


def device_grant(device_code: Secret) -> tuple[Field, ...]:
    """Return the fields of the device access token request (section 3.4)."""
    return (("grant_type", GRANT_TYPE), ("device_code", device_code))


def next_interval(refused: TokenRefused, interval: float) -> float | None:
    """Return how long to wait before the next poll; None where the refusal ends it (section 3.5)."""
    if refused.error == "slow_down":
        return interval + SLOWER
    if refused.error == "authorization_pending":
        return interval
    return min(2 * interval, 60.0) if refused.transient else None


def worded_end(refused: TokenRefused) -> Refused:
    """Word the end of polling: the user refused, or the code has run out."""
    remedies = {
        "access_denied": "Begin again, and agree",
        "expired_token": "Begin again, and enter the code sooner",
        "invalid_grant": "Begin again: the authorization server knows this device code no more",
    }
    if refused.error not in remedies:
        return refused
    return Refused("connection_failed", refused.detail, Remedy(remedies[refused.error]))


def _seconds(value: object, otherwise: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        return otherwise
    return float(value)
