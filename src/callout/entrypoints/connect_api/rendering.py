"""From what a page says to its HTML, and the headers that every page bears. Everything is escaped by the templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from callout.entrypoints.rendering import Files, Templates

FOLDER = Path(__file__).parent


class Pages:
    """Renders the pages. `frame_ancestors` are the origins whose pages may show them in a frame; none: nobody's may."""

    def __init__(self, frame_ancestors: tuple[str, ...]) -> None:
        self.frame_ancestors = frame_ancestors
        self.files = Files(FOLDER / "files")
        self._templates = Templates(FOLDER / "pages")

    def page(self, name: str, members: Mapping[str, Any], *, status: int = 200, framed: bool = False) -> HTMLResponse:
        """Return a page. Only one that is `framed` may be shown in a frame, and only by those who may."""
        return HTMLResponse(self._templates.render(f"{name}.html", members), status, self.headers(framed=framed))

    def headers(self, *, framed: bool = False) -> dict[str, str]:
        """Return the headers of a page: nothing from elsewhere, no script of its own in it, no frame around it.

        There is no `form-action`: browsers hold also the redirects after a form to it, and those lead to the
        authorization server, and on from there to wherever that sends people to sign in.
        """
        ancestors = " ".join(self.frame_ancestors) if framed and self.frame_ancestors else "'none'"
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; "
            f"frame-ancestors {ancestors}"
        )
        framing = {} if ancestors != "'none'" else {"X-Frame-Options": "DENY"}
        return framing | {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
