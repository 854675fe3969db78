"""Pictures of pages that are small enough to keep: PNG with a palette of 256 colours, which the browser itself finds."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

from playwright.sync_api import Browser, Page

#: Counts the colours, keeps the 256 that are most frequent, and puts the nearest of them in place of each other one.
_PALETTE = """async given => {
const bytes = Uint8Array.from(atob(given), each => each.charCodeAt(0));
const bitmap = await createImageBitmap(new Blob([bytes]));
const drawing = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
drawing.drawImage(bitmap, 0, 0);
const points = new Uint32Array(drawing.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
const counts = new Map();
for (const point of points) counts.set(point, (counts.get(point) || 0) + 1);
const parts = each => [each & 255, (each >> 8) & 255, (each >> 16) & 255];
const kept = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(each => each[0]);
const palette = kept.map(parts), nearest = new Map(kept.map((each, at) => [each, at]));
for (const each of counts.keys()) if (!nearest.has(each)) {
    const [r, g, b] = parts(each);
    let best = 0, least = Infinity;
    palette.forEach(([x, y, z], at) => {
        const far = (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2;
        if (far < least) { least = far; best = at; }
    });
    nearest.set(each, best);
}
const indices = Uint8Array.from(points, each => nearest.get(each));
let text = "";
for (let at = 0; at < indices.length; at += 32768) text += String.fromCharCode(...indices.subarray(at, at + 32768));
return [bitmap.width, bitmap.height, palette.flat(), btoa(text)];
}"""


def keep_picture(browser: Browser, page: Page, path: Path) -> None:
    """Write what a page shows to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given = base64.b64encode(page.screenshot()).decode()
    with browser.new_context() as context:
        width, height, palette, text = context.new_page().evaluate(_PALETTE, given)
    indices = base64.b64decode(text)
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
