"""What operators watch: of setup, and of each process of the gateway. No value of these names a caller or a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from callout.app.home import Home, why_not_ready
from callout.engine.token_endpoints import Endpoint
from callout.entrypoints.setup_api.metrics import Metric


def setup_metrics(home: Home) -> Iterator[Metric]:
    """Return what the setup process shows."""
    org = home.org.value
    reachable = home.org.unreachable_since is None
    yield Metric("callout_definitions_generation", "gauge", "generation of the definitions", (({}, org.generation),))
    yield Metric("callout_named_credentials", "gauge", "named credentials", (({}, len(org.named_credentials)),))
    yield Metric("callout_store_reachable", "gauge", "1 where the store can be read", (({}, reachable),))
    now = home.clock.now()
    yield Metric(
        "callout_certificate_expires_seconds",
        "gauge",
        "seconds until a certificate of Callout's own ends; negative where it has",
        tuple(
            ({"certificate": name}, (certificate.expires_at - now).total_seconds())
            for name, certificate in sorted(org.certificates.items())
            if certificate.expires_at is not None
        ),
    )


def gateway_metrics(home: Home, open_connections: int) -> Iterator[Metric]:
    """Return what one process of the gateway shows.

    The label `process` is the end of its callout ids: processes share a port, and each answers for itself.
    """
    process, records, tokens = home.process, home.records, home.tokens
    own = {"process": process}

    def one(name: str, kind: str, what: str, value: float) -> Metric:
        return Metric(f"callout_{name}", kind, what, ((own, value),))

    yield Metric(
        "callout_callouts_total",
        "counter",
        "callouts answered and recorded; reason is empty for an answer of the external system",
        tuple(
            ({**own, "status": str(status), "reason": reason}, count)
            for (status, reason), count in sorted(records.by_status.items())
        ),
    )
    yield Metric(
        "callout_refreshes_total",
        "counter",
        "answers that a refresh rule named, by their status",
        tuple(({**own, "status": str(status)}, n) for status, n in sorted(home.callouts.refreshes.items())),
    )
    yield Metric(
        "callout_rate_limited_total",
        "counter",
        "callouts beyond a rate limit; where observed is 1 they were made all the same",
        tuple(
            ({**own, "named_credential": name, "per": per.value, "observed": str(int(observed))}, count)
            for (name, per, observed), count in sorted(home.callouts.limits.exceeded.items())
        ),
    )
    yield one("token_requests_total", "counter", "requests to token endpoints", tokens.requests)
    yield from _token_endpoints(home, own)
    yield one("tokens_unsaved", "gauge", "tokens in memory that the store does not take", tokens.unsaved)
    yield one("records_waiting", "gauge", "records of callouts that are not written yet", records.waiting)
    yield one("records_dropped_total", "counter", "records lost because too many waited", records.dropped)
    yield one(
        "records_not_kept_total", "counter", "records of successful callouts that sampling left out", records.not_kept
    )
    yield one("connections", "gauge", "open connections of callers", open_connections)
    yield one("definitions_generation", "gauge", "generation of the definitions", home.org.value.generation)
    yield one("store_reachable", "gauge", "1 where the store can be read", home.org.unreachable_since is None)
    yield one("ready", "gauge", "1 where callouts are served", why_not_ready(home) is None)


def _token_endpoints(home: Home, own: dict[str, str]) -> Iterator[Metric]:
    """Return what one process shows of each token endpoint that it has asked; the label is its URL without a query."""
    endpoints = [({**own, "token_endpoint": each.url}, each) for each in home.endpoints.endpoints]

    def each(name: str, kind: str, what: str, value: Callable[[Endpoint], float]) -> Metric:
        return Metric(f"callout_token_endpoint_{name}", kind, what, tuple((own, value(e)) for own, e in endpoints))

    yield each("open", "gauge", "1 where it keeps failing and is left alone for a while", lambda e: not e.is_closed)
    yield each("waiting", "gauge", "token requests that wait for their turn", lambda e: e.waiting)
    yield each("failures_total", "counter", "transient failures of token requests", lambda e: e.failures)
    yield each("kept_back_total", "counter", "token requests that were not sent", lambda e: e.kept_back)
