from datetime import UTC, datetime

from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Values
from callout.core.protocols.custom import Custom
from callout.core.secret import Redactable, Secret


def test_the_headers_that_formulas_wrote_leave_as_they_are() -> None:
    request = HttpRequest("GET", "https://a.example/x", (("X-Api-Key", Redactable.of(Secret("k"))),))
    values = Values({}, {"ApiKey": Secret("k")})
    assert Custom(values).apply(request, None, Moment(datetime(2030, 1, 1, tzinfo=UTC))) is request


def test_the_names_of_its_secrets_are_the_admins_choice() -> None:
    assert not any(parameter.secret or parameter.key for parameter in Custom.parameters)
    assert Custom.writes == ()
