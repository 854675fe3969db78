"""The secret of the client with which people sign in at a trusted issuer: sealed, and never shown again."""

from __future__ import annotations

from collections.abc import Mapping

from callout.core.errors import DefinitionError, Problem
from callout.core.rules import refusal_of_secret
from callout.core.rules.issuers import issuer_secret_problems
from callout.core.secret import Secret, reveal  # noqa: TID251 - a value is judged here, before it is sealed
from callout.engine.secret_values import act_of_setting, opened, sealed
from callout.engine.setup import Result, Setup, found


async def set_client_secret(setup: Setup, who: str, name: str, values: Mapping[str, Secret]) -> Result:
    """Seal the secret of the client of a trusted issuer. Raises `DefinitionError`."""
    if not values:
        raise DefinitionError([Problem("secrets", "no value", "client_secret, as NAME=-, NAME=@FILE or NAME=VALUE")])

    async def attempt() -> bool:
        org = await setup.org()
        issuer = found(org.trusted_issuers, name, "trusted_issuers", "a trusted issuer")
        place = f"trusted_issuers.{name}"
        problems = list(issuer_secret_problems(place, values))
        for each, value in values.items():
            if (refusal := refusal_of_secret(reveal(value))) is not None:
                problems.append(Problem(f"{place}.secrets.{each}", *refusal))
        if problems:
            raise DefinitionError(problems)
        stored = await setup.user_external_credentials.secrets(issuer.key)
        differing = {n: v for n, v in values.items() if opened(setup, issuer.key, stored, n) != v}
        if differing:
            act, envelopes = act_of_setting(setup, who, issuer.key, differing), sealed(setup, issuer.key, differing)
            await setup.user_external_credentials.put_secrets(issuer.key, envelopes, act, expects=org.generation)
        return bool(differing)

    async with setup.turn:
        moved = await setup.repeating(attempt)
    told = f"set {', '.join(sorted(values))}" if moved else "unchanged: this value is stored already"
    return {"name": name, "changed": moved, "message": f"Trusted issuer {name}: {told}"}
