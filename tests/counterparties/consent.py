"""A person who gives consent at the provider, as a browser does it: authorization code with PKCE (RFC 6749 4.1, 7636)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from tests.journeys.processes import PATIENCE

#: Nobody listens there: the code is read from the redirect.
REDIRECT_URI = "http://127.0.0.1:9/callback"
#: Pages that may come between the authorization request and the redirect with the code.
MOST_PAGES = 12

_ACTION = re.compile(r'<form[^>]* action="([^"]+)"')


def consent(ready: Mapping[str, str], client: Mapping[str, object], person: str, scope: str) -> dict:
    """Sign in, agree, and exchange the code; returns the members of the token answer."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    state = secrets.token_urlsafe(16)
    asked = {
        "client_id": str(client["client_id"]),
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "state": state,
        "prompt": "consent",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as browser:
        answer = browser.get(ready["authorization_endpoint"], params=asked)
        came = _walk(browser, answer, person)
        assert came["state"] == [state], came
        form = {
            "grant_type": "authorization_code",
            "code": came["code"][0],
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
        }
        pair = (str(client["client_id"]), str(client["client_secret"]))
        return browser.post(ready["token_endpoint"], data=form, auth=pair).raise_for_status().json()


def _walk(browser: httpx2.Client, answer: httpx2.Response, person: str) -> dict[str, list[str]]:
    """Follow redirects and fill in the forms, until the redirect comes that goes back to the client."""
    for _ in range(MOST_PAGES):
        if answer.is_redirect:
            to = urljoin(str(answer.url), answer.headers["location"])
            if to.startswith(REDIRECT_URI):
                return parse_qs(urlsplit(to).query)
            answer = browser.get(to)
            continue
        form = _ACTION.search(answer.text)
        assert form is not None, f"{answer.status_code} {answer.url}\n{answer.text[:2000]}"
        prompt = "login" if 'name="login"' in answer.text else "consent"
        answer = browser.post(
            urljoin(str(answer.url), form[1]), data={"prompt": prompt, "login": person, "password": "any"}
        )
    raise AssertionError(f"got {MOST_PAGES} pages; expected the redirect with the code")
