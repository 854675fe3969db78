"""The files of TLS in the settings, and what is said of those that are replaced."""

import pytest

from callout.app.listening import follow_files, listening_of
from callout.core.errors import DefinitionError
from callout.settings import Settings
from tests.certificates import Authority

AUTHORITY = Authority()


@pytest.fixture
def settings(tmp_path) -> Settings:
    AUTHORITY.write(tmp_path / "ca.pem")
    return Settings(
        tls_certificate_file=AUTHORITY.issue(dns=["gateway"]).write(tmp_path / "gateway.pem"),
        client_ca_file=str(tmp_path / "ca.pem"),
    )


def test_without_a_certificate_no_tls_is_spoken() -> None:
    assert listening_of(Settings()) is None


@pytest.mark.parametrize("name", ["tls_key_file", "client_ca_file"])
def test_a_file_that_would_be_of_no_use_is_refused(name) -> None:
    with pytest.raises(
        DefinitionError, match=f"CALLOUT_{name.upper()}: got x.pem; expected CALLOUT_TLS_CERTIFICATE_FILE"
    ):
        listening_of(Settings(**{name: "x.pem"}))


async def test_what_is_taken_over_is_logged_and_removed_authorities_retire_what_was_judged(settings, tmp_path, capsys):
    tls, retired = listening_of(settings), []
    assert tls is not None
    await follow_files(tls, lambda: retired.append(1))
    assert (capsys.readouterr().err, retired) == ("", [])
    AUTHORITY.issue(dns=["gateway"]).write(tmp_path / "gateway.pem")
    await follow_files(tls, lambda: retired.append(1))
    assert '"event": "certificate_replaced"' in capsys.readouterr().err
    assert retired == []
    other = Authority()
    (tmp_path / "ca.pem").write_bytes(other.pem + AUTHORITY.pem)
    await follow_files(tls, lambda: retired.append(1))
    assert '"event": "client_authorities_replaced"' in capsys.readouterr().err
    assert retired == []  # the one that judged is still there
    other.write(tmp_path / "ca.pem")
    await follow_files(tls, lambda: retired.append(1))
    assert retired == [1]
