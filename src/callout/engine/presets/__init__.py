"""Provider presets: well-known APIs as data, searched, and filled in to definitions by `engine.creating`.

A preset is no code and decides nothing: it is the part of a manifest that is the same for everybody, with
placeholders for what is not. The texts are handed in; who reads them from where is not known here.
"""

from callout.engine.presets.filling import Filled, fill
from callout.engine.presets.preset import Input, Preset, Trial
from callout.engine.presets.read import read_presets
from callout.engine.presets.search import Presets

__all__ = ["Filled", "Input", "Preset", "Presets", "Trial", "fill", "read_presets"]
