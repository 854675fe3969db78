"""The routes under `/connect`: confirm, sign in, go, come back, and what came of it. No rule is decided here."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from callout.core.errors import CalloutError, Refused
from callout.core.explanation import Remedy
from callout.core.model.connections import Link
from callout.core.model.credentials import PrincipalType, UserExternalCredentialKey
from callout.core.model.people import GUEST
from callout.core.oauth2.authorization import AuthorizationResponse
from callout.core.secret import Secret
from callout.engine.callers import identify
from callout.engine.connect import Connecting, origin_of
from callout.engine.operations import document_of
from callout.engine.setup import Setup
from callout.entrypoints.connect_api.rendering import Pages
from callout.entrypoints.connect_api.session import Session, Sessions

#: Largest form, in bytes; and how long the page that says what came of it can be looked at again, in seconds.
LARGEST_FORM, RESULT_LIFE = 16 * 1024, 3600.0

_logger = logging.getLogger("callout.connect")
_STATUS = {"caller_unknown": 403}

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visit:
    """What somebody came for: a principal (and user), by whose authority, and where they want to go afterwards."""

    key: UserExternalCredentialKey
    who: str
    link: Link | None
    link_text: str
    return_url: str
    embedded: bool


async def nobody(_: Request) -> str:
    """Return nobody: where there is no other place to sign in."""
    return ""


class ConnectPages:
    """The pages of one process. `signed_in` says who has signed in to Setup in a browser; empty: nobody."""

    def __init__(
        self,
        connecting: Connecting,
        setup: Setup,
        frame_ancestors: tuple[str, ...] = (),
        signed_in: Callable[[Request], Awaitable[str]] = nobody,
    ) -> None:
        self._connecting = connecting
        self._links = connecting.links
        self._setup = setup
        self._sessions = Sessions(self._links, setup.entropy)
        self._pages = Pages(frame_ancestors)
        self._signed_in = signed_in

    def routes(self) -> list[Route]:
        """Return the routes, for the app of setup."""
        return [
            Route("/connect/callback", self._guarded(self._called_back), methods=["GET"]),
            Route("/connect/done", self._guarded(self._done), methods=["GET"]),
            Route("/connect/files/{name}", self._file, methods=["GET"]),
            Route("/connect/{external_credential}/{principal}", self._guarded(self._asked), methods=["GET"]),
            Route("/connect/{external_credential}/{principal}", self._guarded(self._answered), methods=["POST"]),
        ]

    # --- the confirm page -------------------------------------------------------------------------------------

    async def _asked(self, request: Request) -> Response:
        """Show what would be connected, or ask who it is."""
        session = self._sessions.of(request) or self._sessions.new()
        given = {name: request.query_params.get(name, "") for name in ("link", "return_url", "embedded")}
        visit = await self._visit(request, session, given)
        if visit is not None:
            response = await self._confirm(request, session, visit)
        else:
            response = self._who(request, session, given["return_url"])
        self._sessions.keep(response, session)
        return response

    async def _answered(self, request: Request) -> Response:
        """Take the form of a page: a key to sign in with, or the wish to go on."""
        form = await _form(request)
        session = self._sessions.of(request)
        if session is None or not session.sent(form.get("form_text")):
            detail = "got a form that this browser was not given; expected one of this page"
            raise Refused("malformed_request", detail, Remedy("Open the link again, in this browser, with cookies"))
        if "key" in form:
            return await self._sign_in(request, session, form)
        visit = await self._visit(request, session, form)
        if visit is None:
            return self._who(request, session, form.get("return_url", ""))
        url = await self._connecting.begin(
            visit.key, visit.who, session=session.id, return_url=visit.return_url, link=visit.link
        )
        return RedirectResponse(url, 303, self._pages.headers())

    async def _visit(self, request: Request, session: Session, given: dict[str, str]) -> Visit | None:
        """Return what somebody came for; None where it is not known who they are. Raises `Refused`."""
        named = request.path_params["external_credential"], request.path_params["principal"]
        text, return_url = given.get("link", ""), self._connecting.allowed_return(given.get("return_url", ""))
        embedded = bool(given.get("embedded")) and bool(self._pages.frame_ancestors)
        user = await self._user_of(session) or await self._signed_in(request)
        if not text:
            if not user:
                return None
            key = UserExternalCredentialKey(*named, await self._own(*named, user))
            return Visit(key, user, None, "", return_url, embedded)
        link = self._links.read_link(text)
        if (link.key.external_credential, link.key.principal) != named:
            raise Refused("malformed_request", "got a link of another principal; expected one of this page")
        if user and link.key.user and user != link.key.user:
            detail = (
                f"got a link for {link.key.user} in a browser in which {user} is signed in; expected one's own link"
            )
            raise Refused("connection_failed", detail, Remedy("Open a link of your own"))
        await self._connecting.demand_unspent(link)
        return Visit(link.key, link.by, link, text, return_url, embedded)

    async def _own(self, external_credential: str, principal: str, user: str) -> str:
        """Return whose values are meant: the user's own where the principal is per-user."""
        org = await self._setup.org()
        external = org.external_credentials.get(external_credential)
        found = external.principal(principal) if external is not None else None
        return user if found is not None and found.type is PrincipalType.PER_USER else ""

    async def _user_of(self, session: Session) -> str:
        """Return who is signed in, as long as they and their key are as they were."""
        org = await self._setup.org()
        user = org.users.get(session.user)
        now, own = self._setup.now(), (k for k in org.keys.values() if k.user == session.user)
        held = any(k.prefix == session.key_prefix and (k.expires_at is None or k.expires_at > now) for k in own)
        return session.user if user is not None and user.active and held else ""

    async def _confirm(self, request: Request, session: Session, visit: Visit) -> Response:
        offer = await self._connecting.offer(visit.key, visit.who)
        members = {
            "offer": offer,
            "user": visit.key.user,
            "by": visit.who,
            "invited": visit.link is not None and visit.link.invited,
            "form_text": session.form_text,
            "link": visit.link_text,
            "return_url": visit.return_url,
            "address": request.url.path,
            "top": f"{request.url.path}?{urlencode({'link': visit.link_text, 'return_url': visit.return_url})}",
            "ancestors": " ".join(self._pages.frame_ancestors),
        }
        name = "embedded" if visit.embedded else "confirm"
        return self._pages.page(name, members, framed=visit.embedded)

    # --- signing in -------------------------------------------------------------------------------------------

    def _who(
        self, request: Request, session: Session, return_url: str, problem: str = "", *, status: int = 200
    ) -> Response:
        members = {
            "form_text": session.form_text,
            "problem": problem,
            "return_url": return_url,
            "address": request.url.path,
        }
        return self._pages.page("who", members, status=status)

    async def _sign_in(self, request: Request, session: Session, form: dict[str, str]) -> Response:
        """Know the browser as the user of a key from now on; the page then says what would be connected."""
        key = form["key"].strip().encode("latin-1", "replace")
        identified = identify(await self._setup.org(), self._setup.now(), key=key, local_keys={})
        caller = identified.caller
        if caller is None or caller.user == GUEST or caller.namespace is not None or caller.key is not None:
            problem = "This key was not accepted. It has to be a valid key of your own, without a package and limit."
            response = self._who(request, session, form.get("return_url", ""), problem, status=403)
            self._sessions.keep(response, session)
            return response
        query = urlencode({name: form[name] for name in ("return_url",) if form.get(name)})
        back = f"{request.url.path}?{query}" if query else request.url.path
        response = RedirectResponse(back, 303, self._pages.headers())
        prefix = next(k.prefix for k in (await self._setup.org()).keys.values() if key.decode().startswith(k.prefix))
        self._sessions.keep(response, self._sessions.new(caller.user, prefix))
        return response

    # --- coming back ------------------------------------------------------------------------------------------

    async def _called_back(self, request: Request) -> Response:
        """Take what the authorization server answered. The browser goes on at once: a code stands in no history."""
        session = self._sessions.of(request)
        given = request.query_params
        state, known = given.get("state", ""), session.id if session is not None else ""
        return_url = await self._connecting.return_url_of(state, known)
        try:
            connected = await self._connecting.complete(state, _response(request), session=known)
        except CalloutError as error:
            document = document_of(error)
            members = {
                "ok": False,
                "detail": document["detail"],
                "title": document["title"],
                "remedy": document["remedy"],
                "reason": document["reason"],
                "return_url": return_url,
            }
        else:
            members = {
                "ok": True,
                "reference": f"{connected.key.external_credential}/{connected.key.principal}",
                "user": connected.key.user,
                "account": connected.account,
                "return_url": connected.return_url,
            }
            if connected.return_url:
                return RedirectResponse(_with(connected.return_url, members), 303, self._pages.headers())
        to = f"/connect/done?{urlencode({'result': self._links.seal('result', members, RESULT_LIFE)})}"
        return RedirectResponse(to, 303, self._pages.headers())

    async def _done(self, request: Request) -> Response:
        """Say what came of it."""
        members = self._links.open("result", request.query_params.get("result", ""))
        if members is None:
            raise Refused("malformed_request", "got a result that has ended; expected one of a moment ago")
        told = {**members, "ancestors": " ".join((*self._pages.frame_ancestors, origin_of(self._links.public_url)))}
        if members["ok"]:
            return self._pages.page("connected", told)
        return self._pages.page("refused", told, status=400)

    async def _file(self, request: Request) -> Response:
        return self._pages.files.answer(request.path_params["name"])

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint that shows every error as a page."""

        async def run(request: Request) -> Response:
            try:
                return await endpoint(request)
            except CalloutError as error:
                document = document_of(error)
            except Exception as error:  # noqa: BLE001 - the last resort: the browser gets a page, the log the place
                place = "".join(traceback.format_tb(error.__traceback__))  # not its text, which could hold a secret
                _logger.error("a connect page failed with %s at\n%s", type(error).__name__, place)  # noqa: TRY400
                document = document_of(error)
            members = {name: document[name] for name in ("title", "detail", "remedy", "reason")}
            status = _STATUS.get(document["reason"], int(document["status"]))
            told: dict[str, Any] = {**members, "return_url": "", "ancestors": ""}
            return self._pages.page("refused", told, status=status)

        return run


def _response(request: Request) -> AuthorizationResponse:
    given = request.query_params
    code = given.get("code")
    return AuthorizationResponse(
        Secret(code) if code else None, given.get("error"), given.get("error_description"), given.get("iss")
    )


def _with(url: str, members: dict[str, Any]) -> str:
    """Return an address to go back to, with what was connected in its query."""
    start, mark, fragment = url.partition("#")
    query = urlencode({"connected": members["reference"], **({"user": members["user"]} if members["user"] else {})})
    return start + ("&" if "?" in start else "?") + query + mark + fragment


async def _form(request: Request) -> dict[str, str]:
    """Read a form of ours; raises `Refused`. Of a field that stands twice, the first counts."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise Refused("request_too_large", f"got a form of more than {LARGEST_FORM} bytes; expected less")
    try:
        return {name: values[0] for name, values in parse_qs(body.decode("ascii"), keep_blank_values=True).items()}
    except ValueError:
        raise Refused("malformed_request", "got a form that cannot be read; expected one of this page") from None
