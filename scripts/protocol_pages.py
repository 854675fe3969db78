"""One page for each authentication protocol, from its declarations; `generate_docs.py` writes them."""

import shlex
import sys
from collections.abc import Iterator, Mapping

from callout.core.model.credentials import PrincipalType
from callout.core.protocol import AuthenticationProtocol, Needs, Parameter, with_defaults
from callout.core.protocols import ALL
from callout.core.refresh.rules import worded

_LOOKS_AT = {
    Needs.NOTHING: "nothing of the request: what it wrote is kept, and written again for the next callout",
    Needs.HEAD: "method, URL and headers of each request",
    Needs.BODY: "method, URL, headers and the whole body of each request",
}
_TYPES = {
    PrincipalType.NAMED: "`named` (one identity that many users share)",
    PrincipalType.PER_USER: "`per_user` (an identity for each user)",
    PrincipalType.ANONYMOUS: "`anonymous` (nobody in particular)",
}
#: Values that the examples of protocols read which need none by themselves.
_READ = {"custom": ("ApiKey",), "api_key_in_query": ("query_parameters.key",)}


def protocols_index() -> str:
    """The list of all protocols, with a link to the page of each."""
    rows = [f"| [`{each.name}`](protocols/{each.name}.md) | {each.title} |\n" for each in ALL]
    return "".join(["# Protocols\n\n| name in the manifest | what it is |\n| --- | --- |\n", *rows])


def protocol_page(protocol: type[AuthenticationProtocol]) -> str:
    """One protocol: what it does, what it is told, and a manifest to begin with."""
    summary = (sys.modules[protocol.__module__].__doc__ or "").strip()
    parts = [f"# `{protocol.name}`: {protocol.title}\n\n{summary}\n\n", *_facts(protocol), *_table(protocol)]
    return "".join((*parts, *_example(protocol)))


def _facts(protocol: type[AuthenticationProtocol]) -> Iterator[str]:
    if protocol.warning:
        yield f"**Mind:** {protocol.warning}.\n\n"
    yield f"- Principals: {', '.join(_TYPES[each] for each in protocol.principal_types)}.\n"
    if protocol.writes:
        yield f"- Writes: {', '.join(f'`{name}`' for name in protocol.writes)}; a caller's own of these are dropped.\n"
    yield f"- Looks at {_LOOKS_AT[protocol.needs({})]}.\n"
    if protocol.obtains:
        spent = " A refresh spends a grant that is good only once; [refresh](../../refresh.md) says what is done not to lose it."
        yield f"- Obtains a token, keeps it sealed, and replaces it before it expires or when it is refused.{spent * protocol.spends}\n"
    if protocol.stale_signs:
        signs = "; ".join(worded(rule) for rule in protocol.stale_signs)
        yield f"- A token is taken to be refused, without a refresh rule that says so, by status 401, and by {signs}.\n"
    if protocol.spares_bodies:
        yield f"- With {protocol.spares_bodies} bodies are not taken whole.\n"
    if protocol.interactive:
        yield "- Somebody has to authorize it once: `callout connect EC/PRINCIPAL`.\n"


def _table(protocol: type[AuthenticationProtocol]) -> Iterator[str]:
    if protocol.parameters:
        yield "\n## Parameters and secrets\n\n| name | kind | required | default | what it is |\n| --- | --- | --- | --- | --- |\n"
    for each in protocol.parameters:
        choices = f" One of: {', '.join(each.choices)}." if each.choices else ""
        formula = " A formula is allowed." if each.formula else ""
        yield f"| `{each.shown_name}` | {_kind(each)} | {_need(each)} | `{each.default or '–'}` | {each.help}.{choices}{formula} |\n"


def _kind(parameter: Parameter) -> str:
    if parameter.key is not None:
        return "parameter, or secret of the principal"
    if parameter.key_pair:
        return "name of a certificate"
    return "secret of the principal" if parameter.secret else "parameter"


def _need(parameter: Parameter) -> str:
    if parameter.unless:
        return f"unless {_condition(parameter.unless)}"
    if parameter.when:
        return f"where {_condition(parameter.when)}"
    return "yes" if parameter.required and parameter.default is None else "no"


def _condition(condition: tuple[str, ...]) -> str:
    """Word a condition: the parameter named first has one of the values that follow, or is given."""
    name, *values = condition
    return f"`{name}` is {' or '.join(f'`{value}`' for value in values) or 'given'}"


def _example(protocol: type[AuthenticationProtocol]) -> Iterator[str]:
    """A manifest with what is required, which can be applied as it is, and the commands that go on from there."""
    given = with_defaults(protocol, _begun(protocol))
    needed = [each for each in protocol.parameters if each.is_needed(given) and each.key is None]
    plain = [each for each in needed if not each.secret]
    plain += [each for each in protocol.parameters if each.name in _begun(protocol) and each not in plain]
    secrets = [each.name for each in needed if each.secret]
    secrets += _READ.get(protocol.name, ())
    kind = protocol.principal_types[0]
    yield "\n## To begin with\n\n```yaml\n"
    if any(each.key_pair for each in plain):
        yield f"certificates:\n  Example: {{algorithm: {_algorithm(given)}}} # a key is made; yours: callout certificate import Example FILE\n"
    yield f"external_credentials:\n  Example:\n    protocol: {protocol.name}\n"
    if plain:
        yield "    parameters:\n"
    for each in plain:
        yield f"      {each.name}: {_sample(each)}\n"
    if protocol.name == "custom":
        yield '    headers:\n      - {name: X-API-Key, value: "{!$Credential.Example.ApiKey}"}\n'
    yield f"    principals:\n      Main: {{type: {kind.value}}}\n"
    yield "named_credentials:\n  Example:\n    url: https://api.example.com\n    external_credential: Example\n"
    yield "permission_sets:\n  Example Users: {principals: [Example/Main], user_external_credential: [read]}\n"
    yield "```\n"
    named = " ".join(f"{name}=-" for name in secrets)
    commands = [f"callout secret set Example/Main {shlex.join(named.split())}"] if secrets else []
    commands += ["callout connect Example/Main"] if protocol.interactive else []
    if commands:
        yield "".join(("\n```sh\n", *(f"{command}\n" for command in commands), "```\n"))


def _begun(protocol: type[AuthenticationProtocol]) -> dict[str, str]:
    """What the manifest begins with beside what is required: where a browser is sent, the issuer, whose metadata says."""
    return {"issuer": "https://id.example.com"} if protocol.interactive else {}


def _algorithm(given: Mapping[str, str]) -> str:
    """The kind of key that fits what the protocol signs with unless it is told otherwise."""
    return "Ed25519" if given.get("algorithm") == "ed25519" else "RSA-2048"


def _sample(parameter: Parameter) -> str:
    if parameter.name == "issuer":
        return "https://id.example.com"
    if parameter.url:
        return f"https://id.example.com/{parameter.name.removesuffix('_endpoint')}"
    if parameter.choices:
        return parameter.choices[0]
    return "Example" if parameter.key_pair else f"your-{parameter.name.replace('_', '-')}"
