"""Secretless by every way to an Authority; the delivery `file`; and what a Runner without network namespaces says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.secretless import CONFIG, CREDENTIAL, Place, Way, place
from tests.e2e.test_secretless_tools import Api


@pytest.fixture(params=[Way.TLS, Way.ALONE])
def way(request: pytest.FixtureRequest, strict_sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp(str(request.param)), Api, way=request.param) as opened:
        yield opened


def test_a_request_goes_through(way: Place) -> None:
    done = way.sh(f'for n in 1 2 3; do curl -sS -H "Authorization: Bearer $TOKEN" {way.url}/$n; done')
    assert done["exitCode"] == 0 and done["stdout"].count('"method": "GET"') == 3, done
    assert (way.authorized, way.holders) == (3, set())


def test_a_file_holds_the_credential_for_the_command_alone(
    strict_sandbox: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = CONFIG.replace("    env: {{TOKEN", "    delivery: file\n    env: {{TOKEN")
    with place(tmp_path_factory.mktemp("file"), Api, config=config) as opened:
        script = 'stat -c "%a %U" "$TOKEN"; wc -c < "$TOKEN"; cat "$TOKEN"; case "$TOKEN" in /home/*) echo ok;; esac'
        done = opened.client.exec("sh", "-c", script, cwd=str(opened.workspace))
        assert "stdout" in done, done
        lines = done["stdout"].splitlines()
        assert lines == ["600 sandbox", str(len(CREDENTIAL)), "[REDACTED]ok"], done
        assert CREDENTIAL not in str(done) and done["scrubHits"] == 1


@pytest.mark.parametrize("delivery", ["secretless", "file"])
def test_a_level_without_a_private_network_and_root_is_refused_and_says_what_to_do(
    delivery: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = CONFIG.replace("    env: {{TOKEN", f"    delivery: {delivery}\n    minSandbox: off\n    env: {{{{TOKEN")
    with place(tmp_path_factory.mktemp("off"), Api, level="off", config=config) as opened:
        result = opened.client.exec("sh", "-c", "echo ran")
        assert result["isError"] and "ran" not in result.get("stdout", "")
        assert "strict" in result["nextStep"], result
