"""Is the stored token still good? The authorization server is asked (RFC 7662); nothing is changed."""

from __future__ import annotations

from callout.core.errors import DefinitionError, Problem
from callout.core.oauth2 import introspected_from
from callout.core.oauth2.parameters import INTROSPECTION_ENDPOINT, ISSUER
from callout.core.rules.urls import shown_url
from callout.engine.asking import ask
from callout.engine.revocation import held_token, texts_of
from callout.engine.scopes import Reader
from callout.engine.secret_values import holder
from callout.engine.setup import Result, Setup
from callout.engine.slots import Sources, opened_values, private_token_endpoint

#: How long the answer may take, in seconds.
SECONDS = 10.0


async def introspect(setup: Setup, external_credential: str, principal: str, *, user: str | None) -> Result:
    """Ask whether the access token of a principal is active. Raises `DefinitionError` where no endpoint is declared.

    `active` is None where no token is stored. Raises `Refused` where the server gives no answer to the question.
    """
    org = await setup.org()
    one = holder(org, external_credential, principal, user)
    sources = Sources.of(org, one.external, one.principal, one.key)
    place = f"external_credentials.{one.external.name}.parameters.{INTROSPECTION_ENDPOINT.name}"
    endpoint = sources.parameters.get(INTROSPECTION_ENDPOINT.name) or sources.parameters.get(ISSUER.name)
    if not endpoint:
        raise DefinitionError([Problem(place, "none", INTROSPECTION_ENDPOINT.help)])
    values = await opened_values(setup.user_external_credentials, setup.vault, sources)
    protocol = setup.catalogue[one.external.protocol](values)
    token = await held_token(setup, org, one.external, one.principal, one.key)
    moment = setup.scopes.moment(one.external.name, protocol, Reader(one.key.user, org.users.get(one.key.user)))
    asking = protocol.introspection(token, moment) if token is not None else None
    shown: Result = {"reference": str(one.key), "endpoint": shown_url(endpoint), "at": setup.now(), "active": None}
    if token is None or asking is None:
        return {**shown, "message": f"{one.key}: no token is kept; the next callout obtains one"}
    private = private_token_endpoint(org, one.external.name)
    response, url = await ask(asking, setup.transport, allow_private_network=private, timeout_seconds=SECONDS)
    if response is None:
        raise DefinitionError([Problem(place, f"none, and {endpoint} names none", INTROSPECTION_ENDPOINT.help)])
    scrub = (*values.secrets.values(), *texts_of(token))
    said = introspected_from(response, values, scrub=scrub)
    return {
        **shown,
        "endpoint": shown_url(url),
        "active": said.active,
        "scope": said.scope,
        "client_id": said.client_id,
        "subject": said.subject,
        "expires_at": said.expires_at,
        "expected_until": token.expires_at,
        "message": f"{one.key}: the authorization server says that its token is {'' if said.active else 'not '}active",
    }
