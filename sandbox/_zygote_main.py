"""The zygote process: a small single-threaded interpreter that forks one prepared process per request.

Guarantees: every forked process gets a cell that was prepared before the entry point runs, a connection to whoever
asked, and no other descriptor; it dies when the zygote dies, and the zygote dies when its control socket closes. Never:
a secret, a thread, a second request handled at a time, an answer to a malformed request.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

from sandbox import kernel, privileges, wire
from sandbox.cell import Cell
from sandbox.errors import ErrorCode, SandboxError
from sandbox.init import HOST_NAME
from sandbox.kit import Kit, enter_host_view, make_kit
from sandbox.spec import Level
from sandbox.template import Template, make_template

SPAWN: Final = b"S"
_EXPECTED_DESCRIPTORS: Final = 1

type_of_entry = Callable[[socket.socket, Cell], object]


def main(
    control_fd: int, level: str, entry: str, preload: tuple[str, ...], dies_with_parent: bool, rehearse: str | None = None
) -> NoReturn:
    """Serve requests from the socket `control_fd` until it closes. rehearse: a function that is called once before the
    first fork."""
    control = socket.socket(fileno=control_fd)
    if dies_with_parent:
        privileges.die_with_parent()
    try:
        function = load_function(entry)
        for name in preload:
            importlib.import_module(name)
        if rehearse is not None:
            load_function(rehearse)()
        kit = make_kit(Level(level))
        enter_host_view(kit)
        template = make_template(HOST_NAME) if kit.level is Level.STRICT else None
        Cell.prepare(kit.level, kit, template, hurry=True).verify()
    except SandboxError as error:
        wire.send(control, {"error": error.code.value, "message": error.message, "hint": error.hint})
        sys.exit(1)
    except (ImportError, AttributeError, ValueError) as error:
        wire.send(control, {"error": ErrorCode.SETUP_FAILED.value, "message": f"cannot load {entry}: {error}", "hint": ""})
        sys.exit(1)
    _become_zygote()
    wire.send(control, {"ready": os.getpid()})
    while True:
        connection = _receive_request(control)
        if connection is None:
            os._exit(0)
        if _fork() == 0:
            _become_executor(control, connection, kit, template, function)
        connection.close()


def load_function(path: str) -> Callable[..., object]:
    """The function that `package.module:function` names."""
    module, _, name = path.partition(":")
    function: Any = getattr(importlib.import_module(module), name)
    if not callable(function):
        raise ValueError(f"{path} is not a function")
    return function  # type: ignore[no-any-return]


def _become_zygote() -> None:
    # Orphans of an executor that was killed come to us, and ignoring SIGCHLD buries them unseen.
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; the control socket says when to end
    gc.collect()
    gc.freeze()  # no collection may touch, and thereby copy, what the children share


def _receive_request(control: socket.socket) -> socket.socket | None:
    """The connection of the next request; None when the control socket was closed or broke the protocol."""
    try:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 4, socket.MSG_CMSG_CLOEXEC)
    except OSError:
        return None
    if data != SPAWN or len(descriptors) != _EXPECTED_DESCRIPTORS:
        return None
    return socket.socket(fileno=descriptors[0])


def _has_data(connection: socket.socket) -> bool:
    """Has the one who asked sent its order already? Then nothing warm was left for it, and it waits."""
    return bool(select.select([connection], [], [], 0)[0])


def _fork() -> int:
    try:
        return os.fork()
    except OSError:
        return -1  # out of processes: closing the connection tells the one who asked


def _become_executor(
    control: socket.socket, connection: socket.socket, kit: Kit, template: Template | None, function: type_of_entry
) -> NoReturn:
    status = 1
    try:
        control.close()
        privileges.die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            cell = Cell.prepare(kit.level, kit, template, hurry=_has_data(connection))
        except SandboxError as error:
            cell = Cell.failed(kit.level, error)
        if template is not None:
            template.close()
        with cell, contextlib.closing(connection):
            function(connection, cell)
        status = 0
    finally:
        os._exit(status)
