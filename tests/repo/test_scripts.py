"""script/* as they are: what they call, that they are quick when nothing is missing, and what they say when something is."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = (*sorted(path for path in (ROOT / "script").iterdir() if path.is_file()), ROOT / ".ci" / "run")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_it_is_executable_and_its_syntax_is_right(script: Path) -> None:
    assert os.access(script, os.X_OK)
    interpreter = script.read_text().splitlines()[0].removeprefix("#!").split()[-1]
    if interpreter.endswith("python3"):
        compile(script.read_bytes(), str(script), "exec")
    else:
        subprocess.run([interpreter, "-n", str(script)], check=True)


def test_ci_runs_the_test_script() -> None:
    assert "script/test" in (ROOT / ".ci" / "run").read_text()


def test_the_test_script_runs_every_check() -> None:
    text = (ROOT / "script" / "test").read_text()
    for check in ("ruff check", "ruff format --check", "mypy janee sandbox", "lint-imports", "pytest", "script/setup"):
        assert check in text


@pytest.mark.skipif(not (ROOT / ".venv" / ".janee-stamp").exists(), reason="this environment was not made by script/setup")
def test_setup_with_nothing_missing_is_silent_and_quick() -> None:
    started = time.monotonic()
    done = subprocess.run([ROOT / "script" / "setup"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - started < 10


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A copy of what setup reads, without an environment, where every user can go."""
    with tempfile.TemporaryDirectory(prefix="janee-checkout-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        for file in ("requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / file, directory)
        shutil.copytree(ROOT / "script", directory / "script")
        yield directory


def setup(checkout: Path, user: int | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    command = [checkout / "script" / "setup"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=env, user=user)


def bin_with(directory: Path, *programs: str) -> str:
    """A PATH with only these programs of the system, and `apt-get` never among them."""
    directory.mkdir()
    for program in programs:
        found = shutil.which(program)
        if found is not None:
            (directory / program).symlink_to(found)
    return str(directory)


BASICS = ("sh", "dirname", "cat", "cut", "sha256sum", "awk", "rm", "tr", "id", "flock")


def test_setup_without_apt_names_the_packages_and_stops(checkout: Path) -> None:
    done = setup(checkout, PATH=bin_with(checkout / "bin", *BASICS), PYTHON=sys.executable)
    assert done.returncode == 1
    assert "setup: error: missing here:" in done.stderr
    assert " git " in done.stderr
    assert " gcc " in done.stderr
    assert "setup: hint:" in done.stderr
    assert not (checkout / ".venv").exists()


def test_setup_refuses_a_python_that_is_none(checkout: Path) -> None:
    done = setup(checkout, PATH=os.environ["PATH"], PYTHON="/bin/false")
    assert done.returncode == 1
    assert "/bin/false is not a Python 3.11 or newer" in done.stderr


def test_setup_as_an_ordinary_user_without_sudo_says_what_root_has_to_do(checkout: Path) -> None:
    path = bin_with(checkout / "bin", *BASICS)
    (checkout / "bin" / "apt-get").symlink_to("/bin/false")
    done = setup(checkout, user=65534 if os.geteuid() == 0 else None, PATH=path, PYTHON="/usr/bin/python3")
    assert done.returncode == 1
    assert "missing Debian packages:" in done.stderr
    assert "as root: apt-get install" in done.stderr
