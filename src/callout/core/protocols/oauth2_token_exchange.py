"""OAuth 2.0 token exchange (RFC 8693): a token of one kind, or for one audience, for another."""

from __future__ import annotations

from callout.core.jose import self_signed
from callout.core.jose.parameters import CLAIMS, HEADER_CLAIMS, JWT_LIFETIME
from callout.core.oauth2 import RepeatableGrant
from callout.core.oauth2.client import Field, audience_of
from callout.core.oauth2.parameters import CLIENT, DIALECT, REFRESH_DIALECT, TOKEN_CARE, TOKEN_ENDPOINT
from callout.core.protocol import Moment, Parameter, Values
from callout.core.secret import Secret, reveal

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
#: What the short names of token types stand for (RFC 8693 section 3).
TYPE_PREFIX = "urn:ietf:params:oauth:token-type:"
SECRET, FORMULA, SIGNED = "secret", "formula", "signed"

SUBJECT_TOKEN_FROM = Parameter(
    "subject_token_from",
    "Where the subject token comes from: a secret of the principal, a formula, or a JWT that is signed for each request"
    " with signing_certificate",
    required=False,
    default=SECRET,
    choices=(SECRET, FORMULA, SIGNED),
)
SUBJECT_TOKEN = Parameter(
    "subject_token",
    "Token of the party on whose behalf the request is made (RFC 8693 section 2.1)",
    secret=True,
    when=(SUBJECT_TOKEN_FROM.name, SECRET),
)
SUBJECT_TOKEN_FORMULA = Parameter(
    "subject_token_formula",
    "Formula of the subject token",
    formula=True,
    when=(SUBJECT_TOKEN_FROM.name, FORMULA),
)
SUBJECT_TOKEN_TYPE = Parameter(
    "subject_token_type",
    "Type of the subject token (RFC 8693 section 3), as a URI or by its short name; left out: access_token, or jwt where"
    " it is signed",
    required=False,
)
ACTOR_TOKEN = Parameter("actor_token", "Token of the acting party (RFC 8693 section 2.1)", secret=True, required=False)
ACTOR_TOKEN_FORMULA = Parameter(
    "actor_token_formula", "Formula of the actor token, where it is no secret", required=False, formula=True
)
ACTOR_TOKEN_TYPE = Parameter(
    "actor_token_type",
    "Type of the actor token, as a URI or by its short name",
    required=False,
    default="access_token",
)
REQUESTED_TOKEN_TYPE = Parameter(
    "requested_token_type", "Type of the token to ask for, as a URI or by its short name", required=False
)


class OAuth2TokenExchange(RepeatableGrant):
    """Exchanges a subject token, and the token of an actor where there is one, for an access token."""

    name = "oauth2_token_exchange"
    title = "OAuth 2.0 token exchange"
    parameters = (
        *CLIENT,
        SUBJECT_TOKEN_FROM,
        SUBJECT_TOKEN,
        SUBJECT_TOKEN_FORMULA,
        SUBJECT_TOKEN_TYPE,
        ACTOR_TOKEN,
        ACTOR_TOKEN_FORMULA,
        ACTOR_TOKEN_TYPE,
        REQUESTED_TOKEN_TYPE,
        CLAIMS,
        HEADER_CLAIMS,
        JWT_LIFETIME,
        *DIALECT,
        *REFRESH_DIALECT,
        *TOKEN_CARE,
    )
    invalid_grant = (
        "Give the principal a subject token (and actor token) that this server takes and that has not expired"
    )
    worded = frozenset({"invalid_grant", "invalid_request"})  # RFC 8693 section 2.2.2 says the second

    def fields(self, values: Values, moment: Moment) -> tuple[Field, ...]:
        """Return the request (section 2.1); audience, resource and scope are added as for every grant."""
        chosen = values.text(SUBJECT_TOKEN_FROM.name)
        kind = values.text(SUBJECT_TOKEN_TYPE.name) or ("jwt" if chosen == SIGNED else "access_token")
        fields: list[Field] = [
            ("grant_type", GRANT_TYPE),
            ("subject_token", self._subject(values, moment, chosen)),
            ("subject_token_type", _type(kind)),
        ]
        actor = self._actor(values, moment)
        if actor is not None:
            fields += [("actor_token", actor), ("actor_token_type", _type(values.text(ACTOR_TOKEN_TYPE.name)))]
        if requested := values.text(REQUESTED_TOKEN_TYPE.name):
            fields.append(("requested_token_type", _type(requested)))
        return tuple(fields)

    def _subject(self, values: Values, moment: Moment, chosen: str) -> Secret:
        if chosen == FORMULA:
            return Secret(reveal(moment.evaluate(values.text(SUBJECT_TOKEN_FORMULA.name))))
        if chosen == SIGNED:
            client_id = reveal(values.secret("client_id"))
            audience = audience_of(values, values.text(TOKEN_ENDPOINT.name))
            usual = {"iss": client_id, "sub": client_id, "aud": audience}
            return self_signed(values, moment, usual, purpose="subject_token")
        return values.secret("subject_token")

    def _actor(self, values: Values, moment: Moment) -> Secret | None:
        formula = values.text(ACTOR_TOKEN_FORMULA.name)
        if formula:
            return Secret(reveal(moment.evaluate(formula)))
        return values.secrets.get("actor_token")


def _type(name: str) -> str:
    return name if ":" in name else f"{TYPE_PREFIX}{name}"
