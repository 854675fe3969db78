"""The keys of the certificates that a manifest names: taken from it, kept, or made.

What a manifest says of a certificate is what people read, its algorithm, and perhaps its private key; the rest comes
with the key. One that has none yet, and is given none, gets one that Callout makes.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

from callout.core.errors import DefinitionError, Problem
from callout.core.key_files import KeyFile
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.own_certificates import DERIVED, PRIVATE_KEY, USUAL_ALGORITHM, Certificate
from callout.core.secret import Secret
from callout.engine.certificate_keys import SECTION, made_key, read_key, with_key
from callout.engine.keys import life_of
from callout.engine.manifest import Manifest
from callout.engine.own_certificates import USUAL_OVERLAP
from callout.engine.setup import Setup


async def with_keys(setup: Setup, org: Org, manifest: Manifest, *, making: bool) -> Manifest:
    """Return a manifest whose certificates have their keys. `making`: keys that are not there are made.

    Raises `DefinitionError` where a key cannot be taken, with file and line.
    """
    problems: list[Problem] = []
    definitions = list(manifest.definitions)
    secrets: dict[UserExternalCredentialKey, Mapping[str, Secret]] = dict(manifest.secrets)
    for index, wanted in enumerate(definitions):
        if isinstance(wanted, Certificate):
            try:
                definitions[index], private_key = await _with_key(
                    setup, org, wanted, secrets.get(wanted.key, {}).get(PRIVATE_KEY), making=making
                )
            except DefinitionError as error:
                problems += error.problems
                continue
            if private_key is not None:
                secrets[wanted.key] = {PRIVATE_KEY: private_key}
    if problems:
        raise DefinitionError(manifest.located(problems))
    return replace(manifest, definitions=tuple(definitions), secrets=secrets)


async def _with_key(
    setup: Setup, org: Org, wanted: Certificate, given: Secret | None, *, making: bool
) -> tuple[Certificate, Secret | None]:
    """Return a certificate as it is to be, and the private key that is to be sealed."""
    known = org.certificates.get(wanted.name, Certificate(wanted.name))
    kept = replace(
        wanted,
        **{name: getattr(known, name) for name in DERIVED},
        algorithm=known.algorithm or wanted.algorithm or USUAL_ALGORITHM,
    )
    read: KeyFile | None = None
    if given is not None:
        read = await read_key(wanted.name, given)
        if read.private_key is None:
            place = f"{SECTION}.{wanted.name}.{PRIVATE_KEY}"
            raise DefinitionError([Problem(place, "certificates alone", "the private key with them")])
    elif not kept.public_key and making:
        read = await made_key(setup.entropy, setup.clock, wanted.name, kept.algorithm)
    if read is not None:
        kept = with_key(kept, read, setup.now(), life_of(USUAL_OVERLAP, SECTION))
    if wanted.algorithm and kept.public_key and wanted.algorithm != kept.algorithm:
        name = shlex.quote(wanted.name)
        expected = f"{kept.algorithm}, that of the key; for another: callout certificate rotate {name} --algorithm …"
        raise DefinitionError([Problem(f"{SECTION}.{wanted.name}.algorithm", repr(wanted.algorithm), expected)])
    return kept, read.private_key if read is not None else None
