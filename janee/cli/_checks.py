"""What `janee doctor` looks at, one function for each thing.

Guarantees: a check never stops the others: what it raises on purpose becomes its FAIL, with the error's own hint as remedy. It
changes nothing.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from janee.cli._clashes import REMEDY, stored_clashes
from janee.cli._home import compiled
from janee.config.file import JaneeHome, load_config
from janee.config.home import verify_private_directory
from janee.config.schema import ArgvRule, AuthType, Capability, Config, Delivery, Mode, Service
from janee.errors import JaneeError

OLDEST_PYTHON: Final = (3, 11)
LOW_DISK_BYTES: Final = 200 << 20
CLOCK_TOLERANCE_S: Final = 5.0


class Status(StrEnum):
    PASS = "PASS"  # noqa: S105
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    status: Status
    detail: str
    remedy: str = ""


Checker = Callable[[JaneeHome], Iterator[Check]]


def run_checks(home: JaneeHome, *, with_sandbox: bool) -> tuple[Check, ...]:
    """All checks, in the order in which their findings are best mended."""
    checkers: tuple[tuple[str, Checker], ...] = (
        ("python", _python),
        ("home", _home),
        ("config", _config),
        ("state", _state),
        ("audit", _audit),
        ("secrets", _secrets),
        ("clock", _clock),
        ("disk", _disk),
        *((("sandbox", _sandbox),) if with_sandbox else ()),
    )
    return tuple(check for name, checker in checkers for check in _guarded(name, checker, home))


def _guarded(name: str, checker: Checker, home: JaneeHome) -> Iterator[Check]:
    try:
        yield from checker(home)
    except JaneeError as error:
        yield Check(name, Status.FAIL, error.message, error.hint)
    except OSError as error:
        yield Check(name, Status.FAIL, f"{error.filename}: {os.strerror(error.errno or 0).lower()}", "janee init")


def _python(_: JaneeHome) -> Iterator[Check]:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        yield Check("python", Status.FAIL, f"{version} is too old", "install Python 3.11 or newer")
    else:
        yield Check("python", Status.PASS, f"{version} at {sys.executable}")


def _home(home: JaneeHome) -> Iterator[Check]:
    verify_private_directory(home.path)
    yield Check("home", Status.PASS, f"{home.path}, for its owner only")


def _config(home: JaneeHome) -> Iterator[Check]:
    config = load_config(home.config_file)
    compiled(config)
    counts = f"{len(config.services)} services, {len(config.capabilities)} capabilities"
    yield Check("config", Status.PASS, f"{home.config_file} is valid ({counts})")
    for service in config.services.values():
        if _sends_in_clear(service):
            detail = f"service {service.name}: its credential goes over {service.base_url} unencrypted"
            step = f"janee service edit {service.name} --base-url https://…"
            if service.auth.type is AuthType.POSTGRES:
                step = f"remove sslMode: disable of {service.name} from {home.config_file}"
            yield Check("config", Status.WARN, detail, step)
    for capability in config.capabilities.values():
        yield from _capability(config, capability)


def _sends_in_clear(service: Service) -> bool:
    parts = urlsplit(service.base_url)
    host = parts.hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost" or host.endswith(".localhost")
    is_plain = parts.scheme == "http" or service.auth.options.get("sslMode") == "disable"
    return is_plain and not is_loopback


def _capability(config: Config, capability: Capability) -> Iterator[Check]:
    edit = f"janee capability edit {capability.name}"
    open_ended = [rule.argv[0] for rule in capability.allow_commands if isinstance(rule, ArgvRule) and rule.rest]
    if open_ended:
        detail = f"capability {capability.name}: `rest: any` lets {', '.join(map(str, open_ended))} take any further arguments"
        yield Check("config", Status.WARN, detail, "write the arguments out, or accept that the agent chooses them")
    if "*" in capability.allowed_agents or capability.access == "open":
        yield Check(
            "config",
            Status.WARN,
            f"capability {capability.name}: every proven agent may use it",
            f"{edit} --clear-agents --agent ID",
        )
    if capability.mode is Mode.EXEC and capability.min_sandbox != "strict":
        detail = f"capability {capability.name}: the sandbox may be as weak as {capability.min_sandbox}"
        yield Check("config", Status.WARN, detail, f"{edit} --min-sandbox strict")
    if capability.mode is Mode.EXEC and capability.delivery is not Delivery.SECRETLESS:
        detail = f"capability {capability.name}: its commands hold the credential (delivery {capability.delivery.value})"
        yield Check("config", Status.WARN, detail, f"where they speak HTTP: {edit} --delivery secretless")
    if capability.mode is Mode.EXEC and not capability.allow_commands:
        yield Check("config", Status.WARN, f"capability {capability.name}: it allows no command", f"{edit} --allow-command …")


def _state(home: JaneeHome) -> Iterator[Check]:
    from janee.authority.store import Store

    with Store.open(home) as store:
        key = home.key_file(store.store_id)
        yield Check("state", Status.PASS, f"{home.state_db}, store {store.store_id}")
    yield Check("master key", Status.PASS, f"{key}, apart from the home")
    if _same_device(key, home.path) and home.key_override is None:
        detail = "it lies on the same disk as the home: who copies the whole disk has both"
        yield Check(
            "master key", Status.WARN, detail, "hand it over by systemd's LoadCredentialEncrypted, or JANEE_MASTER_KEY_FILE"
        )


def _same_device(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _audit(home: JaneeHome) -> Iterator[Check]:
    from janee.authority.reading import verify_store

    verification = verify_store(home)
    report = verification.report
    if report.finding is not None:
        where = f"record {report.finding.seq}: " if report.finding.seq else ""
        yield Check("audit", Status.FAIL, f"{where}{report.finding.problem}", "see: janee audit verify")
        return
    yield Check("audit", Status.PASS, f"{report.records} records, {report.checkpoints} signed checkpoints, intact")
    if verification.anchor is None:
        detail = "nothing outside the database remembers how far the log had come"
        yield Check("audit", Status.WARN, detail, f"it will from the next record on, in {home.key_dir}")


def _secrets(home: JaneeHome) -> Iterator[Check]:
    from janee.authority.store import Store

    services = load_config(home.config_file).services.values()
    with Store.open(home) as store:
        for service in services:
            stored = store.secret_fields(service.name)
            if missing := [field for field in service.auth.secret_fields if field not in stored]:
                detail = f"service {service.name}: no {', '.join(missing)} stored"
                yield Check("secrets", Status.WARN, detail, f"janee service set-secret {service.name}")
                continue
            for field in service.auth.secret_fields:
                store.secret(service.name, field)  # raises if it cannot be decrypted
    yield Check("secrets", Status.PASS, "what is stored can be decrypted")
    for name in stored_clashes(home):
        yield Check("secrets", Status.WARN, f"the credential of {name} occurs in the configuration", REMEDY)


def _clock(home: JaneeHome) -> Iterator[Check]:
    from janee.authority.reading import as_record, open_for_reading, rows_newest_first

    with open_for_reading(home) as connection:
        newest = next(rows_newest_first(connection), None)
    try:
        recorded = datetime.fromisoformat(str(as_record(newest).get("time"))).timestamp() if newest else 0.0
    except ValueError:
        recorded = 0.0
    ahead = recorded - time.time()
    if ahead > CLOCK_TOLERANCE_S:
        detail = f"it is {ahead:.0f} s behind the newest audit record: it was set back"
        yield Check("clock", Status.FAIL, detail, "set it by NTP: timedatectl set-ntp true")
    else:
        yield Check("clock", Status.PASS, "not behind the audit log; Runners may differ by 60 s")


def _disk(home: JaneeHome) -> Iterator[Check]:
    free = shutil.disk_usage(home.path).free
    if free < LOW_DISK_BYTES:
        detail = f"{free >> 20} MiB left for {home.path}; when it is full, everything is denied"
        yield Check("disk", Status.WARN, detail, "free some space")
    else:
        yield Check("disk", Status.PASS, f"{free >> 30} GiB free")


def _sandbox(_: JaneeHome) -> Iterator[Check]:
    # found by name: the checks of an Authority's machine do not need the package to be whole
    if importlib.util.find_spec("sandbox") is None:
        yield Check("sandbox", Status.FAIL, "the package is not installed", "install janee again")
        return
    import sandbox

    check = getattr(sandbox, "check", None)
    if check is None:
        yield Check("sandbox", Status.WARN, "this build has no sandbox check", "python -m sandbox check")
        return
    for layer in check(sandbox.Level.STRICT):
        status = Status.PASS if layer.ok else Status.FAIL if layer.required else Status.WARN
        yield Check(f"sandbox {layer.name}", status, layer.cause or "applied", layer.remedy or "")
