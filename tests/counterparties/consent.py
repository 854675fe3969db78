"""A person at the provider's pages, as a browser shows them: signs in, agrees, confirms a device.

`consent` is the whole of an authorization code grant with PKCE (RFC 6749 4.1, 7636). `follow` goes from an authorization
request that somebody else made to the redirect that goes back. `approve_device` is what a person does with the address
that a device shows (RFC 8628 3.3).
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
import ssl
from collections.abc import Mapping
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from tests.journeys.processes import PATIENCE

#: Nobody listens there: the code is read from the redirect.
REDIRECT_URI = "http://127.0.0.1:9/callback"
#: Pages that may come between the authorization request and the redirect with the code.
MOST_PAGES = 12

_ACTION = re.compile(r'<form[^>]* action="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def consent(ready: Mapping[str, str], client: Mapping[str, object], person: str, scope: str) -> dict:
    """Sign in, agree, and exchange the code; returns the members of the token answer."""
    verifier = secrets.token_urlsafe(48)
    asked = authorization_request(client, verifier, scope)
    came = redirected(f"{ready['authorization_endpoint']}?{httpx2.QueryParams(asked)}", person)
    assert came["state"] == asked["state"], came
    pair = (str(client["client_id"]), str(client["client_secret"]))
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as application:
        form = code_grant(came["code"], verifier)
        return application.post(ready["token_endpoint"], data=form, auth=pair).raise_for_status().json()


def authorization_request(client: Mapping[str, object], verifier: str, scope: str) -> dict[str, str]:
    """Return the parameters of an authorization request."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {
        "client_id": str(client["client_id"]),
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "state": secrets.token_urlsafe(16),
        "prompt": "consent",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }


def code_grant(code: str, verifier: str) -> dict[str, str]:
    """Return the form that exchanges a code."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": verifier,
    }


def redirected(address: str, person: str) -> dict[str, str]:
    """Go from an authorization request to REDIRECT_URI; returns the parameters that the provider sent there."""
    query = urlsplit(follow(address, person, until=REDIRECT_URI)).query
    return {name: values[0] for name, values in parse_qs(query).items()}


def follow(address: str, person: str, *, until: str, verify: ssl.SSLContext | bool = True) -> str:
    """Go from an authorization request to the redirect that begins with `until`, which is not called but returned."""
    with httpx2.Client(trust_env=False, timeout=PATIENCE, verify=verify) as browser:
        answer = browser.get(address)
        for _ in range(MOST_PAGES):
            if answer.is_redirect:
                to = urljoin(str(answer.url), answer.headers["location"])
                if to.startswith(until):
                    return to
                answer = browser.get(to)
            else:
                answer = agree(browser, answer, person)
    raise AssertionError(f"got {MOST_PAGES} pages; expected the redirect to {until}")


def approve_device(verification_uri_complete: str, person: str) -> None:
    """Open the address that a device shows, confirm its code, sign in and agree."""
    with httpx2.Client(trust_env=False, timeout=PATIENCE, follow_redirects=True) as browser:
        answer = browser.get(verification_uri_complete)
        for _ in range(MOST_PAGES):
            if "The device is connected" in answer.text:
                return
            answer = agree(browser, answer, person)
    raise AssertionError(f"got {MOST_PAGES} pages; expected the one that says that the device is connected")


def agree(browser: httpx2.Client, answer: httpx2.Response, person: str) -> httpx2.Response:
    """Send the form of this page as a person does who agrees."""
    form = _ACTION.search(answer.text)
    assert form is not None, f"{answer.status_code} {answer.url}\n{answer.text[:2000]}"
    filled = {name: html.unescape(value) for name, value in _HIDDEN.findall(answer.text)}
    if 'name="login"' in answer.text:
        filled |= {"login": person, "password": "any"}
    if (shown := re.search(r'value="([^"]+)"[^>]* name="user_code"', answer.text)) is not None:
        filled["user_code"] = html.unescape(shown[1])
    return browser.post(urljoin(str(answer.url), form[1]), data=filled)
