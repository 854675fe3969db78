"""Acting for others: which users a permission set lets callouts be made on behalf of; and who is trusted to name them."""

from __future__ import annotations

from dataclasses import replace

from callout.core.model.org import Org
from callout.core.model.people import GUEST, PROFILE_PREFIX
from callout.core.ports import Change
from callout.engine.manifest import plain_fields
from callout.engine.setup import Edit, Result, Setup, found, put

_SETS, _ISSUERS = "permission_sets", "trusted_issuers"


async def let_act_for(setup: Setup, who: str, name: str, other: str) -> Result:
    """Let who has this permission set make callouts on behalf of a user, or of the users of `profile:NAME`."""

    def edit(org: Org) -> Edit:
        known = found(org.permission_sets, name, _SETS, "a permission set")
        judge_other(org, other, f"{_SETS}.{name}.may_act_for")
        return Edit(put(replace(known, may_act_for=known.may_act_for | {other})), "let act for", f"{name}: {other}")

    org, moved = await setup.write(who, edit)
    return {**_shown(org, name), "changed": moved, "message": f"Permission set {name} lets act for {other}"}


async def stop_acting_for(setup: Setup, who: str, name: str, other: str) -> Result:
    """Take back that who has this permission set acts for a user or profile."""

    def edit(org: Org) -> Edit:
        known = found(org.permission_sets, name, _SETS, "a permission set")
        acting = {each: each for each in known.may_act_for}
        found(acting, other, f"{_SETS}.{name}.may_act_for", f"one that {name} lets act for")
        left = put(replace(known, may_act_for=known.may_act_for - {other}))
        return Edit(left, "stop acting for", f"{name}: {other}")

    org, moved = await setup.write(who, edit)
    return {**_shown(org, name), "changed": moved, "message": f"Permission set {name} no longer lets act for {other}"}


def judge_other(org: Org, other: str, place: str) -> None:
    """Raise `NotDefined` for a user or profile on whose behalf nobody can act."""
    profile = other.removeprefix(PROFILE_PREFIX)
    if profile != other:
        found(org.profiles, profile, place, "a profile")
    else:
        found({name: user for name, user in org.users.items() if name != GUEST}, other, place, "a user")


def _shown(org: Org, name: str) -> Result:
    return {"name": name, "may_act_for": sorted(org.permission_sets[name].may_act_for)}


async def list_trusted_issuers(setup: Setup) -> Result:
    """List the issuers whose tokens prove a caller, with everything that they are judged by."""
    org = await setup.org()
    rows = [
        {"name": name, **plain_fields(org.trusted_issuers[name], everything=True)}
        for name in sorted(org.trusted_issuers)
    ]
    return {_ISSUERS: rows}


async def remove_trusted_issuer(setup: Setup, who: str, name: str) -> Result:
    """Trust an issuer no longer: its tokens prove nothing from now on."""

    def edit(org: Org) -> Edit:
        known = found(org.trusted_issuers, name, _ISSUERS, "a trusted issuer")
        return Edit((Change(_ISSUERS, name, None),), "remove trusted issuer", f"{name}: {known.issuer}")

    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": f"Issuer {name} is trusted no longer"}
