"""Wheel and sdist from a clean checkout: what is in them, and that the wheel alone is Janee."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What git has, and nothing else that lies around."""
    place = tmp_path_factory.mktemp("checkout")
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(ROOT), "archive", "HEAD"], capture_output=True, timeout=60
    )
    if done.returncode:
        pytest.skip("this tree is no git checkout")
    subprocess.run(["tar", "-x", "-C", str(place)], input=done.stdout, check=True, timeout=60)
    yield place


@pytest.fixture(scope="module")
def built(checkout: Path) -> dict[str, Path]:
    out = checkout.parent / "dist"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out)], cwd=checkout, check=True, capture_output=True, timeout=120
    )
    return {path.suffix: path for path in out.iterdir()}


def test_the_wheel_holds_the_two_packages_and_nothing_else(built: dict[str, Path], checkout: Path) -> None:
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = set(wheel.namelist())
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"janee", "sandbox"}
    sources = {str(path.relative_to(checkout)) for top in ("janee", "sandbox") for path in (checkout / top).rglob("*.py")}
    assert sources <= names


def test_the_sdist_builds_the_same_wheel(built: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(built[".gz"]) as archive:
        archive.extractall(tmp_path)  # our own, made a moment ago
    (inside,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    subprocess.run(command, cwd=inside, check=True, capture_output=True, timeout=120)
    (again,) = (tmp_path / "out").iterdir()
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(built[".whl"]) as other:
        assert {(entry.filename, entry.CRC) for entry in one.infolist()} == {
            (entry.filename, entry.CRC) for entry in other.infolist()
        }


def test_the_wheel_alone_is_janee(built: dict[str, Path], tmp_path: Path) -> None:
    """Installed beside this environment's libraries, away from the checkout."""
    place = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(place), str(built[".whl"])], check=True, capture_output=True, timeout=120)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(place), "LANG": "C.UTF-8"}

    def run(*argv: str) -> str:
        done = subprocess.run([sys.executable, *argv], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    where = run("-c", "import janee, sandbox; print(janee.__file__, sandbox.__file__)").split()
    assert all(path.startswith(str(place)) for path in where), where
    assert "1.0" in run("-m", "janee.cli.main", "--version")
    run("-m", "janee.cli.main", "init")
    assert (tmp_path / ".janee" / "config.yaml").is_file()
    assert "landlock" in run("-m", "sandbox", "check", "--level", "landlock")
