"""`janee authority`: run the Authority.

Guarantees: keys come by option, variable, file or an inherited descriptor and are gone from the environment before anything
else runs; a home that does not exist yet is made, and said to be. It never prints a key or a secret.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from janee.cli._options import secret_option
from janee.cli._output import note, warn
from janee.config.file import load_config, write_new
from janee.config.home import JaneeHome
from janee.config.schema import DEFAULT_AGENTS, ServerSettings
from janee.errors import ConfigError, JaneeError, UsageError
from janee.secret import Secret

if TYPE_CHECKING:
    from janee.authority.server import Tls
    from janee.authority.store import Store
    from janee.seal import RunnerKey

_MAX_KEY_BYTES: Final = 4096


@click.command("authority")
@click.option("-p", "--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes a free one.  [default: server.port, 9700]")
@click.option("--host", help="Address to listen on.  [default: server.host, 127.0.0.1]")
@click.option(
    "--socket", "socket_path", type=click.Path(path_type=Path), help="Listen on a Unix socket in a private directory."
)
@secret_option("api-key", variable="JANEE_API_KEY", help="The key of the Runner `default`.")
@secret_option("runner-key", variable="JANEE_RUNNER_KEY", help="The original's word for --api-key.")
@click.option(
    "--api-key-fd", type=click.IntRange(min=0), hidden=True, help="Read a key for this process alone from a descriptor."
)
@click.option("--agents", multiple=True, metavar="PATTERN", help="Agents that the key of --api-key may speak for.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="PEM file with the certificate and its chain.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="PEM file with its private key.")
@click.option("--tls-client-ca", type=click.Path(path_type=Path), help="Take only clients with a certificate of this CA.")
@click.option("--allow-plaintext-grants", is_flag=True, help="Serve original Runners: their grants carry secrets in clear.")
@click.option("--accept-rollback", is_flag=True, help="Go on with a state database that is older than it was.")
@click.option("--ready-fd", type=click.IntRange(min=0), hidden=True)
@click.option("--parent-fd", type=click.IntRange(min=0), hidden=True)
def command(
    port: int | None,
    host: str | None,
    socket_path: Path | None,
    api_key: Secret | None,
    runner_key: Secret | None,
    api_key_fd: int | None,
    agents: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    allow_plaintext_grants: bool,
    accept_rollback: bool,
    ready_fd: int | None,
    parent_fd: int | None,
) -> None:
    """Run the Authority: it holds the secrets, decides, and audits.

    A home that does not exist yet is created, as by `janee init`.
    """
    from janee.authority.core import Authority, Settings
    from janee.authority.gate import Gate, original_key
    from janee.authority.server import Listen, protect_process, run_server
    from janee.authority.source import PolicySource
    from janee.authority.store import Store

    protect_process()
    tls = _tls(tls_cert, tls_key, tls_client_ca)
    key = _one_key(api_key, runner_key)
    private_key = None if api_key_fd is None else _read_key(api_key_fd)
    if parent_fd is not None and private_key is None:
        key, private_key = None, key  # the key of `janee serve` dies with it: it is never stored
    home = JaneeHome.resolve(os.environ)
    _prepare_home(home)
    with Store.open(home, accept_rollback=accept_rollback) as store:
        if key is not None:
            _register(store, key, agents)
        _warn_without_key(store, private_key)
        authority = Authority(store, PolicySource(home.config_file, _report), Settings(allow_plaintext_grants))
        original = original_key(key) if key is not None and allow_plaintext_grants else None
        gate = Gate(store, time.time, original_key=original, own_key=_own_key(private_key, agents))
        authority.check_policy()
        settings = _server_settings(home)
        listen = Listen(
            host if host is not None else settings.host, port if port is not None else settings.port, socket_path, tls
        )
        run_server(authority, gate, listen, ready_fd=ready_fd, parent_fd=parent_fd)


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    from janee.authority.server import Tls

    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise UsageError("USAGE", "--tls-cert and --tls-key belong together", "give both")
    return Tls(cert, key, client_ca)


def _one_key(api_key: Secret | None, runner_key: Secret | None) -> Secret | None:
    if api_key is not None and runner_key is not None and api_key != runner_key:
        raise UsageError("USAGE", "--api-key and --runner-key are two names of one option", "give --api-key alone")
    return api_key if api_key is not None else runner_key


def _read_key(descriptor: int) -> Secret:
    """The key that our parent passes through a pipe, up to its end."""
    try:
        with os.fdopen(descriptor, "rb") as pipe:
            key = Secret(pipe.read(_MAX_KEY_BYTES).removesuffix(b"\n"))
    except OSError as error:
        raise UsageError("USAGE", f"--api-key-fd {descriptor}: {os.strerror(error.errno or 0).lower()}") from None
    if not key:
        raise UsageError("USAGE", f"--api-key-fd {descriptor}: nothing was sent")
    return key


def _prepare_home(home: JaneeHome) -> None:
    """Create what is missing of a home: the published command works without `janee init`."""
    from janee.authority.store import Store
    from janee.cli.init import TEMPLATE

    is_new = not home.state_db.exists()
    if is_new:
        with Store.open(home, create=True) as store, store.transaction() as tx:
            tx.audit("store.created", operator="janee authority", store=store.store_id)
            tx.checkpoint()
    if not home.config_file.exists() and not home.config_file.is_symlink():
        write_new(home.config_file, TEMPLATE.encode())
        is_new = True
    if is_new:
        note(f"created {home.path}; next: janee service add, janee capability add")


def _register(store: Store, api_key: Secret, agents: tuple[str, ...]) -> None:
    """Register the key of --api-key under its name, if it is not there already.

    What the operator did meanwhile holds: a revoked key stays revoked, and patterns stay unless --agents is given.
    """
    from janee.seal import key_weakness, stretch_key

    weakness = key_weakness(api_key)
    if weakness is not None:
        warn(f"the runner key is easy to guess: {weakness}")
    key = stretch_key(api_key)
    known = store.runner_key(key.name)
    is_same = known is not None and known.key.mac_key == key.mac_key
    if known is not None and is_same and known.is_revoked:
        raise UsageError(
            "KEY_REVOKED", f"the key of --api-key was revoked (runner {key.name})", "start with another key, or with none"
        )
    patterns = agents or (known.agents if known is not None else DEFAULT_AGENTS)
    if known is not None and is_same and known.agents == patterns:
        return
    with store.transaction() as tx:
        tx.audit(
            "runner.added",
            operator="authority --api-key",
            runner=key.name,
            agents=list(patterns),
            replaced=(known is not None) or None,
        )
        tx.put_runner_key(key, patterns, time.time())


def _own_key(api_key: Secret | None, agents: tuple[str, ...]) -> tuple[RunnerKey, tuple[str, ...]] | None:
    """The key of `--api-key-fd`: never stored; whoever started us may speak for any agent, as with the home's files."""
    from janee.seal import stretch_key

    return None if api_key is None else (stretch_key(api_key), agents or ("*",))


def _warn_without_key(store: Store, private_key: Secret | None) -> None:
    if private_key is None and all(row.revoked_at is not None for row in store.runner_keys()):
        warn("there is no runner key, so no Runner can connect", "janee runner add NAME, or start with --api-key")


def _server_settings(home: JaneeHome) -> ServerSettings:
    try:
        return load_config(home.config_file).server
    except ConfigError:
        return ServerSettings()  # reported, and everything denied, until it is corrected


def _report(error: JaneeError) -> None:
    warn(f"everything is denied: {error.message}", error.hint)
