"""Drives a protocol by hand: `play(flow, *responses)` plays the authorization server's part of the conversation."""

from callout.core.message import HttpRequest, HttpResponse
from callout.core.protocol import Flow, Token


def play(flow: Flow, *responses: HttpResponse) -> tuple[Token, list[HttpRequest]]:
    """Send each answer in turn; return the token and the requests that were yielded."""
    requests = [next(flow)]
    for number, response in enumerate(responses, 1):
        try:
            requests.append(flow.send(response))
        except StopIteration as end:
            assert number == len(responses), f"the flow ended after {number} of {len(responses)} answers"
            return end.value, requests
    msg = f"the flow asked for more than {len(responses)} answers: {requests[-1]}"
    raise AssertionError(msg)


def answer(status: int, body: bytes | str = b"", content_type: str | None = "application/json") -> HttpResponse:
    """Build an answer of a token endpoint."""
    headers = (("Content-Type", content_type),) if content_type is not None else ()
    return HttpResponse(status, "", headers, body if isinstance(body, bytes) else body.encode())
