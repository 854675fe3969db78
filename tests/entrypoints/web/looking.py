"""What the tests of pages that look at callouts have in common: hostile texts, and callouts that were made."""

from callout.core.errors import Refused
from tests.engine.test_health import took

__all__ = ["HOSTILE", "assert_harmless", "refuse", "took"]

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</textarea></pre><script>alert(1)</script>",
)


def assert_harmless(page) -> None:
    """Expect nothing in a page that a browser would run, and no style of its own, which the policy would refuse."""
    tree = page.tree
    assert [each.get("src") for each in tree.xpath("//script")] == ["/setup/files/setup.js"]
    assert tree.xpath("//@*[starts-with(local-name(), 'on')]") == []
    assert tree.xpath("//style | //@style | //iframe | //object | //img[@src='x']") == []
    assert [href for href in tree.xpath("//@href | //@action") if not href.startswith(("/", "#"))] == []


def refuse(world, code: str, detail: str, *, user="alice", name="Orders", path=b"/callout/Orders/a") -> str:
    """Record a callout that was refused."""
    callout_id = world.callouts.next_id()
    error = Refused(code, detail, who=user)
    more = (0, 0, world.clock.monotonic(), None, error, None, 0)
    world.callouts.record(callout_id, None, name, b"GET", path, 403, *more)
    world.records.flush()
    return callout_id.decode()
