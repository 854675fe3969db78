from callout.entrypoints.setup_api.metrics import Metric, metrics_text


def test_metrics_are_written_in_the_prometheus_text_format():
    metrics = [
        Metric("callouts_total", "counter", "callouts\nby status", (({"status": "200", "reason": ""}, 3.0),)),
        Metric("waiting", "gauge", "records", (({}, 0.25),)),
    ]
    assert metrics_text(metrics) == (
        "# HELP callouts_total callouts\\nby status\n"
        "# TYPE callouts_total counter\n"
        'callouts_total{status="200",reason=""} 3\n'
        "# HELP waiting records\n"
        "# TYPE waiting gauge\n"
        "waiting 0.25\n"
    )


def test_label_values_cannot_break_out_of_their_quotes():
    text = metrics_text([Metric("m", "gauge", "h", (({"name": 'a"b\\c\nd'}, 1),))])
    assert text.endswith('m{name="a\\"b\\\\c\\nd"} 1\n')


def test_no_metric_is_an_empty_page():
    assert metrics_text([]) == ""
