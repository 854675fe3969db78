"""CEF and OCSF as their specifications have them, whatever a caller puts into a path."""

import json
import re

import pytest

from callout.engine.audit import cef, ocsf
from tests.engine.audit.conftest import lines_of, record

#: What of OCSF 1.2.0 each class requires beside the base event's (github.com/ocsf/ocsf-schema, tag v1.2.0).
REQUIRED = {6003: {"actor", "api", "src_endpoint"}, 3004: {"entity"}, 0: set()}
BASE = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
#: What else they may have; `http_response`, for one, came to API Activity only later.
OPTIONAL = {6003: {"dst_endpoint", "http_request", "resources"}, 3004: {"actor", "comment", "entity_result"}, 0: set()}
BASE_OPTIONAL = {"activity_name", "category_name", "class_name", "count", "duration", "message", "severity", "status"}
BASE_OPTIONAL |= {"status_code", "status_detail", "status_id", "type_name", "unmapped"}


async def exported(shop, form: str) -> list[str]:
    record(shop)
    record(
        shop,
        user="bob",
        name="Or|de=rs",
        path=b"/a=b|c\\d",
        method=b"PATCH",
        status=403,
        refused="principal_not_granted",
    )
    record(shop, status=503, method=b"POST", refused="overloaded")
    record(shop, status=0)
    shop.records._sampling = 0.0
    record(shop)
    shop.records.flush()
    shop.records.dropped += 3
    record(shop)
    shop.records.flush()
    return await lines_of(shop, form)


def fields_of(line: str) -> tuple[list[str], dict[str, str]]:
    """Parse a line as a SIEM does: seven headers, then keys up to the next unescaped equals sign."""
    *header, extension = re.split(r"(?<!\\)\|", line, maxsplit=7)
    parts = re.split(r"(?:^| )([A-Za-z0-9]+)=", extension)
    plain = {"\\n": "\n", "\\r": "\r", "\\=": "=", "\\\\": "\\"}
    values = [re.sub(r"\\[nr=\\]", lambda m: plain[m[0]], value) for value in parts[2::2]]
    return [re.sub(r"\\([|\\])", r"\1", h) for h in header], dict(zip(parts[1::2], values, strict=True))


async def test_every_event_is_one_line_of_cef(shop) -> None:
    lines = await exported(shop, "cef")
    for line in lines:
        header, extension = fields_of(line)
        assert (header[0], header[1], header[2], header[3]) == ("CEF:0", "Callout", "Callout", "1.2.3")
        assert 0 <= int(header[6]) <= 10
        assert {"rt", "cat"} <= extension.keys() or header[4].startswith("callouts:")
        assert "\n" not in line


async def test_what_a_caller_writes_stays_in_its_field_of_cef(shop) -> None:
    lines = await exported(shop, "cef")
    ((header, extension),) = [fields_of(line) for line in lines if "principal_not_granted" in line]
    assert header[4] == "callout:principal_not_granted"
    assert (extension["request"], extension["cs1"], extension["suser"]) == ("/a=b|c\\d", "Or|de=rs", "bob")
    assert extension["msg"] == "got x=1|2\\3\nand 4; expected less"
    assert (extension["outcome"], extension["cn1"], extension["cn1Label"]) == ("failure", "403", "status")


async def test_bytes_in_cef_are_those_from_the_caller_and_bytes_out_those_to_it(shop) -> None:
    record(shop, path=b"/sized")  # sends 10, receives 20
    shop.records.flush()
    ((_, extension),) = [fields_of(line) for line in await lines_of(shop, "cef") if "/sized" in line]
    assert (extension["in"], extension["out"]) == ("10", "20")


async def test_what_a_caller_makes_longer_than_the_dictionary_allows_is_cut_in_cef(shop) -> None:
    record(shop, path=b"/" + b"p" * 2000)
    shop.records.flush()
    ((_, extension),) = [fields_of(line) for line in await lines_of(shop, "cef") if "ppp" in line]
    assert len(extension["request"]) == 1023


@pytest.mark.parametrize(
    ("value", "header", "extension"),
    [
        ("a|b", "a\\|b", "a|b"),
        ("a=b", "a=b", "a\\=b"),
        ("a\\b", "a\\\\b", "a\\\\b"),
        ("a\r\nb", "a  b", "a\\r\\nb"),
        ("a\x00b\x7f", "a b ", "a b "),
        ("ü", "ü", "ü"),
    ],
)
def test_cef_values_are_escaped_as_the_standard_says(value: str, header: str, extension: str) -> None:
    assert (cef.header_value(value), cef.extension_value(value)) == (header, extension)


async def test_every_event_of_ocsf_has_what_its_class_requires(shop) -> None:
    events = [json.loads(line) for line in await exported(shop, "ocsf")]
    for event in events:
        required, optional = REQUIRED[event["class_uid"]], OPTIONAL[event["class_uid"]]
        assert (BASE | required) <= event.keys() <= (BASE | required | BASE_OPTIONAL | optional)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["category_uid"] == event["class_uid"] // 1000
        assert event["metadata"]["version"] == ocsf.VERSION == "1.2.0"
        assert {"name", "vendor_name"} <= event["metadata"]["product"].keys()
        assert isinstance(event["time"], int)
    assert {event["class_uid"] for event in events} == {0, 3004, 6003}


async def test_a_refused_callout_is_a_failed_api_activity(shop) -> None:
    events = [json.loads(line) for line in await exported(shop, "ocsf")]
    (event,) = [e for e in events if e.get("status_code") == "principal_not_granted"]
    assert (event["class_uid"], event["activity_id"], event["status_id"], event["severity_id"]) == (6003, 3, 2, 2)
    assert (event["actor"]["user"]["name"], event["api"]["response"]["code"]) == ("bob", 403)
    assert "http_method" not in event["http_request"]  # PATCH is not of this version's enumeration
    assert [e["severity_id"] for e in events if e.get("status_code") == "overloaded"] == [3]


async def test_what_was_left_out_or_lost_is_told_in_every_format(shop) -> None:
    lines = await exported(shop, "ocsf")
    counted = [json.loads(line) for line in lines if '"class_uid":0' in line]
    assert [(e["metadata"]["event_code"], e["count"]) for e in counted] == [
        ("not_kept", 2),
        ("not_kept", 1),
        ("dropped", 3),
    ]
    assert any(line.split("|")[4] == "callouts:not_kept" for line in await lines_of(shop, "cef"))
    assert any('"type":"dropped"' in line for line in await lines_of(shop, "jsonl"))
