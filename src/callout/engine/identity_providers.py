"""External auth identity providers as an admin looks at them, and their client id and secret."""

from __future__ import annotations

from collections.abc import Mapping

from callout.core.errors import DefinitionError, Problem
from callout.core.model.identity_providers import NAMED_BY, ExternalAuthIdentityProvider
from callout.core.model.org import Org
from callout.core.ports import Change
from callout.core.rules import refusal_of_secret
from callout.core.rules.identity_providers import SECTION, provider_secret_problems
from callout.core.secret import Secret, reveal  # noqa: TID251 - a value is judged here, before it is sealed
from callout.engine.connect_links import Links
from callout.engine.secret_values import act_of_setting, opened, sealed
from callout.engine.setup import Edit, Result, Setup, found

_NOUN = (SECTION, "an external auth identity provider")


def _shown(org: Org, provider: ExternalAuthIdentityProvider, links: Links) -> Result:
    return {
        "name": provider.name,
        "label": provider.label,
        "description": provider.description,
        "parameters": dict(sorted(provider.parameters.items())),
        "secrets_set": sorted(org.configured.get(provider.key, ())),
        "external_credentials": _users(org, provider),
        "callback_url": links.callback_url,
        "created_by_namespace": provider.created_by_namespace,
    }


def _users(org: Org, provider: ExternalAuthIdentityProvider) -> list[str]:
    """Name the external credentials that name a provider."""
    return sorted(e.name for e in org.external_credentials.values() if e.parameters.get(NAMED_BY) == provider.name)


async def list_providers(setup: Setup, links: Links) -> Result:
    """List every provider."""
    org = await setup.org()
    return {SECTION: [_shown(org, one, links) for _, one in sorted(org.external_auth_identity_providers.items())]}


async def show_provider(setup: Setup, links: Links, name: str) -> Result:
    """Show one provider, and the callback URL that is registered at its authorization server."""
    org = await setup.org()
    return _shown(org, found(org.external_auth_identity_providers, name, *_NOUN), links)


async def remove_provider(setup: Setup, who: str, name: str) -> Result:
    """Remove a provider that no external credential names, with its client id and secret."""

    def edit(org: Org) -> Edit:
        provider = found(org.external_auth_identity_providers, name, *_NOUN)
        if users := _users(org, provider):
            got, expected = (
                f"{name!r}, which is in use",
                f"one that nothing names; it is named by {', '.join(f'external_credentials.{each}' for each in users)}",
            )
            raise DefinitionError([Problem(f"{SECTION}.{name}", got, expected)])
        change = Change(SECTION, name, None)
        forget = (provider.key.external_credential,)
        return Edit((change,), "remove identity provider", name, forget=forget)

    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": f"Identity provider {name} is gone, and its client with it"}


async def set_client(setup: Setup, who: str, name: str, values: Mapping[str, Secret]) -> Result:
    """Seal the client id or secret of a provider. Connections stay where the client id does."""
    if not values:
        raise DefinitionError([Problem("secrets", "no value", "at least one, as NAME=-, NAME=@FILE or NAME=VALUE")])

    async def attempt() -> bool:
        org = await setup.org()
        provider = found(org.external_auth_identity_providers, name, *_NOUN)
        place = f"{SECTION}.{name}"
        problems = list(provider_secret_problems(place, values))
        for each, value in values.items():
            refusal = refusal_of_secret(reveal(value))
            if refusal is not None:
                problems.append(Problem(f"{place}.secrets.{each}", *refusal))
        if problems:
            raise DefinitionError(problems)
        stored = await setup.user_external_credentials.secrets(provider.key)
        differing = {n: v for n, v in values.items() if opened(setup, provider.key, stored, n) != v}
        if differing:
            act = act_of_setting(setup, who, provider.key, differing)
            envelopes = sealed(setup, provider.key, differing)
            await setup.user_external_credentials.put_secrets(provider.key, envelopes, act, expects=org.generation)
        return bool(differing)

    async with setup.turn:
        moved = await setup.repeating(attempt)
    told = f"set {', '.join(sorted(values))}" if moved else "unchanged: these values are stored already"
    return {"name": name, "changed": moved, "message": f"Identity provider {name}: {told}"}
