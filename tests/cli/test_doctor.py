from __future__ import annotations

from typing import Any

import pytest

from janee.authority.store import Store
from tests.cli.support import Operator


def checks(janee: Operator, code: int) -> dict[str, list[dict[str, Any]]]:
    done = janee("doctor", "--no-sandbox", "--json")
    assert done.code == code, done.out
    assert done.json["ok"] is (code == 0)
    result: dict[str, list[dict[str, Any]]] = {}
    for check in done.json["checks"]:
        result.setdefault(check["name"], []).append(check)
        if check["status"] != "PASS":
            assert check["remedy"], check
    return result


def statuses(found: list[dict[str, Any]]) -> list[str]:
    return [check["status"] for check in found]


def test_a_fresh_installation_passes(ready: Operator) -> None:
    found = checks(ready, 0)
    assert {name: statuses(items) for name, items in found.items() if name != "master key"} == {
        name: ["PASS"] for name in ("python", "home", "config", "state", "audit", "secrets", "clock", "disk")
    }
    assert found["master key"][0]["status"] == "PASS"
    text = ready.ok("doctor", "--no-sandbox").out
    assert "PASS  home: " in text


def test_without_a_home_each_finding_names_init(janee: Operator) -> None:
    found = checks(janee, 1)
    assert statuses(found["home"]) == ["FAIL"]
    assert "janee init" in found["home"][0]["remedy"]
    assert found["python"][0]["status"] == "PASS"


@pytest.mark.parametrize(
    ("name", "mode", "check"),
    [(".", 0o755, "home"), ("config.yaml", 0o666, "config"), ("state.db", 0o644, "state")],
)
def test_an_unsafe_mode_fails_with_the_chmod(ready: Operator, name: str, mode: int, check: str) -> None:
    (ready.home.path / name).chmod(mode)
    found = checks(ready, 1)
    assert statuses(found[check]) == ["FAIL"]
    assert "chmod" in found[check][0]["remedy"]


def test_a_missing_or_wrong_key_fails(ready: Operator) -> None:
    key = next(ready.home.key_dir.glob("*.key"))
    key.write_text("AAAA")
    found = checks(ready, 1)
    assert statuses(found["state"]) == statuses(found["audit"]) == ["FAIL"]


def test_a_tampered_log_fails(ready: Operator) -> None:
    import sqlite3

    with sqlite3.connect(ready.home.state_db) as database:
        database.execute("UPDATE audit SET record = replace(record, 'gh', 'xy') WHERE seq = 3")
    database.close()
    found = checks(ready, 1)
    assert "record 3" in found["audit"][0]["detail"]


def test_an_invalid_configuration_fails_with_its_line(ready: Operator) -> None:
    ready.home.config_file.write_text("nonsense: 1\n")
    assert "config.yaml:1: " in checks(ready, 1)["config"][0]["detail"]


def test_what_the_operator_should_know_is_a_warning(ready: Operator) -> None:
    ready.ok("service", "add", "plain", "-u", "http://plain.example", "--no-secret")
    ready.ok("service", "add", "near", "-u", "http://localhost:8080", "--from-stdin", stdin="value-value")
    ready.ok(
        "capability", "add", "any", "-s", "gh", "--allow-command", "{argv: [bash, -c], rest: any}", "--env", "K={{credential}}"
    )
    ready.ok("capability", "add", "open", "-s", "gh", "--mode", "exec", "--agent", "*", "--min-sandbox", "landlock")
    found = checks(ready, 0)
    warnings = [check["detail"] for items in found.values() for check in items if check["status"] == "WARN"]
    for part in (
        "service plain: its credential goes over http://plain.example unencrypted",
        "capability any: `rest: any` lets bash",
        "capability open: every proven agent",
        "capability open: the sandbox may be as weak as landlock",
        "capability open: it allows no command",
        "service plain: no key stored",
    ):
        assert any(part in warning for warning in warnings), part
    assert not any("near" in warning for warning in warnings)


def test_a_clock_behind_the_log_fails(ready: Operator) -> None:
    with Store.open(ready.home, clock=lambda: 4_000_000_000.0) as store, store.transaction() as tx:
        tx.audit("test.event")
    found = checks(ready, 1)
    assert "was set back" in found["clock"][0]["detail"]


def test_the_doctor_changes_nothing(ready: Operator) -> None:
    before = ready.home.config_file.read_bytes(), ready.records()
    checks(ready, 0)
    assert (ready.home.config_file.read_bytes(), ready.records()) == before
