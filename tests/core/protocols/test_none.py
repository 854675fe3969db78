from datetime import UTC, datetime

from callout.core.message import HttpRequest
from callout.core.model.credentials import PrincipalType
from callout.core.protocol import Moment, Values, required_secrets
from callout.core.protocols.none import NoAuthentication
from callout.core.secret import Redactable


def test_the_request_leaves_as_it_is() -> None:
    request = HttpRequest("GET", "https://a.example/x", (("Authorization", Redactable.of("mine")),))
    assert NoAuthentication(Values()).apply(request, None, Moment(datetime(2030, 1, 1, tzinfo=UTC))) is request


def test_it_needs_nothing_and_its_principals_are_nobody_in_particular() -> None:
    assert required_secrets(NoAuthentication) == frozenset()
    assert PrincipalType.ANONYMOUS in NoAuthentication.principal_types
    assert PrincipalType.PER_USER not in NoAuthentication.principal_types
