import json
from io import StringIO

import httpx2
import pytest

from callout.demo.transcript import Transcript
from callout.demo.world import Exchanged, Unexpected, expect


def test_got_and_expected_are_said() -> None:
    with pytest.raises(Unexpected, match="the answer: got 403; expected 200"):
        expect(403, 200, "the answer")


@pytest.mark.parametrize(("width", "in_columns"), [(80, False), (132, True)])
def test_a_narrow_screen_gets_blocks_instead_of_columns(width: int, *, in_columns: bool) -> None:
    out = StringIO()
    transcript = Transcript(out, width=width)
    transcript.hide("geheim")
    request = httpx2.Request("GET", "http://127.0.0.1:8470/callout/Shop/a")
    answer = httpx2.Response(200, content=json.dumps({"path": "/a", "query": "k=geheim"}), request=request)
    received = {"method": "GET", "target": "/a?k=geheim", "headers": [["Authorization", "Bearer …"]]}
    rest = {"body_text": None, "authenticated": None, "status": 200, "kind": "callout"}
    made = Exchanged("callout:Shop/a", (("Callout-Key", "co_…"),), ({**received, **rest},), answer)
    transcript.exchanged(made, as_whom="alice")
    text = out.getvalue()
    assert ("│" in text) is in_columns
    assert made.statuses == ("callout 200",)
    assert "geheim" not in text
    assert all(part in text for part in ("GET /callout/Shop/a", "GET /a?k=…", "Authorization: Bearer …", "200 OK"))
