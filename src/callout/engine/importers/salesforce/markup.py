"""XML as plain values. The files are other people's, so nothing in them can make the parser reach further.

No DTD, no entities, no network; the sizes are bounded. Comments and processing instructions are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from callout.engine.importers.salesforce.files import LARGEST_FILE

#: The namespace of every metadata file.
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
#: Salesforce's metadata nests three levels; more is not metadata.
DEEPEST = 8
#: Most elements in one file; the profiles of large orgs have some hundred thousand.
MOST_ELEMENTS = 500_000


@dataclass(frozen=True, slots=True)
class Element:
    """One element. Equal elements say the same, wherever they stand; `text` is stripped and may be a secret."""

    tag: str
    text: str = field(repr=False)
    children: tuple[Element, ...]
    line: int = field(compare=False)

    def all(self, tag: str) -> tuple[Element, ...]:
        """Return the children of this name, in order."""
        return tuple(child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Element | None:
        """Return the first child of this name, or None."""
        return next((child for child in self.children if child.tag == tag), None)

    def value(self, tag: str, default: str = "") -> str:
        """Return the text of the first child of this name, or the default where it is absent or empty."""
        child = self.first(tag)
        return (child.text or default) if child is not None else default

    def line_of(self, tag: str) -> int:
        """Return the line of the first child of this name, or of this element where there is none."""
        child = self.first(tag)
        return child.line if child is not None else self.line


class NotMetadata(Exception):
    """A file that cannot be read as metadata: what came, what was expected, and the line (1 is the first)."""

    def __init__(self, got: str, expected: str, line: int = 1) -> None:
        super().__init__(f"got {got}; expected {expected}")
        self.got = got
        self.expected = expected
        self.line = line


def parse(content: bytes, root: str) -> Element:
    """Parse a metadata file whose root element is `root`; raises `NotMetadata`."""
    if len(content) > LARGEST_FILE:
        raise NotMetadata(f"a file of {len(content)} bytes", f"at most {LARGEST_FILE}")
    if not content.strip():
        raise NotMetadata("an empty file", f"XML with the root element <{root}>")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        top: Any = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise NotMetadata(f"text that is not XML ({_said(error)})", "well-formed XML", error.lineno or 1) from None
    except ValueError:
        raise NotMetadata("text that is not XML", "well-formed XML") from None
    docinfo = top.getroottree().docinfo
    if docinfo.doctype or docinfo.internalDTD is not None:
        raise NotMetadata("a document type declaration (<!DOCTYPE>)", "metadata without one")
    name = etree.QName(top)
    if name.localname != root or name.namespace != NAMESPACE:
        got = f"root element <{name.localname}> in {f'namespace {name.namespace!r}' if name.namespace else 'no namespace'}"
        raise NotMetadata(got, f"<{root}> in namespace {NAMESPACE!r}", top.sourceline or 1)
    _bound(top)
    return _element(top, 1)


def _bound(top: Any) -> None:
    count = sum(1 for _ in top.iter())
    if count > MOST_ELEMENTS:
        raise NotMetadata(f"{count} elements", f"at most {MOST_ELEMENTS}")


def _element(node: Any, depth: int) -> Element:
    if not isinstance(node.tag, str):  # an entity reference that was not followed
        raise NotMetadata("an entity reference", "text without one", node.sourceline or 1)
    name = etree.QName(node)
    line = node.sourceline or 1
    if depth > DEEPEST:
        raise NotMetadata(f"elements nested deeper than {DEEPEST}", "metadata, which nests three levels", line)
    if name.namespace != NAMESPACE:
        raise NotMetadata(f"element <{name.localname}> in namespace {name.namespace!r}", repr(NAMESPACE), line)
    children = tuple(_element(child, depth + 1) for child in node)
    texts = [node.text, *(child.tail for child in node)]
    text = "".join(part for part in texts if part).strip()
    if children and text:
        raise NotMetadata(f"text between the elements of <{name.localname}>", "elements only", line)
    return Element(name.localname, text, children, line)


def _said(error: etree.XMLSyntaxError) -> str:
    """Return the parser's own words, without the bytes of the file that some of them end with."""
    return re.split(r"[,\n]|Bytes:", str(error.msg or "unreadable"), maxsplit=1)[0].strip()
