import pytest

from callout.core.errors import Refused
from callout.core.interactive import Interactive
from callout.core.protocol import Values
from callout.core.protocols import ALL
from callout.core.refresh.state import secret_names
from callout.core.secret import Secret
from tests.core.protocols.test_conformance import MOMENT


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_a_protocol_says_that_it_is_interactive_exactly_where_it_can_be_connected(kind) -> None:
    assert kind.interactive == issubclass(kind, Interactive)


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind.interactive], ids=lambda kind: kind.name)
def test_an_interactive_protocol_gets_no_first_token_and_is_mended_by_connecting(kind) -> None:
    values = Values({}, {"client_id": Secret("x"), "client_secret": Secret("y")})
    with pytest.raises(Refused) as refused:
        next(kind(values).obtain(MOMENT, None))
    assert refused.value.reason.code == "authorization_required"
    assert secret_names(kind)[0] == "connection"
