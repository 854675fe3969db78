"""Settings: every bad one is named, and the master key is shown by none of them."""

import pytest

from callout.core.errors import DefinitionError
from callout.settings import Settings, read_settings

KEY = "canary-master-key"


def refused(environ: dict[str, str], **arguments: object) -> dict[str, str]:
    """The place of each problem, and its sentence."""
    with pytest.raises(DefinitionError) as caught:
        read_settings(environ, **arguments)
    return {problem.place: str(problem) for problem in caught.value.problems}


def test_every_bad_setting_is_named_at_once() -> None:
    found = refused({"CALLOUT_WORKERS": "abc", "CALLOUT_KEYRING": "perhaps", "CALLOUT_TELLING_USERS": "all"}, port=-1)
    assert sorted(found) == ["--port", "CALLOUT_KEYRING", "CALLOUT_TELLING_USERS", "CALLOUT_WORKERS"]
    assert found["CALLOUT_WORKERS"].startswith("CALLOUT_WORKERS: got 'abc'; expected a whole number from 1 to")
    assert "got -1; expected a whole number from 0 to 65535" in found["--port"]
    assert "expected true or false" in found["CALLOUT_KEYRING"]
    assert "expected full or code" in found["CALLOUT_TELLING_USERS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", "0"),
        ("workers", "-2"),
        ("workers", "1e3"),
        ("port", "65536"),
        ("setup_port", "-1"),
        ("connection_limit", "0"),
        ("replay_limit", "-1"),
        ("poll_interval", "0"),
        ("idle_timeout", "nan"),
        ("longest_timeout", "inf"),
        ("drain_timeout", "-0.5"),
        ("longest_without_store", "0"),
    ],
)
def test_a_number_that_nothing_can_work_with_is_refused(name: str, value: str) -> None:
    assert list(refused({f"CALLOUT_{name.upper()}": value})) == [f"CALLOUT_{name.upper()}"]


@pytest.mark.parametrize("workers", [0, -1])
def test_an_argument_is_held_to_the_same_limits(workers: int) -> None:
    assert list(refused({}, workers=workers)) == ["--workers"]


def test_an_argument_wins_over_a_bad_variable() -> None:
    assert read_settings({"CALLOUT_WORKERS": "abc"}, workers=3).workers == 3


def test_a_child_process_reads_what_its_parent_was_given() -> None:
    given = Settings(workers=7, idle_timeout=0.5, metrics_open=True, master_key=KEY)
    assert read_settings(given.environment()) == given


def test_the_master_key_is_not_shown() -> None:
    settings = read_settings({"CALLOUT_MASTER_KEY": KEY})
    assert settings.master_key == KEY
    assert KEY not in f"{settings!r} {settings}"


def test_an_error_does_not_show_the_master_key() -> None:
    found = refused({"CALLOUT_MASTER_KEY": KEY, "CALLOUT_PORT": "x"}, workers=0)
    assert KEY not in str(found)
