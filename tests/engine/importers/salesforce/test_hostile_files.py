"""Files that are no metadata, or that want the reader to do more than read."""

import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.model.credentials import NamedCredential
from callout.engine.importers.salesforce import LARGEST_FILE, lines, read_project
from tests.engine.importers.salesforce.shapes import (
    NAMESPACE,
    client_credentials,
    definition_of,
    entry_of,
    imported_from,
    legacy,
    named,
    no_authentication,
    objects,
    permission_set,
)

PATH = "namedCredentials/N.namedCredential-meta.xml"
ROOT = f'<NamedCredential xmlns="{NAMESPACE}">'


def reason_of(content: bytes) -> str:
    imported = imported_from((PATH, content))
    assert imported.definitions == ()
    (entry,) = imported.report
    assert entry.outcome == "refused"
    return entry.reasons[0]


def laughs(use: str) -> bytes:
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>{use}'.encode()


@pytest.mark.parametrize("use", [f"{ROOT}<label>&l11;</label></NamedCredential>", ROOT.replace(">", ' a="&l11;"/>')])
def test_a_billion_laughs_are_refused_at_once(use: str) -> None:
    started = time.process_time()
    assert reason_of(laughs(use)).startswith(PATH)
    assert time.process_time() - started < 20, "expanded, it would take hours"


def test_an_entity_reads_no_file(tmp_path) -> None:
    (tmp_path / "canary").write_text("canary-1618")
    uri = (tmp_path / "canary").as_uri()
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{uri}">]>'
    assert "document type declaration" in reason_of(f"{doctype}{ROOT}<label>&e;</label></NamedCredential>".encode())
    assert "canary-1618" not in repr(read_project([(PATH, f"{doctype}{ROOT}&e;</NamedCredential>".encode())]))


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:{port}/x.dtd">',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/p"> %p;]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:{port}/e">]>',
    ],
)
def test_a_document_type_makes_no_connection(doctype: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        content = doctype.format(port=server.getsockname()[1]) + f"{ROOT}<label>&e;</label></NamedCredential>"
        assert reason_of(content.encode()).startswith(PATH)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert f"a file of {LARGEST_FILE + 1} bytes" in reason_of(b"<" * (LARGEST_FILE + 1))


def test_elements_that_nest_too_deep_are_refused() -> None:
    assert "nested deeper" in reason_of((ROOT + "<a>" * 20 + "</a>" * 20 + "</NamedCredential>").encode())
    assert "not XML" in reason_of(b"<a>" * 100_000)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "an empty file"),
        (b"\n \n", "an empty file"),
        (b"url: https://x", "not XML"),
        (b"PK\x03\x04\x00\x00", "not XML"),
        (b"\x00" * 64, "not XML"),
        (b'{"label": 1}', "not XML"),
        (f"{ROOT}<label>".encode(), "not XML"),
        (f"{ROOT}<label>&nbsp;</label></NamedCredential>".encode(), "not XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not XML"),
        (f'<ExternalCredential xmlns="{NAMESPACE}"/>'.encode(), "got root element <ExternalCredential>"),
        (b"<NamedCredential/>", "in no namespace; expected <NamedCredential> in namespace"),
        (b'<NamedCredential xmlns="urn:x"/>', "in namespace 'urn:x'"),
        (f"{ROOT}stray<label>N</label></NamedCredential>".encode(), "text between the elements"),
        (f'{ROOT}<x:label xmlns:x="urn:x">N</x:label></NamedCredential>'.encode(), "in namespace 'urn:x'"),
    ],
)
def test_what_is_not_metadata_is_refused_with_what_came(content: bytes, why: str) -> None:
    assert why in reason_of(content)


def test_a_syntax_error_is_told_at_its_line_without_the_bytes_around_it() -> None:
    said = reason_of(f"{ROOT}\n<label>N</label>\n<password>canary-\xff\n</NamedCredential>".encode("latin-1"))
    assert said.startswith(f"{PATH}:3:")
    assert "canary" not in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_that_xml_has_are_read(encoding: str) -> None:
    _, content = named("N")
    text = content.decode().replace("A label", "Grüße").replace("UTF-8", encoding.removesuffix("-sig").upper())
    imported = imported_from(no_authentication(), (PATH, text.encode(encoding)))
    assert definition_of(imported, NamedCredential, "N").label == "Grüße"


def test_comments_cdata_and_processing_instructions_are_fine() -> None:
    _, content = named("N")
    text = content.decode().replace("A label", "<![CDATA[A & B]]><?x y?>").replace("<label>", "<!-- c --><label>")
    imported = imported_from(no_authentication(), (PATH, text.encode()))
    assert definition_of(imported, NamedCredential, "N").label == "A & B"


def test_one_bad_file_does_not_stop_the_others() -> None:
    imported = imported_from((PATH, b"nonsense"), no_authentication(), named("M"))
    assert entry_of(imported, "M").outcome == "imported"


def test_a_terminal_is_told_nothing_that_it_would_obey() -> None:
    imported = read_project([("permissionsets/A%1B[2J\x1b.permissionset", b"<"), ("b\x1b/C.namedCredential", b"<")])
    assert not any("\x1b" in line for line in lines(imported))


WHOLE = [
    client_credentials("E"),
    named("N", uses="E"),
    legacy("Old", "Password", "NamedUser"),
    permission_set("S", objects("allowRead")),
]


@given(which=st.integers(0, len(WHOLE) - 1), at=st.integers(0, 2000), cut=st.integers(0, 12), put=st.binary(max_size=8))
def test_damaged_files_are_refused_or_read_and_never_raise(which: int, at: int, cut: int, put: bytes) -> None:
    path, content = WHOLE[which]
    damaged = content[: at % len(content)] + put + content[at % len(content) + cut :]
    imported = imported_from(*[file for i, file in enumerate(WHOLE) if i != which], (path, damaged))
    assert len(imported.report) == len(WHOLE)
