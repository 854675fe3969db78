import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from callout.core.access.pattern import (
    MOST_SEGMENTS,
    Ambiguous,
    PathPattern,
    allowed_by,
    canonical,
    pattern_for,
    readings_of,
    refusal_of_pattern,
)


def allows(pattern: str, path: bytes) -> bool:
    assert refusal_of_pattern(pattern) is None
    return allowed_by((PathPattern.of(pattern),), readings_of(path))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/", b""),
        ("/", b"/"),
        ("/items", b"/items"),
        ("/items/*", b"/items/7"),
        ("/items/*/notes", b"/items/7/notes"),
        ("/items/v*-*.json", b"/items/v1-final.json"),
        ("/items/**", b"/items/"),
        ("/items/**", b"/items/7/notes"),
        ("/**", b"/"),
        ("/**", b"/any/thing"),
        ("/a/**/z", b"/a/z"),
        ("/a/**/z", b"/a/b/c/z"),
        ("/a/**/b/*/z", b"/a/b/b/c/z"),
        ("/users/%7Ealice", b"/users/~alice"),
        ("/users/~alice", b"/users/%7ealice"),
        ("/projects/group%2Fproject/**", b"/projects/group%2fproject/issues"),
        ("/items/*", b"/items/caf%C3%A9"),
        ("/items/*", b"/items/7;version=2"),
    ],
)
def test_a_pattern_allows_what_it_stands_for(pattern: str, path: bytes) -> None:
    assert allows(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/items", b"/items/"),
        ("/items", b"/Items"),
        ("/items", b"/items2"),
        ("/items/*", b"/items/"),
        ("/items/*", b"/items"),
        ("/items/*", b"/items/7/notes"),
        ("/items/**", b"/items"),
        ("/a/**/z", b"/a/b/zz"),
        ("/items/*", b"/items/7%2Fsecret"),
        ("/items/*", b"/items/7%252Fsecret"),
        ("/items/*/notes", b"/items/7%2F8/notes"),
        ("/items/*-public", b"/items/secret;-public"),
        ("/items/*-public", b"/items/secret%3B-public"),
        ("/items/7", b"/items/7;x"),
        ("/items/%2A", b"/items/7"),
    ],
)
def test_a_pattern_does_not_allow_what_some_server_reads_otherwise(pattern: str, path: bytes) -> None:
    assert not allows(pattern, path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (b"/items//7", "an empty segment"),
        (b"/items/;x/7", "an empty segment"),
        (b"/items/%2F7", "an empty segment"),
        (b"/items/%", "starts no escape"),
        (b"/items/%zz", "starts no escape"),
        (b"/items/%255C7", "a backslash"),
        (b"/items/%09", "a control character"),
        (b"/items/%252e%252e/x", "a dot segment"),
        (b"/items/..;x", "a dot segment"),
        (b"/%" + b"25" * 8 + b"41", "more than"),
        (b"/a" * (MOST_SEGMENTS + 1), "segments"),
    ],
)
def test_a_path_that_servers_read_in_two_ways_has_no_readings(path: bytes, why: str) -> None:
    with pytest.raises(Ambiguous, match=why):
        readings_of(path)


@pytest.mark.parametrize(
    "pattern", ["items", "/a b", "/a?b", "/a#b", "/a;b", "/a**", "/**a", "/a//b", "/a/../b", "/a/%2e%2e", "/%", "/é"]
)
def test_a_pattern_that_could_be_misread_is_refused(pattern: str) -> None:
    assert refusal_of_pattern(pattern) is not None


def test_a_long_pattern_is_refused() -> None:
    assert "at most" in (refusal_of_pattern("/" + "a" * 1000) or "")


PIECES = st.sampled_from(
    [
        "/",
        "a",
        "items",
        "%41",
        "%61",
        "%2F",
        "%2f",
        "%252F",
        "%25",
        ";",
        ";x=1",
        "%3B",
        "..",
        ".",
        "*",
        "%2A",
        "7",
        "%C3",
    ]
)
PATHS = st.lists(PIECES, max_size=8).map(lambda pieces: ("/" + "".join(pieces)).encode())
PATTERNS = st.lists(
    st.sampled_from(["a", "items", "*", "**", "a*", "*a", "a*7", "%2F", "a%2Fa", "%41"]), min_size=1, max_size=4
).map(lambda segments: "/" + "/".join(segments))


def read(path: bytes):
    try:
        return readings_of(path)
    except Ambiguous:
        assume(False)
        raise


@given(PATHS)
def test_the_pattern_for_a_path_allows_it_and_is_accepted(path: bytes) -> None:
    readings = read(path)
    pattern = pattern_for(path)
    assert refusal_of_pattern(pattern) is None
    assert allowed_by((PathPattern.of(pattern),), readings)


def encoded(path: bytes, which: list[bool]) -> bytes:
    """Encode some unreserved characters: another spelling of the same path (RFC 3986 section 6.2.2.2)."""
    flags = iter(which)
    canonical_path = canonical(path)
    spelled, at = b"", 0
    while at < len(canonical_path):
        byte = canonical_path[at : at + 1]
        if byte == b"%":
            spelled, at = spelled + canonical_path[at : at + 3], at + 3
            continue
        spelled += b"%%%02x" % byte[0] if byte.isalnum() and next(flags, False) else byte
        at += 1
    return spelled


@given(PATHS, PATTERNS, st.lists(st.booleans(), max_size=20))
def test_no_spelling_of_a_path_is_judged_otherwise_than_the_path(path: bytes, pattern: str, which: list[bool]) -> None:
    readings = read(path)
    compiled = (PathPattern.of(pattern),)
    assert allowed_by(compiled, readings) == allowed_by(compiled, readings_of(encoded(path, which)))


def read_by_a_lax_server(path: bytes, *, decode: int, cut: bool) -> bytes:
    """What an upstream makes of a path: it decodes, and cuts parameters off before or after."""
    from urllib.parse import unquote_to_bytes

    for _ in range(decode):
        path = unquote_to_bytes(path)
    return b"/".join(s.partition(b";")[0] for s in path.split(b"/")) if cut else path


@st.composite
def paths_with_a_near_pattern(draw) -> tuple[bytes, str]:
    """A path, and a pattern made of its own segments, some of them wildcards."""
    path = draw(PATHS)
    kept = []
    for segment in canonical(path).decode()[1:].split("/"):
        wild = draw(st.sampled_from(["", "", "*", "**"]))
        kept.append(wild or segment.partition(";")[0].replace("**", "*") or "*")
    pattern = "/" + "/".join(kept)
    assume(refusal_of_pattern(pattern) is None)
    return path, pattern


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(paths_with_a_near_pattern(), st.integers(0, 3), st.booleans())
def test_whatever_a_rule_allows_stays_inside_it_as_every_server_reads_it(both, decode, cut) -> None:
    path, pattern = both
    compiled = PathPattern.of(pattern)
    assume(allowed_by((compiled,), read(path)))
    served = read_by_a_lax_server(path, decode=decode, cut=cut)
    segments = tuple(canonical(served)[1:].split(b"/"))
    assert b"" not in segments[:-1]
    assert not {b".", b".."} & set(segments)
    form = compiled.forms[decode]
    assert _walks(form, tuple(served[1:].split(b"/")) if decode else segments)


def _walks(form, segments) -> bool:
    """A second, plain matcher: it tries every number of segments for `**`."""
    if not form:
        return not segments
    if form[0] is None:
        return any(_walks(form[1:], segments[n:]) for n in range(len(segments) + 1))
    return bool(segments) and form[0].fullmatch(segments[0]) is not None and _walks(form[1:], segments[1:])
