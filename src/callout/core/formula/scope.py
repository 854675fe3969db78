"""What formulas read: known before they are evaluated (`Reads`), and given to them when they are (`Scope`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callout.core.formula.values import Blob, UnfitError
from callout.core.secret import Secret

Names = frozenset[tuple[str, str]]

#: The short fields, `{!$Credential.Username}`, and what each stands for (Apex Developer Guide, merge fields).
SHORT_FIELDS: Mapping[str, str] = {
    "Username": "the user name of Basic authentication",
    "Password": "the password of Basic authentication",
    "OAuthToken": "the access token that was issued",
    "AuthorizationMethod": "`Basic`, `Bearer`, or nothing",
    "AuthorizationHeaderValue": "Base64 of user name, colon and password; or the access token; or nothing",
    "OAuthConsumerKey": "the client id",
}
#: Names after `$Credential.ExternalCredential.` that mean the issued token where the protocol obtains one.
ISSUED_TOKEN = frozenset({"AccessToken", "OAuthToken"})
#: The name after `$Credential.ExternalCredential.` that means the request's body, in small letters.
BODY = "body"

USER_FIELDS: Mapping[str, str] = {
    "Id": "the name by which Callout knows the user whose grants count",
    "Username": "the same name",
    "Email": "the user's email address",
    "Name": "the user's label, or the name where there is none",
}
ORGANIZATION_FIELDS: Mapping[str, str] = {
    "Id": "setting `organization_id`",
    "Name": "setting `organization_name`",
}
#: Beyond Salesforce's: what signatures of requests are made of.
REQUEST_FIELDS: Mapping[str, str] = {
    "Method": "the method, such as `POST`",
    "Path": "the path as it is sent, that of the named credential's URL included",
    "Query": "the query as the caller sent it, without its `?`; nothing where there is none",
    "Target": "path and query, as in the request line",
    "Url": "the whole URL",
    "Host": "the host, with the port where the URL has one",
}
CALLOUT_FIELDS: Mapping[str, str] = {
    "Id": "the callout id, by which the log and the answer name it",
    "Nonce": "32 hexadecimal digits that no other callout has, nor this one when it is sent again",
}


@dataclass(frozen=True, slots=True)
class Reads:
    """What formulas read. `names` are (external credential, parameter); `bodies` name external credentials.

    `keys`: a private key of Callout's own is signed with.
    """

    names: Names = frozenset()
    short: frozenset[str] = frozenset()
    user: frozenset[str] = frozenset()
    organization: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    request: frozenset[str] = frozenset()
    callout: frozenset[str] = frozenset()
    time: bool = False
    keys: bool = False

    @classmethod
    def of(cls, parts: Iterable[Reads]) -> Reads:
        """Join what several read."""
        every = tuple(parts)
        return cls(
            frozenset[tuple[str, str]]().union(*(each.names for each in every)),
            frozenset[str]().union(*(each.short for each in every)),
            frozenset[str]().union(*(each.user for each in every)),
            frozenset[str]().union(*(each.organization for each in every)),
            frozenset[str]().union(*(each.bodies for each in every)),
            frozenset[str]().union(*(each.request for each in every)),
            frozenset[str]().union(*(each.callout for each in every)),
            any(each.time for each in every),
            any(each.keys for each in every),
        )

    @property
    def is_of_one_request(self) -> bool:
        """True where the value is that of one callout alone: it reads the request, or what names the callout."""
        return bool(self.bodies or self.request or self.callout)


def _no_private_key(certificate: str) -> Secret:
    raise UnfitError(f"certificate {certificate!r}", "one that signing_certificate of the external credential names")


@dataclass(frozen=True, slots=True)
class Scope:
    """What formulas can read, at one moment.

    `credential` finds a parameter by external credential and name, `short` a short field; both raise where there is
    none. `body` is the request's body as it will be sent. `private_key` finds one by the name of its certificate.
    """

    now: datetime
    credential: Callable[[str, str], str | Secret]
    short: Callable[[str], str | Secret]
    user: Mapping[str, str] = field(default_factory=dict)
    organization: Mapping[str, str] = field(default_factory=dict)
    body: Blob = field(default_factory=lambda: Blob(b"", is_secret=False))
    request: Mapping[str, str] = field(default_factory=dict)
    callout: Mapping[str, str] = field(default_factory=dict)
    private_key: Callable[[str], Secret] = _no_private_key
