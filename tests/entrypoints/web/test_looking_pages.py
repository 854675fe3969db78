"""Troubleshoot, Health and the Audit Trail: what they show, what they offer, and to whom."""

import json

import pytest

from callout.core.model.people import AdminPermission, Caller, Package, PermissionSet, User
from callout.entrypoints.web import charts
from tests.entrypoints.web.looking import assert_harmless, refuse, took
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
BROUGHT = json.dumps(
    {
        "external_credentials": {"Partner": {"protocol": "basic", "principals": {"Service": {}}}},
        "named_credentials": {"Partner": {"url": "https://partner.example.com", "external_credential": "Partner"}},
    }
)


@pytest.fixture
async def world():
    world = make_world()
    people = (User("bob"), User("vera", permission_sets=("Viewers",)))
    await world.define(ORDERS, ORDERS_URL, CLERKS, VIEWERS, Package("acme"), *people)
    await world.run("package.upgrade", namespace="acme", manifest=BROUGHT)
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def test_a_finding_says_cause_and_remedy_and_is_mended_by_its_button(admin, world) -> None:
    refuse(world, "principal_not_granted", "no grant", user="bob")
    page = await admin.get("/setup/troubleshoot")
    assert "T2 The principal is not enabled for the user" in page.words
    assert "callout permission-set assign 'Order Clerks' bob" in page.words
    [form] = page.tree.xpath("//form[@action='/setup/remedy']")
    fields = {each.get("name"): each.get("value") for each in form.xpath(".//input") if each.get("name") != "form_text"}
    assert (await admin.post("/setup/remedy", **fields)).tree.xpath("//pre[@class='diff']")
    back = await admin.post("/setup/remedy", **fields, do="apply")
    assert back.answer.url.path == "/setup/troubleshoot"
    assert "1 mended since" in back.words
    assert "Nothing to mend" in back.words


async def test_what_a_package_made_is_judged_before_it_is_enabled(admin, world) -> None:
    refuse(world, "callouts_disabled", "disabled", user="bob", name="Partner")
    page = await admin.get("/setup/troubleshoot?name=Partner")
    for said in ("T6", "code of package acme", "https://partner.example.com", "Partner/Service", "nobody yet"):
        assert said in page.words
    assert page.tree.xpath("//form[@action='/setup/remedy']//input[@name='next']/@value") == [
        "/setup/troubleshoot?name=Partner"
    ] * len(page.tree.xpath("//form[@action='/setup/remedy']"))


async def test_who_may_look_sees_commands_and_no_buttons_and_a_name_that_is_not_there_is_said(world) -> None:
    refuse(world, "principal_not_granted", "no grant", user="bob")
    async with visitor(world, "vera") as vera:
        page = await vera.get("/setup/troubleshoot")
        assert "callout permission-set assign" in page.words
        assert not page.tree.xpath("//form[@action='/setup/remedy']")
        assert "Nowhere" in (await vera.get("/setup/troubleshoot?name=Nowhere")).words
    async with visitor(world, "bob") as bob:
        for path in ("/setup/troubleshoot", "/setup/health", "/setup/audit", "/setup/audit/export"):
            assert (await bob.get(path)).status == 403
        menu = (await bob.get("/setup")).tree.xpath("//nav//a/@href")
        assert "/setup/log" in menu
        assert "/setup/health" not in menu


async def test_health_has_figures_charts_and_the_same_in_a_table(admin, world) -> None:
    world.clock.move(minutes=1)
    world.records.tick()
    for _ in range(8):
        took(world, 10)
    took(world, 10, status=503)
    refuse(world, "principal_not_granted", "no grant", user="bob")
    page = await admin.get("/setup/health?since=1h")
    figures = dict(
        zip(
            page.tree.xpath("//*[@class='card tile']/p[1]/text()"),
            page.tree.xpath("//p[@class='figure']/text()"),
            strict=True,
        )
    )
    assert (figures["Callouts"], figures["Errors"], figures["Refreshes"]) == ("10", "2", "0")
    assert page.tree.xpath("//svg[@role='img']/@aria-label")
    assert len(page.tree.xpath("//svg//rect")) >= 2
    assert "10 callouts, 2 errors" in " ".join(page.tree.xpath("//svg//title/text()"))
    assert "10" in page.tree.xpath("//table[caption]//td[@data-label='Callouts']/text()")
    assert page.tree.xpath("//a[contains(@href, 'reason=principal_not_granted')]")
    assert_harmless(page)


async def test_health_names_what_needs_somebody(admin, world) -> None:
    await world.run("certificate.create", name="Old", days=1)
    page = await admin.get("/setup/health")
    assert "Old: it ends" in page.words
    assert page.tree.xpath("//section[@id='certificates']//a[@href='/setup/certificates/Old']")
    assert page.tree.xpath("//section[@id='approvals']//a[starts-with(@href, '/setup/approvals/')]")
    assert "Not configured" in page.words
    places = page.tree.xpath("//article//a[text()='Set its values']/@href")
    assert "/setup/external-credentials/Partner/principals/Service#values" in places
    assert (await admin.get("/setup/health?since=soon")).status == 400


async def test_acts_are_listed_narrowed_and_escaped(admin, world) -> None:
    await world.run("user.set", Caller("admin", None, "key"), name="zoe", label="<b>")
    page = await admin.get("/setup/audit?who=admin")
    whos = page.tree.xpath("//td[@data-label='Who']/text()")
    assert whos
    assert set(whos) == {"admin"}
    assert any("zoe" in text for text in page.tree.xpath("//td[@data-label='What']/text()"))
    assert "No act is recorded that fits" in (await admin.get("/setup/audit?who=nobody")).words
    assert_harmless(page)


async def test_the_chain_is_verified_and_a_break_is_shown(admin, world) -> None:
    head = (await world.run("audit.head"))["head"]
    assert "The chain holds" in (await admin.post("/setup/audit/verify", against=head)).words
    assert (await admin.post("/setup/audit/verify", against="nonsense")).tree.xpath("//section[@class='problem']")
    chain = world.store.trail.chain
    chain[1] = (chain[1][0], b"another")
    page = await admin.post("/setup/audit/verify")
    assert "The chain is broken" in page.words
    assert "row 2" in page.words


async def test_the_trail_is_exported_whole_in_each_format(admin, world) -> None:
    for number in range(70):
        await world.run("user.set", name=f"user{number}")
    whole = await admin.client.get("/setup/audit/export?format=jsonl")
    assert whole.headers["content-disposition"] == 'attachment; filename="callout-audit.jsonl"'
    lines = [json.loads(line) for line in whole.text.splitlines()]
    assert (lines[0]["type"], lines[-1]["type"]) == ("export", "head")
    assert sum(line["type"] == "act" for line in lines) == len(world.store.acts)
    for form, start in (("cef", "CEF:0|"), ("ocsf", "{")):
        assert (await admin.client.get(f"/setup/audit/export?format={form}")).text.startswith(start)
    assert (await admin.get("/setup/audit/export?format=exe")).status == 400


def series(*counts: tuple[int, int, float | None]) -> list[dict]:
    return [
        {"at": f"2026-01-01T{hour:02}:00:00+00:00", "calls": calls, "errors": errors, "p50_ms": took, "p95_ms": took}
        for hour, (calls, errors, took) in enumerate(counts)
    ]


def test_a_bar_is_as_high_as_its_share_and_errors_stand_on_top() -> None:
    chart = charts.calls_over_time(series((10, 4, 1), (0, 0, None), (5, 0, 1)))
    first, none, half = chart.bars
    assert (first.good, first.bad, first.bad_y) == (108, 72, 0)
    assert (none.good, none.bad, half.good) == (0, 0, 90)
    assert first.said == "01-01 00:00: 10 callouts, 4 errors"


def test_a_line_breaks_where_nothing_was_measured() -> None:
    chart = charts.latency_over_time(series((1, 0, 10), (1, 0, 5), (0, 0, None), (1, 0, 10)))
    assert chart.lines[0][1].count("M") == 2
    assert chart.lines[0][1].endswith("h8"), "a value alone is seen"
    assert charts.latency_over_time([]).lines == [("p50", ""), ("p95", "")]


@pytest.mark.parametrize(("number", "round_one"), [(0, 1), (1, 1), (3, 5), (12, 20), (99, 100), (501, 1000)])
def test_the_top_of_a_chart_is_a_round_number(number, round_one) -> None:
    assert charts.ceiling(number) == round_one


def test_small_charts_fit_any_number_of_times() -> None:
    assert charts.small([], []) == []
    assert [bar.good for bar in charts.small([2, 1], [0, 1])] == [24, 0]
