"""`passEnv` from end to end: what the operator named reaches the command, nothing else of the Runner's environment does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runner.rig import CONFIG, SECRET, Rig, free_port

PASSING = "    passEnv: [TZ, GITHUB_REF_NAME, LANG]\n    timeout: 20000\n"


@pytest.fixture(scope="module")
def passing(strict_sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    root = tmp_path_factory.mktemp("passing")
    rig = Rig(root, free_port())
    try:
        (root / "home").mkdir()
        rig.janee("init")
        config = CONFIG.format(port=free_port()).replace("    timeout: 20000\n", PASSING, 1)
        (root / "janee" / "config.yaml").write_text(config)
        rig.janee("service", "set-secret", "svc", "--from-stdin", stdin=SECRET)
        rig.start_authority()
        yield rig
    finally:
        rig.close()


def test_what_is_named_and_set_reaches_the_command(passing: Rig) -> None:
    own = {"TZ": "Europe/Berlin", "LANG": "de_DE.UTF-8", "CI": "true", "NODE_OPTIONS": "--require=/tmp/x", "PAGER": "evil"}
    with passing.runner(env=own) as client:
        lines = client.exec("env")["stdout"].splitlines()
        assert "TZ=Europe/Berlin" in lines and "LANG=de_DE.UTF-8" in lines
        assert not [line for line in lines if line.startswith(("CI=", "NODE_OPTIONS=", "PAGER=", "GITHUB_REF_NAME="))]
        workspace = passing.root / "work"
        workspace.mkdir()
        unnamed = client.exec("sh", "-c", "env", capability="work", cwd=str(workspace))
        assert unnamed["exitCode"] == 0 and "TZ=" not in unnamed["stdout"]


def test_a_value_of_another_form_refuses_the_command_and_is_recorded(passing: Rig) -> None:
    with passing.runner(env={"TZ": ":/etc/shadow"}) as client:
        result = client.exec("true")
    assert result["isError"] is True and "ENVIRONMENT_REFUSED" in str(result) and "/etc/shadow" not in str(result)


def test_another_name_is_no_valid_configuration(passing: Rig) -> None:
    path = passing.root / "janee" / "config.yaml"
    text = path.read_text()
    other = passing.root / "other.yaml"
    other.write_text(text.replace("passEnv: [TZ", "passEnv: [LD_PRELOAD, TZ"))
    with pytest.raises(AssertionError, match="LD_PRELOAD"):
        passing.janee("explain", "run", "--config", str(other), "--", "true")
