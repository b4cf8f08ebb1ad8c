"""`janee serve`: serve agents over MCP, as a Runner of a remote Authority or alone.

Guarantees: the runner key comes by option, variable or file and is gone from the environment before anything else runs; with
`--sandbox strict` (the default) it refuses to start where a layer is missing; `off` must be asked for by name.
"""

from __future__ import annotations

import os
import pwd
import re
import resource
import socket
import sys
from pathlib import Path

import click
import prctl

import janee
import sandbox
from janee.cli._options import secret_option
from janee.cli._output import note, warn
from janee.config.home import JaneeHome
from janee.errors import JaneeError, UsageError
from janee.passed import FORMS
from janee.secret import Secret
from sandbox import Level

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")


@click.command("serve")
@click.option("--runner", is_flag=True, help="Be a Runner of the Authority at --authority-url.")
@click.option(
    "--authority-url", "--authority", "authority_url", envvar="JANEE_AUTHORITY_URL", help="http(s)://host:port or unix:///path."
)
@secret_option("api-key", variable="JANEE_API_KEY", help="This Runner's key.")
@secret_option("runner-key", variable="JANEE_RUNNER_KEY", help="The original's word for --api-key.")
@click.option("-t", "--transport", type=click.Choice(["stdio", "http"]), default="stdio", show_default=True)
@click.option("-p", "--port", type=click.IntRange(0, 65535), default=9100, show_default=True, help="For -t http.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, for -t http.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Host name by which clients reach -t http, beside its own.")
@click.option("--agent", envvar="JANEE_AGENT", help="The agent on stdio.  [default: runner:<key name>; alone: local]")
@click.option(
    "--sandbox", "level", type=click.Choice([level.value for level in Level]), default="strict", show_default=True,
    envvar="JANEE_SANDBOX", help="What commands run in; off is no protection at all.",
)  # fmt: skip
@click.option("--runner-id", envvar="JANEE_RUNNER_ID", help="What this Runner calls itself.  [default: the host's name]")
@click.option("--runner-env", envvar="JANEE_RUNNER_ENV", help="Label for the audit log, such as dev.")
@click.option("--runner-host-label", envvar="JANEE_RUNNER_HOST", help="Label for the audit log.")
@click.option("--authority-ca", type=click.Path(exists=True, dir_okay=False), help="PEM file of the CA of the Authority.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False), help="PEM file with this Runner's certificate.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False), help="PEM file with its private key.")
@click.option(
    "--workspace-root", "workspace_roots", multiple=True, metavar="DIRECTORY", envvar="JANEE_WORKSPACE_ROOT",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Where agents may choose their workspace.  [default: stdio: any directory that is not the system's, a home or "
    "Janee's; http: none, only a capability's workDir]",
)  # fmt: skip
@click.option("--warm", type=click.IntRange(0, 64), help="Sandboxes kept ready.  [default: 2]")
def command(
    runner: bool,
    authority_url: str | None,
    api_key: Secret | None,
    runner_key: Secret | None,
    transport: str,
    port: int,
    host: str,
    allow_host: tuple[str, ...],
    agent: str | None,
    level: str,
    runner_id: str | None,
    runner_env: str | None,
    runner_host_label: str | None,
    authority_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    workspace_roots: tuple[str, ...],
    warm: int | None,
) -> None:
    """Serve agents over MCP: alone (an Authority of its own), or as a Runner of a remote Authority."""
    from janee.runner.app import RunnerSettings, run_runner
    from janee.runner.workspace import HostDirectories

    key = _one_key(api_key, runner_key)
    is_remote = runner or authority_url is not None
    _check(is_remote, authority_url, key, transport, agent)
    _hide_memory()
    if level == "off":
        warn("commands run without a sandbox: with everything that this user can reach", "leave --sandbox off out")
    run_runner(
        RunnerSettings(
            authority_url=authority_url if is_remote else None,
            api_key=key,
            level=Level(level),
            runner_id=_named(runner_id, "--runner-id") or _host_name(),
            agent_id=_named(agent, "--agent") or (None if is_remote or transport == "http" else "local"),
            http=(host, port) if transport == "http" else None,
            http_names=allow_host,
            environment=runner_env,
            host_label=runner_host_label,
            tls_ca=authority_ca,
            tls_cert=tls_cert,
            tls_key=tls_key,
            pool_size=warm,
            variables={name: os.environ[name] for name in FORMS if name in os.environ},
            host=HostDirectories(_homes(), workspace_roots if workspace_roots or transport == "http" else None),
            protected=_protected(authority_url),
            debug=os.environ.get("JANEE_DEBUG") == "1",
        ),
        warn,
        lambda url: note(f"serving MCP on {url}"),
    )


def _one_key(api_key: Secret | None, runner_key: Secret | None) -> Secret | None:
    if api_key is not None and runner_key is not None and api_key != runner_key:
        raise UsageError("USAGE", "--api-key and --runner-key are two names of one option", "give --api-key alone")
    return api_key if api_key is not None else runner_key


def _check(is_remote: bool, authority_url: str | None, key: Secret | None, transport: str, agent: str | None) -> None:
    if is_remote and authority_url is None:
        raise UsageError(
            "USAGE", "--runner needs --authority-url", "janee serve --runner --authority-url http://localhost:9700"
        )
    if is_remote and key is None:
        raise UsageError("USAGE", "a runner needs its key", "set JANEE_API_KEY_FILE, or give --api-key")
    if not is_remote and key is not None:
        raise UsageError("USAGE", "--api-key goes with --runner --authority-url", "leave it out to serve alone")
    if authority_url is not None:
        from janee.runner.client import Endpoint

        Endpoint.parse(authority_url)
    if transport == "http" and agent is not None:
        raise UsageError("USAGE", "over HTTP each agent shows its own token", "leave --agent out; see `janee agent add`")


def _named(value: str | None, flag: str) -> str | None:
    if value is not None and not _NAME.fullmatch(value):
        raise UsageError("USAGE", f"{flag} takes letters, digits and ._:@/+-, at most 128", "choose another name")
    return value


def _host_name() -> str:
    cleaned = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).lstrip("._-")[:64]
    return cleaned or "runner"


def _hide_memory() -> None:
    """The runner key is in this process: no core dump, no look into its memory by others of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl.set_dumpable(0)


def _homes() -> tuple[str, ...]:
    """Every user's home directory, without those that are system directories (a workspace may not lie there anyway)."""
    known = {os.path.realpath(entry.pw_dir) for entry in pwd.getpwall() if entry.pw_dir.startswith("/")}
    own = os.environ.get("HOME", "")
    return tuple(sorted((known | ({os.path.realpath(own)} if own.startswith("/") else set())) - {"/"}))


def _protected(authority_url: str | None) -> tuple[str, ...]:
    """Host paths that no command may be shown: Janee's own files, wherever they are or would be, and what it runs on."""
    # Whoever could write them would choose what the next Runner executes.
    paths = [sys.prefix, *(str(Path(package.__path__[0])) for package in (janee, sandbox))]
    try:
        home = JaneeHome.resolve(os.environ)
        paths += [str(home.path), str(home.key_dir)]
    except JaneeError:
        pass  # no home, so there is nothing of it to protect
    if authority_url is not None and authority_url.startswith("unix:///"):
        paths.append(os.path.dirname(authority_url.removeprefix("unix://")))
    return tuple(dict.fromkeys("/" + os.path.normpath(path).lstrip("/") for path in paths))
