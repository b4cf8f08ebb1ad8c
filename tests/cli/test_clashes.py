"""A credential that is a word of the configuration is reported where it is stored, used and checked, and never quoted."""

from __future__ import annotations

from tests.cli.support import Operator


def test_a_credential_that_is_a_command_is_warned_of_when_it_is_stored(ready: Operator) -> None:
    said = ready.ok("service", "set-secret", "gh", "--from-stdin", stdin="api.github.com\n")
    assert "the key occurs in the configuration" in said.err
    assert "api.github.com" not in said.err


def test_the_marker_is_no_credential(ready: Operator) -> None:
    assert "occurs" in ready.ok("service", "set-secret", "gh", "--from-stdin", stdin="REDACTED\n").err


def test_a_new_capability_that_names_the_credential_is_warned_of(ready: Operator) -> None:
    arguments = ("--service", "gh", "--mode", "proxy", "--allow", "GET /ghp_hidden_value/*")
    said = ready.ok("capability", "add", "c", *arguments)
    assert "the credential of gh key occurs in the configuration" in said.err
    assert "ghp_hidden_value" not in said.err
    checks = ready("doctor", "--no-sandbox", "--json").json["checks"]
    assert [check["detail"] for check in checks if "occurs" in check["detail"]] == [
        "the credential of gh key occurs in the configuration"
    ]


def test_an_ordinary_credential_is_not_reported(ready: Operator) -> None:
    said = ready.ok("service", "set-secret", "gh", "--from-stdin", stdin="ghp_another_value\n")
    assert "occurs" not in said.err
    assert "occurs" not in ready.ok("capability", "add", "c", "--service", "gh", "--mode", "proxy", "--allow", "GET /x").err
