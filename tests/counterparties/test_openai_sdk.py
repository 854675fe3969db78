"""A vendor's own SDK, unmodified: OpenAI's, with only its base URL and API key changed, calls through Callout."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator

import openai
import pytest

from tests.counterparties.external_system import Answer, ExternalSystem, Request
from tests.journeys.processes import PATIENCE, Home, Server, callout_home

REAL_KEY = "sk-real-0123456789"
WORDS = ("Named ", "credentials ", "for ", "any ", "stack.")
MESSAGES = [{"role": "user", "content": "What is Callout?"}]


class OpenAIShaped:
    """As much of OpenAI's API as the SDK needs. Between two streamed chunks it waits until the client has the first."""

    def __init__(self) -> None:
        self.read_by_client = threading.Semaphore(0)

    async def answer(self, request: Request) -> Answer:
        if request.header("Authorization") != f"Bearer {REAL_KEY}":
            error = {
                "message": "Incorrect API key provided",
                "type": "invalid_request_error",
                "code": "invalid_api_key",
            }
            return Answer(401, body=json.dumps({"error": error}).encode())
        if (request.method, request.target) != ("POST", "/v1/chat/completions"):
            return Answer(404, body=b'{"error": {"message": "Unknown request URL"}}')
        asked = json.loads(request.body)
        if not asked.get("stream"):
            return Answer(body=json.dumps(completion(asked["model"], "".join(WORDS))).encode())
        return Answer(headers=(("Content-Type", "text/event-stream"),), body=self._chunks(asked["model"]))

    async def _chunks(self, model: str) -> AsyncIterator[bytes]:
        for word in WORDS:
            yield event(chunk(model, {"content": word}))
            assert await asyncio.to_thread(self.read_by_client.acquire, timeout=PATIENCE), "the client got no chunk"
        yield event(chunk(model, {}, finish="stop"))
        yield b"data: [DONE]\n\n"


def event(members: dict) -> bytes:
    return f"data: {json.dumps(members)}\n\n".encode()


def chunk(model: str, delta: dict, finish: str | None = None) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}


def completion(model: str, text: str) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}
    whole = {"id": "c-1", "object": "chat.completion", "created": 1, "model": model}
    return {**whole, "choices": [choice], "usage": usage}


def manifest_for(url: str) -> dict:
    """The key is put in place by a formula; Callout generates no Authorization header of its own."""
    return {
        "external_credentials": {
            "OpenAI": {
                "protocol": "custom",
                "headers": [{"name": "Authorization", "value": "{!'Bearer ' & $Credential.OpenAI.ApiKey}"}],
                "principals": {"Team": {}},
            }
        },
        "named_credentials": {
            "OpenAI": {
                "url": url,
                "external_credential": "OpenAI",
                "generate_authorization_header": False,
                "allow_private_network": True,
            }
        },
        "permission_sets": {"Writers": {"principals": ["OpenAI/Team"]}},
        "users": {"alice": {"permission_sets": ["Writers"]}, "bob": {}},
    }


@pytest.fixture(scope="module")
def shaped() -> OpenAIShaped:
    return OpenAIShaped()


@pytest.fixture(scope="module")
def external(shaped: OpenAIShaped) -> Iterator[ExternalSystem]:
    with ExternalSystem(shaped.answer) as external:
        yield external


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, external: ExternalSystem) -> Iterator[Home]:
    with callout_home(tmp_path_factory.mktemp("openai") / "home") as home:
        home.apply(manifest_for(external.url))
        home.set_secrets("OpenAI/Team", ApiKey=REAL_KEY)
        yield home


@pytest.fixture(scope="module")
def keys(home: Home) -> dict[str, str]:
    return {user: home.create_key(user) for user in ("alice", "bob")}


@pytest.fixture(scope="module")
def server(home: Home, keys: dict[str, str]) -> Iterator[Server]:
    with home.serve() as server:
        yield server


@pytest.fixture(scope="module")
def key(keys: dict[str, str]) -> str:
    return keys["alice"]


def settings_for(server: Server, key: str) -> dict:
    """All that is changed: where the API is, and the key."""
    return {"base_url": f"{server.gateway}/callout/OpenAI/v1", "api_key": key, "max_retries": 0}


def test_a_chat_completion_is_answered(server, key, external):
    with openai.OpenAI(**settings_for(server, key)) as client:
        answer = client.chat.completions.create(model="gpt-test", messages=MESSAGES)
    assert answer.choices[0].message.content == "".join(WORDS)
    assert answer.usage.total_tokens == 9


async def test_streamed_chunks_arrive_one_by_one(server, key, shaped):
    async with openai.AsyncOpenAI(**settings_for(server, key)) as client:
        stream = await client.chat.completions.create(model="gpt-test", messages=MESSAGES, stream=True)
        words = []
        async for each in stream:
            if each.choices[0].delta.content:
                words.append(each.choices[0].delta.content)
                shaped.read_by_client.release()  # only now does the next chunk leave the server
    assert tuple(words) == WORDS


def test_the_external_system_sees_the_real_key_and_never_the_callers(server, key, external):
    external.received.clear()
    with openai.OpenAI(**settings_for(server, key)) as client:
        client.chat.completions.create(model="gpt-test", messages=MESSAGES)
    ((request, status),) = external.received
    assert status == 200
    assert request.header("Authorization") == f"Bearer {REAL_KEY}"
    assert key not in request.everything()


def test_a_user_without_the_grant_is_refused_in_the_terms_of_the_sdk(server, keys, external):
    external.received.clear()
    with openai.OpenAI(**settings_for(server, keys["bob"])) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="gpt-test", messages=MESSAGES)
    assert isinstance(caught.value, openai.PermissionDeniedError)
    assert caught.value.response.headers["Callout-Error"] == "principal_not_granted"
    assert caught.value.body["remedy"]
    assert external.received == []


def test_a_key_that_is_not_callouts_is_refused_and_not_passed_on(server, external):
    external.received.clear()
    with openai.OpenAI(**settings_for(server, REAL_KEY)) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="gpt-test", messages=MESSAGES)
    assert caught.value.response.headers["Callout-Error"]
    assert external.received == []


def test_the_external_systems_own_error_reaches_the_sdk_as_its_own(server, key):
    with openai.OpenAI(**settings_for(server, key)) as client, pytest.raises(openai.NotFoundError) as caught:
        client.models.list()
    assert caught.value.body == {"message": "Unknown request URL"}
    assert "Callout-Error" not in caught.value.response.headers
