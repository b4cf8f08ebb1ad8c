"""The one exception of this package.

Guarantees: every failure that a caller can meet is a `SandboxError` with a stable code, a cause in words and a next
step. Never: a message with a value of the command's environment, standard input or private files in it.

    Exception
      SandboxError            .code says which (`ErrorCode`); `.exit_status` is what `python -m sandbox run` ends with
"""

from enum import StrEnum
from typing import Final

_STATUS_SETUP_FAILED: Final = 125
_STATUS_NOT_EXECUTABLE: Final = 126
_STATUS_NOT_FOUND: Final = 127


class ErrorCode(StrEnum):
    """Why a sandbox refused or failed. The values are a contract: they appear in JSON and in audit records."""

    BAD_SPEC = "BAD_SPEC"  # the specification contradicts itself or cannot be expressed
    PROTECTED = "PROTECTED"  # a mount would expose a path that the caller declared protected
    UNAVAILABLE = "UNAVAILABLE"  # this machine cannot apply a layer that the level promises
    NOT_FOUND = "NOT_FOUND"  # no such executable inside the sandbox
    NOT_EXECUTABLE = "NOT_EXECUTABLE"  # found, but the kernel refuses to execute it
    EXECUTABLE_CHANGED = "EXECUTABLE_CHANGED"  # not the file whose identity the caller checked
    BAD_CWD = "BAD_CWD"  # the working directory does not exist inside or cannot be entered
    SETUP_FAILED = "SETUP_FAILED"  # a step of the set-up failed for this specification
    LOST = "LOST"  # the sandbox died before it answered, or did not answer in time
    CLOSED = "CLOSED"  # used after it was used up or closed


class SandboxError(Exception):
    """A sandbox could not be had, or not as specified. Nothing of it is left running.

    code: stable reason. message: the cause. hint: the operator's next step, empty when there is none.
    """

    def __init__(self, code: ErrorCode, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def exit_status(self) -> int:
        """127 not found, 126 not executable, 125 everything else: the shell's convention, then `env`'s."""
        if self.code is ErrorCode.NOT_FOUND:
            return _STATUS_NOT_FOUND
        if self.code in (ErrorCode.NOT_EXECUTABLE, ErrorCode.EXECUTABLE_CHANGED):
            return _STATUS_NOT_EXECUTABLE
        return _STATUS_SETUP_FAILED
