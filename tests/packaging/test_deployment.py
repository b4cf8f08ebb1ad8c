"""Units, images, compose file and manifests: they parse, are as narrow as they say, and name only options that exist."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.runner.rig import free_port

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
MAX_EXPOSURE = 2.0


def _yaml(name: str) -> list[dict[str, Any]]:
    return [part for part in YAML(typ="safe").load_all((PACKAGING / name).read_text()) if part]


def _unit(name: str) -> dict[str, list[str]]:
    text = (PACKAGING / "systemd" / name).read_text().replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", text, re.M):
        found.setdefault(key, []).append(value)
    return found


def _image(name: str) -> list[tuple[str, str]]:
    lines = (PACKAGING / f"Dockerfile.{name}").read_text().replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line and not line.startswith("#"))]


def _entry(name: str) -> list[str]:
    return list(json.loads(next(rest for word, rest in _image(name) if word == "ENTRYPOINT")))


def _command_lines() -> list[list[str]]:
    (compose,) = _yaml("compose.yaml")
    services = compose["services"]
    found = [shlex.split(_unit(f"janee-{name}.service")["ExecStart"][0])[1:] for name in ("authority", "runner")]
    found += [_entry("authority")[1:] + services["authority"]["command"]]
    found += [_entry("runner")[1:] + services[name]["command"] for name in ("runner-1", "runner-2")]
    for part in _yaml("kubernetes.yaml"):
        pod = part["spec"].get("template", part)["spec"] if part["kind"] in ("Deployment", "Pod") else {}
        for container in pod.get("containers", ()):
            if container["image"].startswith("janee-"):
                found.append(_entry(container["image"].removeprefix("janee-"))[1:] + container["args"])
    return found


@pytest.mark.parametrize("line", _command_lines(), ids=" ".join)
def test_every_option_exists(line: list[str]) -> None:
    def parses(*arguments: str) -> bool:
        command = [sys.executable, "-m", "janee.cli.main", *arguments, "--help"]
        return subprocess.run(command, capture_output=True, timeout=60, cwd=ROOT).returncode == 0

    there = [word if not word.startswith(("%d", "/run/secrets")) else "/dev/null" for word in line]
    assert parses(*[word if word != "/srv/work" and word != "/work" else "/tmp" for word in there])
    assert not parses(line[0], "--no-such-option")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_authoritys_unit_is_narrow() -> None:
    path = PACKAGING / "systemd" / "janee-authority.service"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(path)], capture_output=True, text=True, timeout=60
    )
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MAX_EXPOSURE
    assert found[1] in (ROOT / "docs" / "install.md").read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["janee-authority.service", "janee-runner.service"])
def test_units_have_no_unknown_setting(name: str, tmp_path: Path) -> None:
    unit = tmp_path / name  # with a program that is there: nothing is installed in /usr/bin here
    unit.write_text((PACKAGING / "systemd" / name).read_text().replace("/usr/bin/janee", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert name not in done.stderr, done.stderr


def test_the_authority_serves_as_its_unit_says(tmp_path: Path) -> None:
    unit, port = _unit("janee-authority.service"), free_port()
    (tmp_path / "keys").mkdir(mode=0o700)
    for name, key in (("runner-key", "a-key-that-is-long-enough-for-a-runner"),):
        (tmp_path / "keys" / name).write_text(key)
        (tmp_path / "keys" / name).chmod(0o400)
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "janee").symlink_to("private")  # as DynamicUser= makes /var/lib/janee
    (tmp_path / "janee-anchor").mkdir(mode=0o700)
    assert unit["StateDirectory"] == ["janee janee-anchor"]

    def filled(text: str) -> str:
        return text.replace("%d", str(tmp_path / "keys")).replace("%S", str(tmp_path)).replace("9700", str(port))

    env = dict(word.partition("=")[::2] for word in filled(unit["Environment"][0]).split())
    env |= {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "none")}
    setup = subprocess.run(
        [sys.executable, "-m", "janee.cli.main", "init"], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert setup.returncode == 0, setup.stderr
    argv = [sys.executable, "-m", "janee.cli.main", *shlex.split(filled(unit["ExecStart"][0]))[1:]]
    with subprocess.Popen(argv, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as authority:
        try:
            assert _health(port, authority) == 200
            assert {path.name for path in tmp_path.iterdir()} == {"keys", "janee", "private", "janee-anchor"}
        finally:
            authority.terminate()


def _health(port: int, authority: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert authority.poll() is None, authority.stderr and authority.stderr.read()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("the authority did not answer")


@pytest.mark.parametrize("name", ["authority", "runner"])
def test_images_end_as_an_ordinary_user_and_copy_no_secret(name: str) -> None:
    image = _image(name)
    users = [rest for word, rest in image if word == "USER"]
    assert users and users[-1].isdigit() and int(users[-1]) >= 1000
    assert {"HEALTHCHECK", "ENTRYPOINT"} <= {word for word, _ in image}
    for word, rest in image:
        if word == "COPY" and "--from" not in rest:
            assert all((ROOT / source).exists() for source in rest.split()[:-1]), rest
        if word in ("ENV", "ARG"):
            assert all("_FILE=" in pair for pair in rest.split() if "KEY" in pair), rest


def test_compose_gives_no_container_more_than_it_needs() -> None:
    (compose,) = _yaml("compose.yaml")
    for name, service in compose["services"].items():
        assert "privileged" not in service and not service.get("cap_add"), name
        assert not any("docker.sock" in str(volume) for volume in service.get("volumes", ()))
        if name != "database":
            assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
            assert "no-new-privileges" in service["security_opt"], name
    assert "services" not in compose["services"]["runner-1"]["networks"]
    assert compose["services"]["database"]["networks"] == ["services"]
    named = {secret if isinstance(secret, str) else secret["source"] for service in compose["services"].values()
             for secret in service.get("secrets", ())}  # fmt: skip
    assert named == set(compose["secrets"])


def test_no_pod_is_privileged() -> None:
    for part in _yaml("kubernetes.yaml"):
        assert {"apiVersion", "kind", "metadata"} <= set(part)
        pod = part["spec"].get("template", part)["spec"] if part["kind"] in ("Deployment", "Pod") else None
        if pod is None:
            continue
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False and context["capabilities"] == {"drop": ["ALL"]}
            assert "privileged" not in context
            if container["image"].startswith("janee-"):
                assert context["readOnlyRootFilesystem"] is True
                assert (context.get("runAsNonRoot") or pod["securityContext"]["runAsNonRoot"]) is True


@pytest.mark.skipif(
    not Path("/usr/share/containers/seccomp.json").exists(), reason="golang-github-containers-common is missing"
)
def test_the_seccomp_profile_is_the_one_that_is_made() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "script" / "containers"), "--profile"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert json.loads(made.stdout) == json.loads((PACKAGING / "seccomp.json").read_text())


@pytest.mark.skipif(os.getuid() != 0, reason="containers are made by root")
@pytest.mark.skipif(shutil.which("runc") is None, reason="runc is not installed")
@pytest.mark.skipif(
    not Path("/usr/share/containers/seccomp.json").exists(), reason="golang-github-containers-common is missing"
)
def test_the_table_of_containers_is_true() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "script" / "containers"), "--check"], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr + done.stdout
