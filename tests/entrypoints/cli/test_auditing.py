import json

import pytest

from callout.core.errors import Refused


def recorded(cli, *, status=200, reason=None, user="alice") -> str:
    callouts = cli.world.callouts
    callout_id = callouts.next_id()
    refused = Refused(reason, "got x", who=user) if reason else None
    callouts.record(callout_id, None, "Orders", b"GET", b"/a", status, 0, 0, 1000.0, None, refused, None, 0)
    cli.world.records.flush()
    return callout_id.decode()


def test_the_log_shows_a_line_for_each_callout(cli):
    first, second = recorded(cli, status=403, reason="principal_not_granted"), recorded(cli, status=0)
    out = cli("log").out
    assert out.index(second) < out.index(first)
    assert "principal_not_granted" in out
    assert [c["callout_id"] for c in cli("log", "--user", "alice", "--json").json["callouts"]] == [first]
    assert cli("log", "--name", "Nothing").out == "No callout is recorded that fits.\n"


@pytest.mark.parametrize("limit", ["0", "1001"])
def test_a_limit_beyond_what_is_listed_is_refused(cli, limit):
    assert cli("log", "--limit", limit).code == 2


def test_acts_are_listed_newest_first(cli):
    cli("user", "set", "carol")
    cli("user", "remove", "carol")
    acts = cli("audit", "list", "--json").json["acts"]
    assert (acts[0]["who"], acts[0]["act"], acts[0]["what"]) == ("local", "remove user", "carol")
    assert "remove user" in cli("audit", "list", "--limit", "1").out


@pytest.mark.parametrize("line", ["callout", "row", "act"])
def test_an_export_is_lines_on_standard_output_that_verify(cli, tmp_path, line):
    cli("user", "set", "zoe")
    recorded(cli, user="zoe", status=403, reason="principal_not_granted")
    ran = cli("audit", "export")
    assert {json.loads(text)["type"] for text in ran.out.splitlines()} == {"export", "act", "callout", "row", "head"}
    file = tmp_path / "trail.jsonl"
    file.write_text(ran.out)
    head = cli("audit", "head").out.strip()
    assert cli("audit", "verify", str(file), "--against", head).code == 0
    edited = [text.replace("zoe", "eve") if f'"type":"{line}"' in text else text for text in ran.out.splitlines()]
    assert edited != ran.out.splitlines()
    file.write_text("\n".join(edited))
    broken = cli("audit", "verify", str(file))
    assert broken.code == 5
    assert "The chain is broken." in broken.out


def test_an_export_to_a_file_is_for_its_owner_alone_and_overwrites_none(cli, tmp_path):
    file = tmp_path / "trail.cef"
    ran = cli("audit", "export", "--format", "cef", "--output", str(file))
    assert (ran.code, file.stat().st_mode & 0o777) == (0, 0o600)
    assert ran.out == f"Wrote {len(file.read_text().splitlines())} lines to {file}\n"
    again = cli("audit", "export", "--output", str(file))
    assert (again.code, "expected a new file" in again.err) == (2, True)


def test_a_file_or_head_that_is_none_is_refused(cli, tmp_path):
    missing = cli("audit", "verify", str(tmp_path / "missing"))
    assert (missing.code, "audit export" in missing.err) == (2, True)
    for file in ([], [str(tmp_path / "missing")]):
        ran = cli("audit", "verify", *file, "--against", "7")
        assert (ran.code, "SEQ:HASH" in ran.err) == (2, True)


def test_a_kept_head_is_verified_against(cli):
    head = cli("audit", "head").out.strip()
    cli("user", "set", "carol")
    assert cli("audit", "verify", "--against", head).code == 0
    forged = f"{head.partition(':')[0]}:{'0' * 64}"
    assert "was rewritten" in cli("audit", "verify", "--against", forged).out


def test_pruning_says_what_went(cli):
    cli.world.clock.move(days=10)
    head = cli("audit", "head").out
    would = cli("audit", "prune", "--before", "5d", "--dry-run").out
    assert (would.startswith("Would remove rows through"), cli("audit", "head").out) == (True, head)
    assert "Removed rows through" in cli("audit", "prune", "--before", "5d").out
    assert cli("audit", "prune", "--before", "5d").out.startswith("Nothing was written before")
    assert cli("audit", "verify", "--json").json["starts_after"] is not None


def test_health_counts_the_log_and_names_what_is_not_well(cli):
    recorded(cli, status=200)
    recorded(cli, status=403, reason="principal_not_granted")
    out = cli("health", "--since", "7d").out
    assert "2 callouts since" in out
    assert "1 errors" in out
    assert "1 refused: principal_not_granted" in out
    assert "Orders/Service" in out
    assert cli("health", "--json").json["total"]["calls"] == 2
    assert cli("health", "--since", "soon").code == 2
