"""Operations on provider presets, and quick create."""

from __future__ import annotations

import msgspec

from callout.core.model.people import Caller
from callout.core.protocol import Catalogue
from callout.engine.creating import Wanted, create
from callout.engine.following import signs_in
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation, Uses
from callout.engine.presets import Preset
from callout.engine.setup import Result


async def list_presets(uses: Uses, request: r.PresetsWanted, _: Caller) -> Result:
    """List the presets that words find, the best first; every one where there is no word."""
    found = uses.presets().search(request.words.split())
    rows = (
        {"id": p.id, "label": p.label, "description": p.description, "protocol": p.protocol, "tags": list(p.tags)}
        for p in found
    )
    return {"presets": list(rows)}


async def show_preset(uses: Uses, request: r.PresetId, _: Caller) -> Result:
    """Show one preset: what it makes, and what it asks for."""
    return _shown(uses.presets().find(request.id), uses.setup.catalogue)


async def create_whole(uses: Uses, request: r.Creation, caller: Caller) -> Result:
    """Make endpoint, authentication, principal and grant."""
    return await create(uses.setup, uses.presets(), str(caller), Wanted(**msgspec.structs.asdict(request)))


def _shown(preset: Preset, catalogue: Catalogue) -> Result:
    told: Result = msgspec.to_builtins(preset)
    del told["inputs"]
    return {
        **told,
        "inputs": [
            {"name": name, "help": i.help, "example": i.example, "default": i.default}
            for name, i in preset.inputs.items()
        ],
        "secrets": [{"name": name, "help": text} for name, text in preset.secrets.items()],
        "signs_in": signs_in(catalogue, preset.protocol),
        "command": command_of(preset),
    }


def command_of(preset: Preset) -> str:
    """Return the command that makes it, with what it asks for."""
    name = "".join(part[:1].upper() + part[1:] for part in preset.id.replace("_", "-").split("-"))
    inputs = "".join(f" --input {key}={i.example}" for key, i in preset.inputs.items() if i.default is None)
    secrets = "".join(f" --secret {key}=-" for key in preset.secrets)
    return f"callout create {name} --preset {preset.id}{inputs}{secrets}"


PRESETS: tuple[Operation, ...] = (
    Operation(
        "preset.list",
        "GET",
        "/presets",
        r.PresetsWanted,
        "List provider presets, or those that words find",
        list_presets,
    ),
    Operation(
        "preset.show",
        "GET",
        "/presets/{id}",
        r.PresetId,
        "Show a provider preset: what it makes, and what it asks for",
        show_preset,
    ),
    Operation(
        "named_credential.create",
        "POST",
        "/named-credentials",
        r.Creation,
        "Make a named credential with its external credential, principal and grant, from a preset or without one",
        create_whole,
    ),
)
