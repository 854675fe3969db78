"""The reference page of the provider presets, made from their texts."""

from collections.abc import Iterator

from callout.adapters.presets import preset_texts
from callout.engine.operations.presets import command_of
from callout.engine.presets import Preset, read_presets

_TOP = """# Presets

Well-known APIs, ready to be used: `callout presets WORDS` finds one, `callout presets show ID` says what it asks for, and
`callout create NAME --preset ID` makes endpoint, authentication, principal and grant. See [presets](../presets.md).

| preset | what it is | protocol |
| --- | --- | --- |
"""


def presets_page() -> str:
    """One row for each preset, then one section for each."""
    presets = list(read_presets(preset_texts()))
    rows = [f"| [`{p.id}`](#{p.id}) | {p.label}: {p.description} | `{p.protocol}` |\n" for p in presets]
    return _TOP + "".join(rows) + "".join(line for preset in presets for line in _section(preset))


def _section(preset: Preset) -> Iterator[str]:
    yield f'\n<a id="{preset.id}"></a>\n## {preset.label}\n\n{preset.description} ([documentation]({preset.docs})).'
    yield f" {preset.note}\n\n" if preset.note else "\n\n"
    yield f"```\n{command_of(preset)}\n```\n\n"
    yield f"- URL: `{preset.url}`\n"
    yield f"- Protocol: [`{preset.protocol}`](protocols/{preset.protocol}.md), principal `{preset.principal}`\n"
    yield from (f"- `{name}`: `{value}`\n" for name, value in preset.parameters.items())
    yield from (f"- Header `{name}: {value}`\n" for name, value in preset.headers.items())
    for name, each in preset.inputs.items():
        default = f", default `{each.default}`" if each.default is not None else f", such as `{each.example}`"
        yield f"- Input `{name}`: {each.help}{default}\n"
    yield from (f"- Secret `{name}`: {told}\n" for name, told in preset.secrets.items())
    if preset.additional_status_codes:
        yield f"- Refreshed on: 401, {', '.join(map(str, preset.additional_status_codes))}\n"
    yield from (f"- Refresh rule: `{rule}`\n" for rule in preset.refresh_rules)
    if preset.inactivity_limit:
        yield f"- A refresh token that lies unused for `{preset.inactivity_limit}` is lost\n"
