"""The docs page says everything that the table says, and runs nothing."""

import re

import httpx2
import pytest

from callout.core.reasons import REASONS
from callout.engine.operations import BY_NAME, OPERATION_REASONS, OPERATIONS
from callout.entrypoints.cli.tree import command_examples
from callout.entrypoints.setup_api import setup_app
from callout.entrypoints.setup_api.docs_page import matching, worded
from callout.entrypoints.setup_api.reference import groups, slug_of
from tests.world import make_shop

SERVER = "http://127.0.0.1:8471"


@pytest.fixture
async def docs():
    shop = await make_shop()
    app = setup_app(
        shop.operations,
        metrics=list,
        readiness=dict,
        discovery=lambda: {"setup": SERVER},
        jwks=dict,
        version="1.2.3",
        commands=lambda: command_examples(BY_NAME),
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://setup") as client:
        yield client


async def test_every_operation_is_on_the_page_of_its_group_with_example_answer_and_refusals(docs):
    shown = set()
    for group, operations in groups().items():
        page = (await docs.get(f"/api/docs/{slug_of(group)}")).text
        assert len(page.encode()) < 200_000, group
        for operation in operations:
            section = page.partition(f'<h2 id="{operation.name}">')[2].partition("</section>")[0]
            assert f"{SERVER}/api/v1/" in section, operation.name
            assert "Shape of the answer" in section, operation.name
            assert "/api/docs/reasons#caller_unknown" in section, operation.name
            shown.add(operation.name)
    assert shown == set(BY_NAME)


async def test_the_first_page_lists_every_operation_and_links_the_openapi_document(docs):
    page = await docs.get("/api/docs")
    linked = set(re.findall(r'href="(/api/docs/[\w-]+#[\w.]+)"', page.text))
    assert {link.partition("#")[2] for link in linked} == set(BY_NAME)
    assert 'href="/api/v1/openapi.json"' in page.text
    assert (await docs.get("/api/v1/openapi.json")).status_code == 200


async def test_links_of_the_pages_lead_somewhere(docs):
    pages = ["/api/docs", "/api/docs/reasons", *(f"/api/docs/{slug_of(group)}" for group in groups())]
    texts = {path: (await docs.get(path)).text for path in pages}
    for path, text in texts.items():
        for link in set(re.findall(r'href="([^"]+)"', text)) - {"/api/v1/openapi.json", "#main"}:
            target, _, anchor = link.partition("#")
            assert target in texts or target.startswith("/api/docs/files/"), f"{path} links to {link}"
            assert not anchor or f'id="{anchor}"' in texts[target], f"{path} links to {link}"


async def test_a_filter_works_without_a_script(docs):
    few = (await docs.get("/api/docs", params={"q": "rotate key"})).text
    assert 'id="key.rotate"' in few
    assert 'id="user.list"' not in few
    many = (await docs.get("/api/docs", params={"q": "permission"})).text
    assert f"of {len(OPERATIONS)} operations" in many
    none = (await docs.get("/api/docs", params={"q": "unheard-of"})).text
    assert f"0 of {len(OPERATIONS)} operations" in none
    assert {o.name for o in matching("")} == set(BY_NAME)


async def test_what_is_searched_for_is_shown_as_text(docs):
    page = (await docs.get("/api/docs", params={"q": '"><script>alert(1)</script>'})).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_a_page_has_no_script_and_no_style_of_its_own_and_asks_no_other_host(docs):
    for path in ("/api/docs", "/api/docs?q=key", "/api/docs/keys", "/api/docs/reasons", "/api/docs/nothing"):
        answer = await docs.get(path)
        assert re.findall(r"<script|<style|\sstyle=|\son\w+=", answer.text) == []
        assert re.findall(r'(?:src|action|<link[^>]*href)="https?:', answer.text) == []
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert (answer.headers["x-content-type-options"], answer.headers["x-frame-options"]) == ("nosniff", "DENY")


async def test_the_style_sheet_is_served_and_nothing_else_of_its_folder(docs):
    assert (await docs.get("/api/docs/files/docs.css")).headers["content-type"].startswith("text/css")
    for name in ("../app.py", "nothing.css", "%2e%2e%2fapp.py"):
        assert (await docs.get(f"/api/docs/files/{name}")).status_code == 404


async def test_every_reason_has_its_place(docs):
    page = (await docs.get("/api/docs/reasons")).text
    assert [r.code for r in (*REASONS, *OPERATION_REASONS) if f'id="{r.code}"' not in page] == []
    assert (await docs.get("/api/docs/nothing")).status_code == 404


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "whole number, 1 to 9"),
        ({"type": "integer", "minimum": 0}, "whole number, 0 or more"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of text"),
        ({"enum": ["keep", None]}, "keep, null"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({}, "any value"),
    ],
)
def test_what_a_value_may_be_is_said_in_words(schema, words):
    assert worded(schema) == words
