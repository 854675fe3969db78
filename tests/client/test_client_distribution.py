"""The SDK is a distribution of its own: its wheel holds callout_client alone and needs httpx2 alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[2]
STANDALONE = PROJECT / "packaging" / "callout-client"

FIRST_CALLOUT = """
import importlib.util, json, sys
import callout_client
assert importlib.util.find_spec("callout") is None, "the server is installed, too"
with callout_client.Client(sys.argv[1], "co_key") as client:
    print(json.dumps({"module": callout_client.__file__, "status": client.get("callout:Orders/x").status_code}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv = [sys.executable, "-m", "uv", "build", "--wheel", "--offline", "--no-build-isolation", "--quiet"]
    subprocess.run([*uv, "--python", sys.executable, "--out-dir", folder, STANDALONE], check=True)
    (built,) = folder.glob("*.whl")
    return built


def needed(name: str, seen: dict[str, Distribution] | None = None) -> dict[str, Distribution]:
    """The installed distributions that `name` needs, and they need, by their own metadata."""
    seen = {} if seen is None else seen
    if name not in seen:
        seen[name] = distribution(name)
        for requirement in map(Requirement, seen[name].requires or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed(requirement.name, seen)
    return seen


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel, and beside it only what its one requirement needs; return the environment's Python."""
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*uv, "--python", python, wheel], check=True)
    (libraries,) = environment.glob("lib/python*/site-packages")
    for each in needed("httpx2").values():
        for top in {path.parts[0] for path in each.files or [] if path.parts[0] != ".."}:
            source = Path(str(each.locate_file(top)))
            if not (libraries / top).exists():
                (libraries / top).symlink_to(source)
    return python


@pytest.mark.journey
def test_the_wheel_makes_a_callout_where_the_server_is_not_installed(wheel, tmp_path, gateway):
    python = install(wheel, tmp_path / "environment")
    ran = subprocess.run([python, "-I", "-c", FIRST_CALLOUT, gateway.url], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["status"] == 200
    assert Path(told["module"]).is_relative_to(tmp_path)
    assert gateway.last.target == "/callout/Orders/x"


@pytest.mark.journey
def test_the_wheel_holds_the_sdk_its_types_and_its_licence_alone(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    outside = {name for name in names if not name.startswith(("callout_client/", "callout_client-"))}
    assert outside == set()
    sources = {f"callout_client/{path.name}" for path in (PROJECT / "src" / "callout_client").glob("*.py")}
    assert sources | {"callout_client/py.typed"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_both_distributions_state_the_same_version_python_and_httpx2():
    ours = tomllib.loads((STANDALONE / "pyproject.toml").read_text())["project"]
    servers = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert [ours[key] for key in ("version", "requires-python", "license")] == [
        servers[key] for key in ("version", "requires-python", "license")
    ]
    assert ours["dependencies"] == [each for each in servers["dependencies"] if each.startswith("httpx2")]
