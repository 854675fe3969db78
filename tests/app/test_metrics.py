"""What a process of the gateway counts is what it shows."""

import pytest

from callout.app.metrics import gateway_metrics, setup_metrics
from callout.app.operations import operations_of
from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.refresh.breaker import THRESHOLD
from callout.engine.operations import LOCAL
from callout.entrypoints.setup_api.metrics import metrics_text


def shown(home, **more: int) -> dict[str, str]:
    """Each sample of the page, by its name and labels without the process."""
    text = metrics_text(gateway_metrics(home, more.get("open_connections", 0)))
    samples = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    assert all(f'process="{home.process}"' in name for name, _, _ in samples)
    own = f'process="{home.process}"'
    return {name.replace(own + ",", "").replace("{" + own + "}", ""): value for name, _, value in samples}


def record(home, status: int, code: str | None = None) -> None:
    refused = Refused(code, "why") if code else None
    home.callouts.record(b"id", None, "Orders", b"GET", b"/", status, 0, 0, 0.0, None, refused, None, 0)


async def test_callouts_are_counted_by_status_and_reason(home) -> None:
    for status, code in [(200, None), (200, None), (403, "callouts_disabled"), (601, None)]:
        record(home, status, code)
    assert shown(home)["callout_records_waiting"] == "4"
    await home.writer.flush()
    found = shown(home)
    assert found["callout_records_waiting"] == "0"
    assert found['callout_callouts_total{status="200",reason=""}'] == "2"
    assert found['callout_callouts_total{status="403",reason="callouts_disabled"}'] == "1"
    assert found['callout_callouts_total{status="601",reason=""}'] == "1"


async def test_what_the_engine_counts_is_shown(home) -> None:
    home.callouts.refreshes.update({401: 2, 712: 1})
    home.tokens._refresher.requests = 3
    home.records.dropped = 7
    found = shown(home, open_connections=5)
    assert found['callout_refreshes_total{status="401"}'] == "2"
    assert found['callout_refreshes_total{status="712"}'] == "1"
    assert found["callout_token_requests_total"] == "3"
    assert found["callout_records_dropped_total"] == "7"
    assert found["callout_connections"] == "5"
    assert found["callout_definitions_generation"] == str(home.org.value.generation)


async def test_a_store_that_cannot_be_read_is_shown(home) -> None:
    assert (shown(home)["callout_store_reachable"], shown(home)["callout_ready"]) == ("1", "1")
    home.org.note_unreachable()
    home.org.confirmed_at -= home.settings.longest_without_store + 1
    assert (shown(home)["callout_store_reachable"], shown(home)["callout_ready"]) == ("0", "0")
    assert "callout_store_reachable 0\n" in metrics_text(setup_metrics(home))


async def test_callout_ids_end_with_the_name_of_the_process(home) -> None:
    assert home.records.next_id().decode().endswith(home.process)
    assert len(home.process) == 8


async def test_a_token_endpoint_that_keeps_failing_is_shown(home) -> None:
    request = HttpRequest("POST", "http://127.0.0.1:1/token?tenant=7")
    for _ in range(THRESHOLD + 2):
        with pytest.raises(Refused, match="token_endpoint_unreachable"):
            await home.endpoints.send(request, allow_private_network=True, timeout_seconds=30)
    found, endpoint = shown(home), '{token_endpoint="http://127.0.0.1:1/token"}'
    names = ("open", "waiting", "failures_total", "kept_back_total")
    assert [found[f"callout_token_endpoint_{name}{endpoint}"] for name in names] == ["1", "0", str(THRESHOLD), "2"]


async def test_the_end_of_each_certificate_is_shown(home) -> None:
    made = {"name": "Client", "algorithm": "P-256", "days": 2}
    await operations_of(home).run("certificate.create", made, LOCAL)
    await home.org.follow()
    text = metrics_text(setup_metrics(home))
    left = next(
        line for line in text.splitlines() if line.startswith('callout_certificate_expires_seconds{certificate="')
    )
    assert 172_000 < float(left.rpartition(" ")[2]) < 172_802
