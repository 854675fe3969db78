"""Definitions in which every text that an admin or a package writes is a script, and what finds one that got through."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from tests.furnished import Api
from tests.setup_console import Names

PAYLOADS = (
    "<img src=x onerror=window.__xss=1>",
    '"><svg onload=window.__xss=1>',
    "'><script>window.__xss=1</script>",
    "javascript:window.__xss=1//",
    "</textarea></title></script></pre><script>window.__xss=1</script>",
    "{{ 7 * 7 }}{% raw %}${window.__xss=1}<b onclick=window.__xss=1>",
    '" autofocus onfocus=window.__xss=1 x="',
    "&lt;img src=x onerror=window.__xss=1&gt;",
    "--><body onload=window.__xss=1><!--",
)
#: Elements that may bring a script, or a page of elsewhere; ours have one script each, of a file.
_FORBIDDEN = {"iframe", "object", "embed", "base", "style"}
_ADDRESSES = {"href", "src", "action", "formaction", "data", "xlink:href"}


class Scripts(HTMLParser):
    """Reads a page as a browser does, and keeps what could run in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._bodies = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._bodies += tag == "body"
        running = [name for name in given if name.startswith("on") or name in ("style", "srcdoc")]
        leading = [value for name, value in given.items() if name in _ADDRESSES and not _leads_within(value)]
        inline = tag == "script" and not given.get("src", "").startswith("/setup/files/")
        if running or leading or inline or tag in _FORBIDDEN or self._bodies > 1:
            self.found.append(self.get_starttag_text() or tag)


def _leads_within(address: str) -> bool:
    """Say whether an address is a plain one: of this console, or https, as links to documentation are."""
    scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", address, re.IGNORECASE)
    return scheme is None or scheme[1].lower() in ("https", "http")


def scripts_in(text: str) -> list[str]:
    """Return the elements of a page that could run what it was given."""
    parser = Scripts()
    parser.feed(text)
    parser.close()
    return parser.found


def definitions(number: int, url: str) -> dict[str, Any]:
    """Return a manifest whose every text is one payload. `number` keeps its names apart from the others'."""
    payload, name = PAYLOADS[number], f"X{number}"
    solid = re.sub(r"[\s/{}]", "", payload)
    told = {"label": payload, "description": payload}
    return {
        "external_auth_identity_providers": {
            name: {
                **told,
                "parameters": {"scope": payload, "audience": payload, "authorization_request_parameters.a": payload},
            }
        },
        "external_credentials": {
            name: {
                **told,
                "protocol": "custom",
                "parameters": {"tenant": payload},
                "headers": [{"name": "X-Extra", "value": f"{payload}{{!$Credential.{name}.tenant}}"}],
                "refresh_rules": [
                    {"statuses": [403], "header": {"name": "X-Why", "contains": [payload]}},
                    {"statuses": [403], "body": {"json_pointer": "/" + payload.replace("~", ""), "equals": [payload]}},
                    {"statuses": [403], "body": {"text": [payload]}},
                ],
                "principals": {"Service": {"parameters": {"tenant": payload}}},
            }
        },
        "named_credentials": {
            name: {
                **told,
                "url": f"{url}/{solid}",
                "external_credential": name,
                "allow_private_network": True,
                "headers": [{"name": "X-Extra", "value": payload}],
                "allowed_paths": ["/**", f"/{solid}"],
            }
        },
        **_people(number),
    }


def _people(number: int) -> dict[str, Any]:
    """Return those of its definitions that are about people and code."""
    payload, name = PAYLOADS[number], f"X{number}"
    solid = re.sub(r"[\s/{}]", "", payload)
    readable = f"{number} {payload}".replace("/", "∕").replace("@", "")[:80].strip()
    told = {"label": payload, "description": payload}
    principal = {"principals": [f"{name}/Service"], "user_external_credential": ["read"]}
    return {
        "permission_sets": {readable: {"label": payload, **principal}},
        "permission_set_groups": {readable: {"label": payload, "permission_sets": [readable]}},
        "profiles": {readable: {"label": payload, **principal}},
        "packages": {name: {"label": payload, "version": payload[:64]}},
        "users": {
            f"u{number}{solid}": {
                "label": payload,
                "profile": readable,
                "permission_sets": [readable],
                "email": f"{solid}@example.com",
            }
        },
        "trusted_issuers": {
            name: {
                **told,
                "issuer": f"https://id.example.com/{solid}",
                "audience": payload,
                "user_claim": payload,
                "namespace_claim": payload,
                "namespaces": {payload: name},
                "users": {payload: "admin"},
            }
        },
        "client_certificates": {name: {**told, "user": f"u{number}{solid}", "subject": f"CN={payload}"}},
    }


def define(api: Api, manifest: dict[str, Any]) -> None:
    """Apply a manifest without those of its texts that are refused: what no rule refuses has to be shown safely."""
    for _ in range(30):
        answer = api.client.post(f"{api.server.setup}/api/v1/apply", json={"manifest": json.dumps(manifest)})
        if answer.status_code == 200:
            return
        places = [problem["place"] for problem in answer.json().get("problems", [])]
        assert places, answer.text
        for place in places:
            _leave_out(manifest, place)
    raise AssertionError(f"got {answer.text}; expected the manifest to be accepted")


def _leave_out(manifest: dict[str, Any], place: str) -> None:
    """Take away what stands at a place; where the place says no more than a part of it, that part."""
    inner: Any = manifest
    parts = _parts(manifest, place)
    for part in parts[:-1]:
        inner = inner[part]
    if isinstance(inner, list) and not isinstance(parts[-1], int):
        inner[:] = [each for each in inner if f"[{each}]" != parts[-1]]
    elif isinstance(inner, list) or parts[-1] in inner:
        del inner[parts[-1]]


def _parts(manifest: Any, place: str) -> list[Any]:
    """Return the keys on the way to a place: names may hold what else separates them."""
    parts: list[Any] = []
    rest, inner = place, manifest
    while rest:
        if isinstance(inner, list):
            number = re.match(r"\[(\d+)\]\.?", rest)
            if number is None or int(number[1]) >= len(inner):
                parts.append(rest)
                break
            key: Any = int(number[1])
            rest = rest[number.end() :]
        elif isinstance(inner, Mapping):
            keys = [each for each in inner if rest == each or rest.startswith((f"{each}.", f"{each}["))]
            if not keys:
                if not parts or (isinstance(inner, Mapping) and rest in inner):
                    parts.append(rest)
                break
            key = max(keys, key=len)
            rest = rest[len(key) :].removeprefix(".")
        else:
            break
        parts.append(key)
        inner = inner[key]
    return parts


def names_of(number: int, manifest: Mapping[str, Any], others: Names) -> Names:
    """Return what stands for the parameters of addresses: the definitions of one payload."""
    sections = {
        "named-credentials": "named_credentials",
        "external-credentials": "external_credentials",
        "identity-providers": "external_auth_identity_providers",
        "permission-sets": "permission_sets",
        "permission-set-groups": "permission_set_groups",
        "profiles": "profiles",
        "users": "users",
        "trusted-issuers": "trusted_issuers",
        "client-certificates": "client_certificates",
        "packages": "packages",
    }
    known = {path: next(iter(manifest[section]), None) for path, section in sections.items()}
    return Names({**others.known, **{path: name for path, name in known.items() if name is not None}}, others.queries)
