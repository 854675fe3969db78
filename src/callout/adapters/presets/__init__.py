"""The presets that Callout ships: the texts beside this file. What they mean is `engine.presets`' to say."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files


def preset_texts() -> Mapping[str, str]:
    """Return every text by the name of its file."""
    found = (each for each in files(__name__).iterdir() if each.name.endswith(".yaml"))
    return {each.name: each.read_text(encoding="utf-8") for each in found}
