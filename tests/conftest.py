"""What every suite stands on: no test depends on how fast the machine is, nor on what the machine trusts."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme
from hypothesis import HealthCheck, settings

# Examples are the same in every run, and none fails because a busy machine was slow to make or to try it.
# `--hypothesis-profile=explore` tries others, and more of them.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "explore", settings.get_profile("same"), derandomize=False, database=None, max_examples=1000, print_blob=True
)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Let OpenSSL find one authority where it looks for those of the system.

    Nothing that is real is called from here, and reading the hundred and more of a real system takes 20 ms and more for
    each client and each server that a test makes.
    """
    folder = TemporaryDirectory(prefix="callout-tests-")
    config.add_cleanup(folder.cleanup)
    file = Path(folder.name) / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    os.environ["SSL_CERT_FILE"], os.environ["SSL_CERT_DIR"] = str(file), folder.name
