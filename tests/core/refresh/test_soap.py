"""SOAP faults: where their codes are, and that what could harm is refused."""

import pytest

from callout.core.refresh.soap import FaultScan

ENVELOPE = b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:c='c'>%b</s:Envelope>"
BODY = ENVELOPE % b"<s:Body>%b</s:Body>"
FAULT = BODY % b"<s:Fault>%b</s:Fault>"
CODE = b"<faultcode>c:EXPIRED</faultcode>"


def found(text: bytes) -> bool | None:
    scan = FaultScan(frozenset({"EXPIRED"}))
    scan.feed(text)
    return scan.found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FAULT % CODE, True),
        ((FAULT % CODE)[: (FAULT % CODE).index(b"</faultcode>") + 12], True),
        ((FAULT % CODE)[: (FAULT % CODE).index(b"</faultcode>")], None),
        (FAULT % b"<faultcode>c:EXP<!-- no -->IRED</faultcode>", True),
        (FAULT % b"<faultcode><![CDATA[EXPIRED]]></faultcode>", True),
        (FAULT % b"<faultstring>EXPIRED</faultstring><faultcode>c:OTHER</faultcode>", False),
        (FAULT % b"<detail><faultcode>c:EXPIRED</faultcode></detail>", False),
        (FAULT % b"<s:Code><s:Value>c:EXPIRED</s:Value></s:Code>", True),
        (FAULT % b"<s:Code><s:Subcode><s:Value>c:EXPIRED</s:Value></s:Subcode></s:Code>", True),
        (FAULT % b"<s:Detail><s:Value>c:EXPIRED</s:Value></s:Detail>", False),
        (ENVELOPE % (b"<s:Header><s:Fault>" + CODE + b"</s:Fault></s:Header><s:Body/>"), False),
        (ENVELOPE % (b"<s:Header/><s:Body><s:Fault>" + CODE + b"</s:Fault></s:Body>"), True),
        (BODY % b"<Answer>EXPIRED</Answer>", False),
        (BODY % b"", False),
        (b"<s:Envelope>", False),
        (b"<x>", False),
        (b"not xml", False),
        (b"<?xml version='1.0' encoding='no-such'?>" + FAULT % CODE, False),
        (b"", None),
    ],
)
def test_a_fault_has_its_code_in_its_place(text, said) -> None:
    assert found(text) is said


@pytest.mark.parametrize(
    "declared",
    [
        b'<!DOCTYPE e [<!ENTITY a "c:EXPIRED">]>',
        b'<!DOCTYPE e [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        b'<!DOCTYPE e SYSTEM "http://127.0.0.1:1/e.dtd">',
        b"<!DOCTYPE e>",
    ],
)
def test_a_text_with_a_document_type_is_not_read(declared) -> None:
    assert found(declared + FAULT % b"<faultcode>&a;</faultcode>") is False
    assert found(declared + FAULT % CODE) is False
