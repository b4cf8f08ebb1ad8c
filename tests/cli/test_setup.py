"""The set-up commands, end to end over configuration, store and audit log."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from janee.authority.store import Store
from janee.config.file import edit_config, load_config
from janee.config.schema import DEFAULT_AGENTS, AnyOf, ArgvRule, Match
from janee.secret import Secret
from tests.cli.support import Operator

SECRET = "ghp_hidden_value"


def files(janee: Operator) -> bytes:
    return b"".join(path.read_bytes() for path in janee.root.rglob("*") if path.is_file())


# --- init


def test_init_makes_everything_and_says_where(janee: Operator) -> None:
    done = janee.ok("init", "--json").json
    assert done["created"] is True
    assert done["config"] == str(janee.home.config_file)
    assert Path(done["masterKey"]).exists()
    assert not Path(done["masterKey"]).is_relative_to(janee.home.path)
    assert "next:" in janee.ok("init").out
    assert janee.ok("audit", "verify").out.startswith("intact")


def test_init_again_changes_nothing(ready: Operator) -> None:
    before = ready.home.config_file.read_bytes()
    assert ready.ok("init", "--json").json["created"] is False
    assert ready.home.config_file.read_bytes() == before
    with Store.open(ready.home) as store:
        assert store.secret("gh", "key") == Secret(SECRET)


def test_init_refuses_a_home_that_others_enter(janee: Operator) -> None:
    janee.home.path.mkdir(mode=0o755)
    done = janee("init")
    assert done.code == 1
    assert "chmod 700" in done.err


def test_init_refuses_a_key_inside_the_home(janee: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JANEE_MASTER_KEY_FILE", str(janee.home.path / "key"))
    done = janee("init")
    assert done.code == 1
    assert "beside what it encrypts" in done.err
    assert not (janee.home.path / "key").exists()


def test_every_command_before_init_says_init(janee: Operator) -> None:
    for arguments in (
        ("list",),
        ("service", "list"),
        ("capability", "add", "x", "--service", "y"),
        ("runner", "add", "x"),
        ("agent", "add", "x"),
        ("audit", "tail"),
        ("audit", "verify"),
        ("config", "check"),
    ):
        done = janee(*arguments)
        assert done.code in (1, 2), arguments
        assert "janee init" in done.err, arguments


# --- service


def test_a_service_is_added_with_its_credential_in_no_file(ready: Operator) -> None:
    service = ready.config.services["gh"]
    assert (service.base_url, service.auth.secret_fields) == ("https://api.github.com", ("key",))
    with Store.open(ready.home) as store:
        assert store.secret("gh", "key") == Secret(SECRET)
    assert SECRET.encode() not in files(ready)
    assert [record["event"] for record in ready.records()][-1] == "service.added"


def test_basic_and_headers_take_one_line_each(ready: Operator) -> None:
    ready.ok(
        *("service", "add", "reg", "-u", "https://reg.example", "--auth-type", "basic", "--username", "bob", "--from-stdin"),
        stdin="correct horse\n",
    )
    ready.ok(
        *("service", "add", "two", "-u", "https://two.example", "--auth-type", "basic", "--from-stdin"),
        stdin="bob\nlong horse\n",
    )
    headers = ("--auth-type", "headers", "--header", "X-Key", "--header", "X-Account")
    ready.ok("service", "add", "h", "-u", "https://h.example", *headers, "--from-stdin", stdin="key-value\naccount-1\n")
    with Store.open(ready.home) as store:
        stored = {
            (name, field): store.secret(name, field).expose()
            for name in ("reg", "two", "h")
            for field in store.secret_fields(name)
        }
    assert stored == {
        ("reg", "username"): b"bob",
        ("reg", "password"): b"correct horse",
        ("two", "username"): b"bob",
        ("two", "password"): b"long horse",
        ("h", "X-Key"): b"key-value",
        ("h", "X-Account"): b"account-1",
    }


def test_a_key_in_the_query_and_an_aws_key(ready: Operator) -> None:
    asked = ("--auth-type", "query", "--param", "api_key")
    ready.ok("service", "add", "q", "-u", "https://q.example", *asked, "--from-stdin", stdin="key-value\n")
    signed = ("--auth-type", "aws-sigv4", "--session", "--region", "eu-west-1", "--aws-service", "s3")
    lines = "AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI\nFwoGZXIvYXdzEXAMPLE\n"
    ready.ok("service", "add", "a", "-u", "https://s3.example", *signed, "--from-stdin", stdin=lines)
    services = load_config(ready.home.config_file).services
    assert services["q"].auth.options == {"param": "api_key"}
    assert services["a"].auth.secret_fields == ("accessKeyId", "secretAccessKey", "sessionToken")
    assert services["a"].auth.options == {"region": "eu-west-1", "service": "s3"}
    with Store.open(ready.home) as store:
        assert store.secret("a", "sessionToken") == Secret("FwoGZXIvYXdzEXAMPLE")


def test_a_database_and_a_capability_that_needs_no_variable(ready: Operator) -> None:
    database = ("-u", "postgres://db.example/shop", "--auth-type", "postgres", "--username", "app")
    ready.ok("service", "add", "db", *database, "--ssl-mode", "verify-full", "--from-stdin", stdin="pass-word\n")
    service = load_config(ready.home.config_file).services["db"]
    assert (service.auth.secret_fields, service.auth.options) == (("username", "password"), {"sslMode": "verify-full"})
    with Store.open(ready.home) as store:
        assert (store.secret("db", "username"), store.secret("db", "password")) == (Secret("app"), Secret("pass-word"))
    added = ready.ok("capability", "add", "sql", "--service", "db", "--mode", "exec", "--allow-command", "psql")
    assert "get no credential" not in added.err
    assert "get no credential" in ready.ok("capability", "edit", "sql", "--delivery", "env").err


def test_a_capability_gives_no_credential_away_unless_it_is_told_to(ready: Operator) -> None:
    common = ("--service", "gh", "--mode", "exec", "--env", "T={{credential}}", "--allow-command", "true x")
    ready.ok("capability", "add", "quiet", *common)
    ready.ok("capability", "add", "loud", *common, "--delivery", "env")
    capabilities = load_config(ready.home.config_file).capabilities
    assert (capabilities["quiet"].delivery, capabilities["loud"].delivery) == ("secretless", "env")
    listed = ready.ok("capability", "list").out
    assert "exec, secretless" in listed and "exec, env" in listed


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (("--from-stdin", "--auth-type", "query"), "x", "--param and --auth-type query belong together"),
        (("--from-stdin", "--param", "k"), "x", "--param and --auth-type query belong together"),
        (("--from-stdin", "--region", "eu"), "x", "are for --auth-type aws-sigv4"),
        (("--from-stdin", "--ssl-mode", "disable"), "x", "--ssl-mode is for --auth-type postgres"),
        (("--from-stdin",), "", "stdin is empty"),
        (("--from-stdin",), "hunter2\n", "fewer than 8 bytes"),
        (("--from-stdin",), "good-value\r\nInjected: x\n", "line break"),
        (("--from-stdin",), " padded-value\n", "begins or ends with a blank"),
        (("--from-stdin", "--auth-type", "basic"), "one line\n", "stdin holds 1 lines, 2 are needed"),
        (("--from-stdin", "--auth-type", "headers"), "x", "--header and --auth-type headers belong together"),
        (("--from-stdin", "--header", "X-A"), "x", "--header and --auth-type headers belong together"),
        ((), "typed-value", "no terminal"),
        (("--from-stdin", "--base-url", "https://u:hidden-pw@x"), "good-value", "must not hold a user name"),
        (("--from-stdin", "--host", "a b"), "good-value", "must be a host"),
    ],
)
def test_a_bad_service_changes_nothing(ready: Operator, arguments: tuple[str, ...], stdin: str, says: str) -> None:
    before = (ready.home.config_file.read_bytes(), len(ready.records()))
    done = ready("service", "add", "bad", "--base-url", "https://bad.example", *arguments, stdin=stdin)
    assert done.code == 2
    assert says in done.err
    assert "good-value" not in done.err
    assert "hidden-pw" not in done.err
    assert (ready.home.config_file.read_bytes(), len(ready.records())) == before
    with Store.open(ready.home) as store:
        assert store.secret_fields("bad") == ()


def test_a_short_credential_must_be_allowed_and_never_below_four_bytes(ready: Operator) -> None:
    add = ("service", "add", "pin", "-u", "https://pin.example", "--from-stdin", "--min-secret-length")
    assert "fewer than 4 bytes" in ready(*add, "4", stdin="123\n").err
    assert ready(*add, "3", stdin="1234\n").code == 2
    assert "hit other text" in ready.ok(*add, "4", stdin="1234\n").err
    assert ready.config.services["pin"].auth.min_secret_bytes == 4
    ready.ok("service", "set-secret", "pin", "--from-stdin", stdin="4321\n")
    assert "fewer than 4 bytes" in ready("service", "set-secret", "pin", "--from-stdin", stdin="432\n").err


def test_a_service_is_not_added_twice(ready: Operator) -> None:
    done = ready("service", "add", "gh", "-u", "https://evil.example", "--from-stdin", stdin="other-value")
    assert done.code == 2
    assert "exists already" in done.err
    assert ready.config.services["gh"].base_url == "https://api.github.com"


def test_a_secret_can_be_set_later_and_replaced(ready: Operator) -> None:
    assert "set-secret late" in ready.ok("service", "add", "late", "-u", "https://l.example", "--no-secret").err
    assert "missing: key" in ready.ok("service", "list").out
    ready.ok("service", "set-secret", "late", "--from-stdin", stdin="value-one\n")
    ready.ok("service", "set-secret", "late", "--field", "key", "--from-stdin", stdin="value-two\n")
    with Store.open(ready.home) as store:
        assert store.secret("late", "key") == Secret("value-two")
    assert ready("service", "set-secret", "none", "--from-stdin", stdin="x").code == 2
    assert "it has: key" in ready("service", "set-secret", "late", "--field", "nope", "--from-stdin", stdin="x").err


def test_a_service_is_edited_and_removed(ready: Operator) -> None:
    ready.ok("service", "edit", "gh", "--host", "*.github.com", "--allow-private", "--test-path", "/user")
    service = ready.config.services["gh"]
    assert (service.hosts, service.allow_private, service.test_path) == (("*.github.com",), True, "/user")
    ready.ok("service", "edit", "gh", "--clear-hosts", "--no-allow-private")
    assert (ready.config.services["gh"].hosts, ready.config.services["gh"].allow_private) == ((), False)
    assert ready("service", "edit", "gh").code == 2
    ready.ok("capability", "add", "c", "--service", "gh")
    done = ready("service", "remove", "gh")
    assert (done.code, "is used by: c" in done.err) == (2, True)
    ready.ok("capability", "remove", "c")
    assert ready.ok("service", "remove", "gh", "--json").json == {"ok": True, "service": "gh", "removed": True, "secrets": []}
    assert dict(ready.config.services) == {}
    with Store.open(ready.home) as store:
        assert store.secret_fields("gh") == ()


def test_a_secret_is_asked_for_without_echo(ready: Operator) -> None:
    """On a real terminal: what is typed never comes back."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "janee", "service", "set-secret", "gh"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: os.login_tty(slave) if hasattr(os, "login_tty") else None,
    )
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 30
    typed = False
    while child.poll() is None and time.monotonic() < deadline:
        if not select.select([master], [], [], 0.05)[0]:
            continue
        try:
            shown += os.read(master, 4096)
        except OSError:
            break
        if b"key: " in shown and not typed:
            os.write(master, b"typed-by-hand\n")
            typed = True
    assert child.wait(30) == 0
    os.close(master)
    assert typed
    assert b"typed-by-hand" not in shown
    with Store.open(ready.home) as store:
        assert store.secret("gh", "key") == Secret("typed-by-hand")


# --- capability


def test_a_capability_with_everything(ready: Operator) -> None:
    ready.ok(
        *("capability", "add", "git", "--service", "gh", "--mode", "exec"),
        *(
            "--allow-command",
            "git status",
            "--allow-command",
            '{argv: [git, push, {match: "[a-z]+"}, {in: [a, b]}], rest: any}',
        ),
        *("--env", "GH_TOKEN={{credential}}", "--env", "MODE=a=b", "--agent", "creature:patch", "--agent", "local"),
        *("--workspace", "write", "--work-dir", "/srv", "--timeout", "5000", "--rate-limit", "10/m", "--ttl", "1h"),
        *(
            "--requires-reason",
            "--no-auto-approve",
            "--min-sandbox",
            "landlock",
            "--network",
            "a.example:22",
            "--access",
            "restricted",
        ),
    )
    git = ready.config.capabilities["git"]
    assert git.allow_commands == (
        ArgvRule(("git", "status"), is_prefix=True),
        ArgvRule(("git", "push", Match("[a-z]+"), AnyOf(frozenset("ab"))), rest=True),
    )
    assert dict(git.env) == {"GH_TOKEN": "{{credential}}", "MODE": "a=b"}
    assert (git.allowed_agents, git.timeout_ms, git.ttl_s, git.min_sandbox) == (
        ("creature:patch", "local"),
        5000,
        3600,
        "landlock",
    )
    assert (git.requires_reason, git.auto_approve, git.network) == (True, False, ("a.example:22",))
    record = ready.records()[-1]
    assert (record["event"], record["capability"], record["operator"]) == ("capability.added", "git", f"uid:{os.getuid()}")
    shown = ready.ok("capability", "show", "git", "--json").json
    assert shown["policyHash"] == record["policyHash"]
    assert shown["allowCommands"][0] == "git status"
    assert "policyHash" in ready.ok("capability", "show", "git").out


def test_the_default_agents_are_exactly_two_and_said(ready: Operator) -> None:
    done = ready.ok("capability", "add", "c", "--service", "gh", "--allow", "get /user")
    assert ready.config.capabilities["c"].allowed_agents == DEFAULT_AGENTS
    assert "local and runner:default only" in done.err
    ready.ok("capability", "add", "d", "--service", "gh", "--access", "open")
    assert ready.config.capabilities["d"].allowed_agents == ()


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        (("--allow-command", "frobnicate", "--env", "T={{credential}}"), "there is no profile of this tool"),
        (("--mode", "exec"), "it allows no command yet"),
        (("--allow-command", "git status"), "its commands get no credential"),
        (("--mode", "proxy"), "it allows no request yet"),
    ],
)
def test_what_an_operator_may_not_expect_is_warned_about(ready: Operator, arguments: tuple[str, ...], warning: str) -> None:
    done = ready.ok("capability", "add", "c", "--service", "gh", *arguments, "--json")
    assert warning in done.err
    assert any(warning in text for text in done.json["warnings"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--service", "none"),
        ("--service", "gh", "--allow-command", "{argv: ["),
        ("--service", "gh", "--allow-command", "{argv: [git, {match: '('}]}"),
        ("--service", "gh", "--allow", "nonsense"),
        ("--service", "gh", "--env", "NOEQUALS"),
        ("--service", "gh", "--mode", "exec", "--env", "LD_PRELOAD=/tmp/x.so"),
        ("--service", "gh", "--mode", "exec", "--env", "T={{nonsense}}"),
        ("--service", "gh", "--agent", "a b"),
        ("--service", "gh", "--rate-limit", "lots"),
        ("--service", "gh", "--ttl", "soon"),
        ("--service", "gh", "--timeout", "0"),
        ("--service", "gh", "--work-dir", "relative"),
    ],
)
def test_a_bad_capability_changes_nothing_and_is_not_audited_as_added(ready: Operator, arguments: tuple[str, ...]) -> None:
    before = (ready.home.config_file.read_bytes(), len(ready.records()))
    done = ready("capability", "add", "bad", *arguments)
    assert done.code == 2
    assert "janee: hint: " in done.err
    assert (ready.home.config_file.read_bytes(), len(ready.records())) == before


def test_an_edit_adds_to_lists_and_clears_by_name(ready: Operator) -> None:
    """The next steps that denials name (`… edit NAME --agent X`) must not take anything from others."""
    ready.ok("capability", "add", "c", "--service", "gh", "--agent", "a", "--allow", "GET /a", "--deny", "GET /secret")
    ready.ok("capability", "edit", "c", "--agent", "b", "--agent", "a", "--allow", "GET /b", "--timeout", "7", "--env", "K=v")
    c = ready.config.capabilities["c"]
    assert (c.allowed_agents, c.rules.allow, c.rules.deny) == (("a", "b"), ("GET /a", "GET /b"), ("GET /secret",))
    assert (c.timeout_ms, dict(c.env)) == (7, {"K": "v"})
    ready.ok("capability", "edit", "c", "--clear-agents", "--agent", "z", "--clear-rules", "--clear-env")
    c = ready.config.capabilities["c"]
    assert (c.allowed_agents, c.rules.allow, dict(c.env)) == (("z",), (), {})
    assert ready("capability", "edit", "c").code == 2
    assert "known: c" in ready("capability", "edit", "nope", "--timeout", "5").err


def test_comments_survive_commands(ready: Operator) -> None:
    file = ready.home.config_file
    file.write_text(file.read_text().replace("  gh:\n", "  gh:  # the forge\n") + "# the end\n")
    ready.ok("capability", "add", "c", "--service", "gh")
    assert "# the forge" in file.read_text()
    assert "# the end" in file.read_text()
    assert "Janee's configuration" in file.read_text()


def test_an_unauditable_change_does_not_happen(ready: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("janee.authority._database.BUSY_TIMEOUT_MS", 50)
    import sqlite3

    before = ready.home.config_file.read_bytes()
    blocker = sqlite3.connect(ready.home.state_db, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    done = ready("capability", "add", "c", "--service", "gh")
    blocker.execute("ROLLBACK")
    blocker.close()
    assert done.code == 1
    assert ready.home.config_file.read_bytes() == before


def test_two_operators_at_once_lose_nothing(ready: Operator) -> None:
    def add(name: str) -> None:
        arguments = [sys.executable, "-m", "janee", "capability", "add", name, "--service", "gh", "--allow", "GET /x"]
        results.append(subprocess.run(arguments, capture_output=True, timeout=120, check=False).returncode)

    results: list[int] = []
    threads = [threading.Thread(target=add, args=(f"c{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert results == [0] * 4
    assert set(ready.config.capabilities) == {f"c{number}" for number in range(4)}
    assert ready.ok("audit", "verify").code == 0


def test_the_overview_shows_services_and_capabilities(ready: Operator) -> None:
    ready.ok("capability", "add", "c", "--service", "gh", "--allow", "GET /x")
    shown = ready.ok("list", "--json").json
    assert [service["name"] for service in shown["services"]] == ["gh"]
    assert shown["services"][0]["missing"] == []
    assert [capability["name"] for capability in shown["capabilities"]] == ["c"]
    text = ready.ok("list").out
    assert "GET /x" in text
    assert "local, runner:default" in text


def test_the_originals_spellings_work(ready: Operator) -> None:
    ready.ok("add", "reg", "-u", "https://reg.example", "--from-stdin", stdin="value-value")
    ready.ok(
        "cap", "add", "c", "-s", "reg", "--allowed-agents", "x", "--allow-commands", "git status", "--env-map", "K={{apiKey}}"
    )
    c = ready.config.capabilities["c"]
    assert (c.allowed_agents, c.mode.value, dict(c.env)) == (("x",), "exec", {"K": "{{apiKey}}"})
    ready.ok("cap", "remove", "c", "-y")
    assert ready.ok("logs", "-n", "1").out.count("\n") == 1


# --- runner, agent


def test_a_runner_key_is_printed_once_and_stored_sealed(ready: Operator) -> None:
    from janee.seal import stretch_key

    done = ready.ok("runner", "add", "web", "--agents", "creature:*")
    key = done.out.strip()
    assert key.startswith("jnr.web.")
    assert key.encode() not in files(ready)
    with Store.open(ready.home) as store:
        stored = store.runner_key("web")
    assert stored is not None
    assert stored.key.mac_key == stretch_key(Secret(key)).mac_key
    assert stored.agents == ("creature:*",)
    assert key not in json.dumps(ready.records())
    assert key not in ready.ok("runner", "list", "--json").out


def test_a_runner_is_rotated_edited_and_revoked(ready: Operator) -> None:
    ready.ok("runner", "add", "web", "--agents", "a")
    assert "has a key already" in ready("runner", "add", "web").err
    assert ready.ok("runner", "add", "web", "--rotate", "--json").json["agents"] == ["a"]
    ready.ok("runner", "edit", "web", "--agents", "b", "--agents", "c:*")
    assert ready.ok("runner", "list", "--json").json[0]["agents"] == ["b", "c:*"]
    ready.ok("runner", "revoke", "web")
    assert ready("runner", "revoke", "web").code == 2
    assert ready("runner", "edit", "web", "--agents", "x").code == 2  # it does not come back by the back door
    assert ready.ok("runner", "list", "--json").json[0]["revoked"]
    events = [record["event"] for record in ready.records() if record["event"].startswith("runner.")]
    assert events == ["runner.added", "runner.added", "runner.changed", "runner.revoked"]


@pytest.mark.parametrize("name", ["", "Web", "a b", "a.b", "-a", "x" * 64, "a/b"])
def test_a_bad_runner_name_is_refused(ready: Operator, name: str) -> None:
    assert ready("runner", "add", "--", name).code == 2
    assert ready.ok("runner", "list", "--json").json == []


def test_an_agent_token_is_printed_once_and_not_stored(ready: Operator) -> None:
    token = ready.ok("agent", "add", "creature:patch").out.strip()
    assert token.startswith("jat_")
    assert token.encode() not in files(ready)
    with Store.open(ready.home) as store:
        agent = store.agent_by_token(Secret(token))
    assert agent is not None
    assert agent.agent_id == "creature:patch"
    assert "has a token already" in ready("agent", "add", "creature:patch").err
    renewed = ready.ok("agent", "add", "creature:patch", "--rotate", "--json").json["token"]
    with Store.open(ready.home) as store:
        assert store.agent_by_token(Secret(token)) is None
        assert store.agent_by_token(Secret(renewed)) is not None


def test_an_agent_is_revoked_and_admitted_again(ready: Operator) -> None:
    ready.ok("agent", "add", "a")
    ready.ok("agent", "revoke", "a")
    ready.ok("agent", "revoke", "never-seen")
    assert "revoked already" in ready("agent", "revoke", "a").err
    rows: list[dict[str, Any]] = ready.ok("agent", "list", "--json").json
    assert [(row["id"], row["token"], bool(row["revoked"])) for row in rows] == [("a", True, True), ("never-seen", False, True)]
    ready.ok("agent", "add", "a")
    assert ready.ok("agent", "list", "--json").json[0]["revoked"] is None


@pytest.mark.parametrize("agent_id", ["local", "runner:default", "runner:x", "", "a b", "a*", "x" * 129, "a\nb"])
def test_a_reserved_or_bad_agent_id_is_refused(ready: Operator, agent_id: str) -> None:
    assert ready("agent", "add", "--", agent_id).code == 2


# --- config


def test_config_check_names_the_line(ready: Operator, tmp_path: Path) -> None:
    assert ready.ok("config", "path").out.strip() == str(ready.home.config_file)
    assert ready.ok("config", "check", "--json").json["services"] == 1
    other = tmp_path / "other.yaml"
    other.write_text("services:\n  x:\n    bad: 1\n")
    other.chmod(0o600)
    done = ready("config", "check", str(other))
    assert done.code == 2
    assert f"{other}:3: " in done.err


def test_an_edit_by_hand_and_a_command_do_not_cross(ready: Operator) -> None:
    with edit_config(ready.home.config_file) as root:
        root["services"]["gh"]["testPath"] = "/user"
    ready.ok("service", "edit", "gh", "--allow-private")
    service = ready.config.services["gh"]
    assert (service.test_path, service.allow_private) == ("/user", True)
