"""Answers of a token endpoint, as tests have them read."""

import json
from datetime import UTC, datetime

import pytest

from callout.core.oauth2 import TokenRefused, token_from
from callout.core.protocol import Token, Values
from callout.core.secret import Secret
from tests.play import answer

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECRET = Secret("p&ss wörd+1")


def received(status: int, body: object, content_type: str | None = "application/json", **parameters: str) -> Token:
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    return token_from(answer(status, text, content_type), NOW, Values(parameters), scrub=(SECRET,))


def refused(
    status: int, body: object, content_type: str | None = "application/json", **parameters: str
) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        received(status, body, content_type, **parameters)
    return caught.value
