"""Run one untrusted command on Linux so that nothing gets out: namespaces, private root, Landlock, seccomp, limits.

This is the one import point. `run` for a single command, `Zygote` and `Cell` for a server that needs them warm, `check`
to ask what this machine can do. Knows nothing of the program that uses it.
"""

from sandbox.cell import Cell, Child
from sandbox.check import LayerReport, check
from sandbox.errors import ErrorCode, SandboxError
from sandbox.privileges import protect_memory
from sandbox.pump import apply_pump_filter, compile_pump_filter
from sandbox.run import base_env, run
from sandbox.spec import (
    ANY_ADDRESS,
    ANY_NAME,
    DEFAULT_PATH,
    HOME_DIR,
    TRUST_BUNDLE,
    USER_NAME,
    Completed,
    Exit,
    FileIdentity,
    HostEntry,
    Level,
    Limits,
    Mount,
    PrivateFile,
    Refusal,
    SandboxSpec,
    temp_dir,
)
from sandbox.zygote import Zygote

__all__ = [
    "ANY_ADDRESS",
    "ANY_NAME",
    "DEFAULT_PATH",
    "HOME_DIR",
    "TRUST_BUNDLE",
    "USER_NAME",
    "Cell",
    "Child",
    "Completed",
    "ErrorCode",
    "Exit",
    "FileIdentity",
    "HostEntry",
    "LayerReport",
    "Level",
    "Limits",
    "Mount",
    "PrivateFile",
    "Refusal",
    "SandboxError",
    "SandboxSpec",
    "Zygote",
    "apply_pump_filter",
    "base_env",
    "check",
    "compile_pump_filter",
    "protect_memory",
    "run",
    "temp_dir",
]
