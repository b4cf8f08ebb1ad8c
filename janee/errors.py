"""The errors that people and callers see.

    JaneeError                      root: code, message (cause), hint (the operator's next step)
    ├── UsageError                  bad command line or bad input to a command               exit 2
    ├── ConfigError                 config.yaml or a policy in it is invalid (file, line)    exit 2
    ├── StoreError                  state database, master key or audit log unusable         exit 1
    ├── DeniedError                 the policy said no; carries the denial's reason code     exit 3, 4
    ├── UnreachableError            no Authority answers, or its answer is not authentic     exit 5
    ├── ProtocolError               the peer broke the protocol                              exit 1
    └── SandboxUnavailableError     a sandbox layer is missing                               exit 6

No message, hint or ``__cause__`` ever holds a secret value: whoever handles one raises ``from None`` at that border.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What `janee` exits with; a contract with scripts."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    DENIED = 3
    APPROVAL_NEEDED = 4
    UNREACHABLE = 5
    SANDBOX_UNAVAILABLE = 6


class JaneeError(Exception):
    """Root of every error that Janee raises on purpose.

    code: stable, upper case with underscores; for programs. message: the cause, with names and numbers, lower case, no full
    stop. hint: the operator's next step (an exact command where there is one), or empty.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILURE

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class UsageError(JaneeError):
    exit_code = ExitCode.USAGE


class ConfigError(JaneeError):
    exit_code = ExitCode.USAGE


class StoreError(JaneeError):
    pass


class DeniedError(JaneeError):
    """`code` is the denial's reason code (`janee.protocol.ReasonCode`)."""

    exit_code = ExitCode.DENIED


class UnreachableError(JaneeError):
    exit_code = ExitCode.UNREACHABLE


class ProtocolError(JaneeError):
    pass


class SandboxUnavailableError(JaneeError):
    exit_code = ExitCode.SANDBOX_UNAVAILABLE
