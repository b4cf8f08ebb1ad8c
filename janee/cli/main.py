"""`janee`: finds the command, runs it, and turns what goes wrong into a sentence and an exit code.

Guarantees: only the module of the command that was called is imported (`janee list` loads no MCP, no web server); no traceback
reaches the user unless JANEE_DEBUG=1 asks for it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import click

from janee import __version__
from janee.cli._output import fail
from janee.errors import ExitCode, JaneeError


class Row(NamedTuple):
    """One command. module: in janee.cli; its attribute `attribute` is a click command."""

    module: str
    help: str
    attribute: str = "command"
    hidden: bool = False


COMMANDS: Final = MappingProxyType(
    {
        "init": Row("init", "Create the home directory, the store and its master key."),
        "service": Row("service", "Manage services: real APIs and their credentials."),
        "capability": Row("capability", "Manage capabilities: what an agent may do with a service."),
        "agent": Row("agent", "Manage agents and their tokens."),
        "runner": Row("runner", "Manage Runners and their keys."),
        "list": Row("list", "Show services and capabilities."),
        "authority": Row("authority", "Run the Authority: it holds the secrets and decides."),
        "serve": Row("serve", "Serve agents over MCP, alone or as a Runner."),
        "explain": Row("explain", "Say why a request would be allowed or denied."),
        "policy": Row("policy", "Test, compare and improve the policy."),
        "profiles": Row("profiles", "Show the tools whose command lines are understood."),
        "audit": Row("audit", "Read and verify the audit log."),
        "doctor": Row("doctor", "Check this installation."),
        "config": Row("config", "Check config.yaml, or print where it is."),
        "scrub": Row("scrub", "Filter secrets out of stdin."),
        "demo": Row("demo", "Show it all at work on this machine."),
        "completion": Row("completion", "Print the shell completion script."),
        # spellings of the original
        "cap": Row("capability", "Alias of capability.", hidden=True),
        "add": Row("service", "Alias of service add.", attribute="add", hidden=True),
        "logs": Row("audit", "Alias of audit tail.", attribute="tail", hidden=True),
    }
)


class LazyGroup(click.Group):
    """Commands from COMMANDS, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, row in COMMANDS.items() if not row.hidden]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None or importlib.util.find_spec(f"janee.cli.{row.module}") is None:
            return None
        found = getattr(importlib.import_module(f"janee.cli.{row.module}"), row.attribute)
        return found if isinstance(found, click.Command) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return (args[0] if command is not None else name), command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # the table's own texts: help needs no imports
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items() if not row.hidden])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "JANEE", "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, "-V", "--version", prog_name="janee", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Secrets management for AI agents: the agent gets the work done and can never get the secret."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    try:
        result: Any = cli.main(args=list(arguments), prog_name="janee", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else ExitCode.OK
    except JaneeError as error:
        fail(error)
        return error.exit_code
    except click.Abort:
        fail(JaneeError("ABORTED", "aborted"))
        return ExitCode.FAILURE
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as error:  # `janee service` alone: its help, but not as an answer
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        fail(_usage(error))
        return ExitCode.USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has gone (janee … | head)
        _discard_output()
        return ExitCode.FAILURE
    except OSError as error:
        if os.environ.get("JANEE_DEBUG") == "1":
            raise
        fail(JaneeError("SYSTEM", f"{_where(error)}{os.strerror(error.errno or 0).lower()}", "set JANEE_DEBUG=1 to see where"))
        _discard_output()
        return ExitCode.FAILURE
    except Exception as error:
        if os.environ.get("JANEE_DEBUG") == "1":
            raise
        # the type alone: a message or traceback could quote a value
        fail(JaneeError("INTERNAL", f"internal error: {type(error).__name__}", "set JANEE_DEBUG=1 to see where, and report it"))
        return ExitCode.FAILURE


def _discard_output() -> None:
    """No more output, not even at exit: it would only fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _where(error: OSError) -> str:
    return f"{error.filename}: " if isinstance(error.filename, str) else ""


def _usage(error: click.ClickException) -> JaneeError:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "janee"
    return JaneeError("USAGE", message[:1].lower() + message[1:], f"see: {command} --help")


def _ensure_standard_streams() -> None:
    """Started with one of 0, 1, 2 closed, the next file opened would get its number, and then our output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number free, which is this one
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def main() -> None:
    """The entry point of the `janee` program."""
    _ensure_standard_streams()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
