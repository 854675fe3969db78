"""API key in the query: for external systems that take their secret nowhere else.

A custom header is better wherever the external system accepts one (protocol `custom`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from callout.core.errors import Refused
from callout.core.formula import FormulaError, parse
from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Needs, Parameter, Token
from callout.core.secret import Redactable, Secret, reveal

QUERY_PARAMETERS = Parameter(
    "query_parameters",
    "A parameter that is added to the query: text with formulas, or, set as a secret, the secret itself; the caller's own"
    " of that name is left out",
    required=False,
    key=r"[!-~]+",
    formula=True,
)


class ApiKeyInQuery(AuthenticationProtocol):
    """Adds parameters to the query, percent-encoded; those of the caller with the same names are dropped."""

    name = "api_key_in_query"
    title = "API key in the query"
    parameters = (QUERY_PARAMETERS,)
    warning = (
        "secrets in a URL are kept in the logs of every server and proxy that sees it; Callout shows them nowhere, others"
        " do. Prefer a header where the external system takes one"
    )

    @classmethod
    def needs(cls, parameters: Mapping[str, str]) -> Needs:
        """Return the head, for something is added to each query; and the body where a formula reads it."""
        return max((_needs_of(name, text) for name, text in parameters.items()), default=Needs.HEAD)

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add the parameters. Raises `Refused(principal_not_configured)` where none is secret: no secret, no request."""
        found = self.values.keyed(QUERY_PARAMETERS.name)
        if not found:
            detail = f"got no {QUERY_PARAMETERS.shown_name}; expected one, as parameter or as secret of the principal"
            raise Refused("principal_not_configured", detail)
        parts: list[str | Secret] = []
        for name, value in found.items():
            parts.append(("&" if parts else "") + quote(name, safe="") + "=")
            parts += _encoded(Redactable.of(value) if isinstance(value, Secret) else moment.evaluate(value))
        if not any(isinstance(part, Secret) for part in parts):
            shown = ", ".join(f"{QUERY_PARAMETERS.name}.{name}" for name in found)
            detail = f"got no secret for the query, only {shown}; expected {QUERY_PARAMETERS.shown_name} as a secret"
            raise Refused("principal_not_configured", f"{detail} of the principal, or a formula that reads one")
        return replace(request, query_added=Redactable(tuple(parts)), query_dropped=frozenset(found))


def _needs_of(name: str, text: str) -> Needs:
    try:
        reads_body = name.startswith(f"{QUERY_PARAMETERS.name}.") and bool(parse(text).reads.bodies)
    except FormulaError:  # it is told where it is defined
        return Needs.HEAD
    return Needs.BODY if reads_body else Needs.HEAD


def _encoded(value: Redactable) -> list[str | Secret]:
    """Percent-encode every part (RFC 3986 section 2.1); secret parts stay secret."""
    return [
        Secret(quote(reveal(part), safe="")) if isinstance(part, Secret) else quote(part, safe="")
        for part in value.parts
    ]
