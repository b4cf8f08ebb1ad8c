from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from janee.cli.main import COMMANDS, cli, run
from tests.cli.support import Operator

HEAVY = "('mcp','starlette','uvicorn','pydantic','httpx','rich','psutil')"


def python(code: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **env}
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, env=environ)


def test_the_version_and_the_help_end_0(janee: Operator) -> None:
    assert janee("--version").out.startswith("janee ")
    for arguments in ((), ("--help",), ("-h",)):
        done = janee(*arguments)
        assert (done.code, done.err) == (0, "")
        assert "service" in done.out


@pytest.mark.parametrize("arguments", [("list",), ("--help",), ("audit", "tail"), ("service", "list")])
def test_a_light_command_imports_nothing_heavy(janee: Operator, arguments: tuple[str, ...]) -> None:
    janee.ok("init")
    code = (
        f"import sys; from janee.cli.main import run; c = run(sys.argv[1:]); print(c, [m for m in {HEAVY} if m in sys.modules])"
    )
    done = python(code, *arguments)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nope",), "no such command 'nope'"),
        (("--nope",), "no such option '--nope'"),
        (("service", "nope"), "no such command 'nope'"),
        (("service", "add"), "missing argument 'NAME'"),
        (("service", "add", "x"), "missing option '--base-url'"),
        (("service", "add", "x", "--base-url", "https://a", "--auth-type", "magic"), "invalid value for '--auth-type'"),
        (("audit", "tail", "-n", "x"), "invalid value for '-n'"),
        (("list", "surplus"), "unexpected extra argument"),
    ],
)
def test_a_usage_error_ends_2_in_one_form(janee: Operator, arguments: tuple[str, ...], says: str) -> None:
    done = janee(*arguments)
    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()[:2]
    assert first.startswith("janee: error: ")
    assert says in first
    assert second.startswith("janee: hint: see: janee")


def test_errors_keep_their_exit_codes(janee: Operator) -> None:
    assert janee("list").code == 2  # ConfigError
    janee.ok("init")
    janee.home.state_db.unlink()
    done = janee("service", "list")
    assert done.code == 1  # StoreError
    assert done.err.startswith("janee: error: ")
    assert "janee: hint: " in done.err


def test_an_unexpected_exception_is_named_by_type_only(janee: Operator) -> None:
    code = (
        "import sys, janee.cli.init as i\n"
        "def boom(): raise ValueError('ghp_in_a_message')\n"
        "i.current_home = boom\n"
        "from janee.cli.main import run\n"
        "sys.exit(run(['init']))"
    )
    done = python(code, JANEE_DEBUG="")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "janee: error: internal error: ValueError"
    assert "ghp_in_a_message" not in done.stdout + done.stderr
    assert "Traceback" in python(code, JANEE_DEBUG="1").stderr


def test_a_reader_that_goes_away_causes_no_traceback(janee: Operator) -> None:
    janee.ok("init")
    for _ in range(3):
        janee.ok("agent", "add", "a", "--rotate")
    janee.ok("capability", "list")
    script = f"{sys.executable} -m janee audit tail --json -n 1000 -f | head -n 1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(("redirect", "code"), [("> /dev/full", 1), (">&-", 0), ("<&-", 0), ("2>&- >&- <&-", 0)])
def test_a_stream_that_is_full_or_closed_is_no_crash(janee: Operator, redirect: str, code: int) -> None:
    janee.ok("init")
    script = f"{sys.executable} -m janee list --json {redirect}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if code:
        assert done.stderr.startswith("janee: error: no space left on device")


def test_a_group_alone_shows_its_help_on_stderr(janee: Operator) -> None:
    done = janee("service")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: janee service")
    assert "set-secret" in done.err


def test_every_command_of_the_table_that_is_there_loads_and_has_help(janee: Operator) -> None:
    directory = Path(cli.callback.__code__.co_filename).parent  # type: ignore[union-attr]
    for name, row in COMMANDS.items():
        if (directory / f"{row.module}.py").exists():
            done = janee(name, "--help")
            assert done.code == 0, name
            assert done.out.startswith("Usage: janee"), name


def test_a_variable_stands_for_a_flag(janee: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    janee.ok("init")
    monkeypatch.setenv("JANEE_JSON", "1")
    assert janee.ok("list").json == {"services": [], "capabilities": []}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(janee: Operator, shell: str) -> None:
    assert "_JANEE_COMPLETE" in janee.ok("completion", shell).out


def test_run_gives_a_number_never_raises_system_exit() -> None:
    assert run(["--version"]) == 0
