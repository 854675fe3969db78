"""What a package asked for, what an admin made of it, and how the two come together when the package is upgraded.

Nothing is noted for an override: it is a field that differs from the default that the installed version brought. An
upgrade takes each field that the admin left alone from the new defaults, and keeps the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal
from callout.core.model.org import SECTIONS, Org
from callout.core.model.people import Package
from callout.engine.plan.diff import differences

T = TypeVar("T", bound=NamedCredential | ExternalCredential)

_ABSENT = object()


def defaults_of_package(package: Package) -> dict[tuple[str, str], NamedCredential | ExternalCredential]:
    """Return what a package's manifest asks for, by section and name, as made by it."""
    return {
        (SECTIONS[type(asked)], asked.name): replace(asked, created_by_namespace=package.namespace)
        for asked in package.defaults
    }


def merged(base: T, local: T, wanted: T) -> T:
    """Return the new default with what `local` has changed since `base`, the old default."""
    result: T = _merged(base, local, wanted)
    return result


def overrides(org: Org, package: Package) -> list[dict[str, Any]]:
    """Return each field in which what is in force differs from the package's default, with both values."""
    found = []
    for (section, name), default in defaults_of_package(package).items():
        local = getattr(org, section).get(name)
        if local is None or local.created_by_namespace != package.namespace:
            continue
        for change in differences(default, local):
            place = f"{section}.{name}.{change.path}"
            found.append({"place": place, "package": change.old, "local": change.new})
    return found


def _merged(base: Any, local: Any, wanted: Any) -> Any:
    if local == base:
        return wanted
    if is_dataclass(wanted) and not isinstance(wanted, type) and type(base) is type(local) is type(wanted):
        names = (field.name for field in fields(wanted))
        found = {name: _merged(getattr(base, name), getattr(local, name), getattr(wanted, name)) for name in names}
        return replace(wanted, **found)
    if isinstance(wanted, Mapping):
        return _merged_by_key(base, local, wanted)
    if any(isinstance(item, Principal) for item in (*_items(base), *_items(local), *_items(wanted))):
        by_name = ({principal.name: principal for principal in each} for each in (base, local, wanted))
        return tuple(_merged_by_key(*by_name).values())
    return local


def _items(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _merged_by_key(base: Mapping[str, Any], local: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys((*wanted, *local))
    found = {name: _merged(*(each.get(name, _ABSENT) for each in (base, local, wanted))) for name in names}
    return {name: value for name, value in found.items() if value is not _ABSENT}
