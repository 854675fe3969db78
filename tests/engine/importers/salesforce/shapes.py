"""Metadata as the tests write it: rows as dictionaries, files by kind, and what became of them."""

from pathlib import Path
from xml.sax.saxutils import escape

from callout.core.model.org import Org
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of
from callout.engine.importers.salesforce import Entry, Imported, read_project, wanted

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"

Row = dict[str, str]
Item = tuple[str, str | Row]


def document(root: str, *items: Item) -> bytes:
    """One metadata file, one element a line: the root is on line 2, the first item on line 3."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root} xmlns="{NAMESPACE}">']
    for tag, value in items:
        if isinstance(value, str):
            lines.append(f"    <{tag}>{escape(value)}</{tag}>")
        else:
            inner = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in value.items())
            lines.append(f"    <{tag}>{inner}</{tag}>")
    return "\n".join([*lines, f"</{root}>", ""]).encode()


def parameter(kind: str, name: str, value: str | None = None, **more: str) -> Row:
    row = {"parameterName": name, "parameterType": kind}
    return row | ({} if value is None else {"parameterValue": value}) | more


def principal(name: str = "Service", sequence: int = 1, kind: str = "NamedPrincipal", **more: str) -> Row:
    return parameter(kind, name, parameterGroup=name, sequenceNumber=str(sequence), **more)


def external(name: str, protocol: str, *rows: Row, label: str = "A label", extra: tuple[Item, ...] = ()):
    items = [("authenticationProtocol", protocol), ("label", label)]
    rest = [("externalCredentialParameters", row) for row in rows]
    return f"externalCredentials/{name}.externalCredential-meta.xml", document(
        "ExternalCredential", *items, *extra, *rest
    )


def variant(value: str, protocol: str = "Oauth") -> Row:
    return parameter("AuthProtocolVariant", protocol, value)


TOKEN_ENDPOINT = parameter("AuthProviderUrl", "AuthProviderUrl", "https://id.example.com/token")


def client_credentials(name: str, *rows: Row, how: str = "ClientCredentialsClientSecretBasic"):
    return external(name, "Oauth", variant(how), TOKEN_ENDPOINT, principal(), *rows)


def no_authentication(name: str = "Open"):
    return external(name, "Custom", variant("NoAuthentication", "Custom"), principal("Anyone"))


def named(
    name: str, *rows: Row, url: str = "https://orders.example.com/v2", uses: str = "Open", extra: tuple[Item, ...] = ()
):
    items = (
        ("label", "A label"),
        ("namedCredentialType", "SecuredEndpoint"),
        *extra,
        ("namedCredentialParameters", parameter("Url", "Url", url)),
        ("namedCredentialParameters", parameter("Authentication", "ExternalCredential", externalCredential=uses)),
        *(("namedCredentialParameters", row) for row in rows),
    )
    return f"namedCredentials/{name}.namedCredential-meta.xml", document("NamedCredential", *items)


def legacy(name: str, protocol: str, principal_type: str, *extra: Item, endpoint: str = "https://old.example.com"):
    items = (("endpoint", endpoint), ("label", "Old"), ("principalType", principal_type), ("protocol", protocol))
    return f"namedCredentials/{name}.namedCredential-meta.xml", document("NamedCredential", *items, *extra)


def access(text: str, *, enabled: bool = True) -> Item:
    return "externalCredentialPrincipalAccesses", {
        "enabled": str(enabled).lower(),
        "externalCredentialPrincipal": text,
    }


def objects(*permissions: str, name: str = "UserExternalCredential") -> Item:
    return "objectPermissions", {"object": name} | dict.fromkeys(permissions, "true")


def permission_set(name: str, *items: Item):
    return f"permissionsets/{name}.permissionset-meta.xml", document("PermissionSet", ("label", "Set"), *items)


def imported_from(*files: tuple[str, bytes]) -> Imported:
    """Import, and hold that whatever comes out keeps every rule together."""
    imported = read_project(files)
    assert problems_of(Org.of(*imported.definitions), CATALOGUE) == ()
    return imported


def entry_of(imported: Imported, name: str, kind: str = "") -> Entry:
    found = [e for e in imported.report if e.name == name and kind in e.kind]
    assert len(found) == 1, f"{len(found)} entries for {name}"
    return found[0]


def definition_of(imported: Imported, type_: type, name: str):
    return next(d for d in imported.definitions if isinstance(d, type_) and d.name == name)


def commands_of(entry: Entry) -> list[str]:
    return [item.command for item in entry.by_hand if item.command]


def files_of(folder: Path) -> list[tuple[str, bytes]]:
    """Walk a directory as the command line does."""
    paths = [str(p.relative_to(folder)) for p in sorted(folder.rglob("*")) if p.is_file()]
    return [(path, (folder / path).read_bytes()) for path in paths if wanted(path)]
