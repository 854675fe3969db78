"""Keys: what programs prove who they are with. Made and shown once, limited, given an end, rotated, revoked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response

from callout.core.model.people import GUEST
from callout.engine.setup import NotDefined, unknown
from callout.entrypoints.web.asking import Asking, confirmed
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.granting import named
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, NEW = "Keys", "/setup/keys", "/setup/new/key"
_CRUMBS = ((TITLE, PATH),)
_LIFE = "A life such as 90d or 12h, or a time such as 2030-01-31T12:00:00Z; empty: "


async def list_all(visit: Visit) -> Response:
    """List every key by its visible start."""
    rows = (await visit.run("key.list"))["keys"]
    shown = listing(visit, rows, lambda r: f"{r['prefix']} {r['user']} {r['label']} {r['namespace'] or ''}")
    return visit.page("keys.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one key: whose it is, its limits and its end."""
    prefix = visit.named("prefix")
    keys = {key["prefix"]: key for key in (await visit.run("key.list"))["keys"]}
    if prefix not in keys:
        raise NotDefined([unknown("keys", prefix[:11], keys, "a key's visible start")])
    return visit.page("key.html", key=keys[prefix], crumbs=_CRUMBS)


async def revoke(visit: Visit) -> Response:
    """Revoke a key, once that is confirmed."""
    prefix = visit.named("prefix")
    title, back = f"Revoke key {prefix}…?", address("keys", prefix)
    done = await confirmed(visit, "key.revoke", {"prefix": prefix}, title, "Revoke", back)
    return done if isinstance(done, Response) else visit.go(PATH, done["message"])


# --- forms ------------------------------------------------------------------------------------------------------


def _limit(visit: Visit, *, explicit: bool = False) -> Field:
    return Field(
        ("named_credentials",),
        "Limited to named credentials",
        Kind.PICK,
        "Callouts by these names alone, and nothing of Setup. None: it is not limited.",
        options=tuple(sorted(visit.org.named_credentials)),
        explicit=explicit,
    )


def _new_groups(visit: Visit) -> tuple[Group, ...]:
    users = tuple(sorted(visit.org.users.keys() - {GUEST}))
    packages = (("", "None: your own code"), *((name, name) for name in sorted(visit.org.packages)))
    return (
        Group(
            "Whose it is",
            (
                named(("user",), "User", users, required=True),
                Field(("namespace",), "Package", Kind.CHOICE, "Whose code holds the key.", choices=packages),
                Field(("label",), "Label", help="What it is for, such as the host that it is kept on."),
            ),
        ),
        Group("Limits", (Field(("expires",), "Expires", help=f"{_LIFE}it has no end."), _limit(visit))),
    )


def _rotate_groups(_: Visit) -> tuple[Group, ...]:
    overlap = "How long the key that is replaced holds beside the new one: 0s, 24h, 7d."
    return (
        Group(
            "Overlap",
            (
                Field(("overlap",), "Overlap", help=overlap, required=True),
                Field(("expires",), "The new key expires", help=f"{_LIFE}it lives as long as the one before."),
            ),
        ),
    )


def _expire_groups(_: Visit) -> tuple[Group, ...]:
    return (Group("End", (Field(("expires",), "Expires", help=f"{_LIFE}it has no end."),)),)


def _once(visit: Visit, done: Mapping[str, Any]) -> Response:
    """Show the text of a key, on this answer alone."""
    namespace = done["namespace"]
    return visit.page(
        "shown_once.html",
        title=f"Key of {done['user']}",
        label="Callout key",
        text=done["key"],
        user=done["user"],
        told=f" and for code of package {namespace}" if namespace else "",
        said=done["message"],
        back=address("users", done["user"]),
        crumbs=_CRUMBS,
    )


def _changed(visit: Visit, done: Mapping[str, Any]) -> Response:
    return visit.go(address("keys", done["prefix"]), done["message"])


def _of_one(visit: Visit) -> dict[str, Any]:
    return {"prefix": visit.named("prefix")}


def _crumbs_of_one(visit: Visit) -> tuple[tuple[str, str], ...]:
    prefix = visit.named("prefix")
    return (*_CRUMBS, (f"{prefix}…", address("keys", prefix)))


def _titled(verb: str) -> Any:
    return lambda visit: f"{verb} key {visit.named('prefix')}…"


def _held(visit: Visit) -> list[str]:
    prefix = visit.named("prefix")
    return next((list(key.named_credentials) for key in visit.org.keys.values() if key.prefix == prefix), [])


CREATE = Asking(
    NEW,
    "key.create",
    lambda _: "New key",
    "Make the key",
    _new_groups,
    lambda _: _CRUMBS,
    _once,
    start=lambda visit: {name: visit.asked(name) for name in ("user", "namespace", "label") if visit.asked(name)},
    prefixes=("keys",),
)
_ONE = f"{PATH}/{{prefix}}"
ROTATE = Asking(
    f"{_ONE}/rotate",
    "key.rotate",
    _titled("Rotate"),
    "Make the new key",
    _rotate_groups,
    _crumbs_of_one,
    _once,
    _of_one,
    lambda _: {"overlap": "24h"},
    ("keys",),
)
EXPIRE = Asking(
    f"{_ONE}/expire",
    "key.expire",
    _titled("End of"),
    "Set the end",
    _expire_groups,
    _crumbs_of_one,
    _changed,
    lambda visit: {"expires": visit.form.text("expires") or None, **_of_one(visit)},
    prefixes=("keys",),
)
LIMIT = Asking(
    f"{_ONE}/limit",
    "key.limit",
    _titled("Limits of"),
    "Set the limits",
    lambda visit: (Group("Limits", (_limit(visit, explicit=True),)),),
    _crumbs_of_one,
    _changed,
    _of_one,
    lambda visit: {"named_credentials": _held(visit)},
    ("keys",),
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every key by its visible start, for Quick Find."""
    for key in visit.org.keys.values():
        yield Place(f"{key.prefix}… of {key.user}", address("keys", key.prefix), "Key", f"{key.label} {key.user}")


SECTION = Section(
    TITLE,
    PATH,
    "People and access",
    "key.list",
    (
        Page(PATH, get=list_all),
        CREATE.page(),
        Page(_ONE, get=show),
        ROTATE.page(),
        EXPIRE.page(),
        LIMIT.page(),
        Page(f"{_ONE}/revoke", post=revoke),
    ),
    words="callout key api key token caller",
    places=(Place("New Key", NEW, "Do", "create add api key"),),
    found=found,
)
