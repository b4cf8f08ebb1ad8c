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
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from sandbox import birth, idmap, kernel, privileges, wire
from sandbox.birth import CHECK_HINT
from sandbox.cell import Cell
from sandbox.errors import ErrorCode, SandboxError
from sandbox.init import HOST_NAME
from sandbox.kit import Kit, enter_host_view, make_kit
from sandbox.mounts import MountOrder, Owners, open_mounts
from sandbox.spec import Level, Mount
from sandbox.template import Template, make_template

_REQUEST: Final = struct.Struct("!cII?")  # see sandbox.zygote
_SPAWN: Final = b"S"
_CELL: Final = b"C"
_MOUNTS: Final = b"M"
_DESCRIPTORS: Final = {_SPAWN: (1,), _CELL: (1, 2), _MOUNTS: (1,)}  # how many each request may bring
_MAX_SPARES: Final = 4
_MOUNTS_TIMEOUT_S: Final = 5.0
_IDLE_S: Final = 0.002
_REHEARSAL: Final = MountOrder((Mount("/usr", "/mnt", writable=False),), ("/proc",), Level.STRICT, is_executable=True)

type_of_entry = Callable[[socket.socket, Cell], object]


@dataclass(frozen=True, slots=True)
class _Request:
    """What the server asks for. descriptors: a connection, and for a cell perhaps its control group; ours to close."""

    kind: bytes
    identity: idmap.Identity
    descriptors: tuple[int, ...]


def main(
    control_fd: int, level: str, entry: str | None, preload: tuple[str, ...], dies_with_parent: bool, rehearse: str | None
) -> NoReturn:
    """Serve requests from the socket `control_fd` until it closes. rehearse: a function that is called once before the
    first fork."""
    control = socket.socket(fileno=control_fd)
    if dies_with_parent:
        privileges.die_with_parent()
    try:
        function = None if entry is None else load_function(entry)
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
    leaves = None if kit.leaves is None else [kit.leaves.path, sorted(kit.leaves.controllers)]
    wire.send(control, {"ready": os.getpid(), "privileged": kit.privileged, "leaves": leaves})
    nursery = _Nursery(kit, template)
    while True:
        if nursery.is_fresh and not _has_data(control, _IDLE_S):
            nursery.get_ready()
        request = _receive_request(control)
        if request is None:
            os._exit(0)
        connection = socket.socket(fileno=request.descriptors[0])
        if request.kind == _CELL:
            nursery.bear(request, connection)
        elif request.kind == _MOUNTS:
            nursery.open_mounts(request, connection)
        elif function is not None and _fork() == 0:
            _become_executor(control, connection, nursery, function)
        connection.close()
        for descriptor in request.descriptors[1:]:
            os.close(descriptor)


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
    os.environ.clear()  # once here, instead of in every child
    gc.collect()
    gc.freeze()  # no collection may touch, and thereby copy, what the children share


def _receive_request(control: socket.socket) -> _Request | None:
    """The next request; None when the control socket was closed or broke the protocol."""
    try:
        data, descriptors, _, _ = socket.recv_fds(control, _REQUEST.size, 4, socket.MSG_CMSG_CLOEXEC)
    except OSError:
        return None
    if len(data) != _REQUEST.size:
        return None
    kind, uid, gid, is_separate = _REQUEST.unpack(data)
    if len(descriptors) not in _DESCRIPTORS.get(kind, ()):
        return None
    return _Request(kind, idmap.Identity(uid, gid, is_separate), tuple(descriptors))


class _Nursery:
    """What the zygote does for cells that the server owns itself."""

    def __init__(self, kit: Kit, template: Template | None) -> None:
        self._kit = kit
        self._template = template
        self._self = os.pidfd_open(os.getpid())
        self._spares: list[idmap.OwnerMap] = []
        self.is_fresh = False  # has a cell been made since `get_ready`?

    def bear(self, request: _Request, connection: socket.socket) -> None:
        """Clone pid 1 with `connection` as its channel, and send its pidfd or the reason why not first."""
        self.is_fresh = True
        leaf = request.descriptors[1] if len(request.descriptors) > 1 else None
        try:
            newborn = self._clone(connection, leaf)
        except OSError as error:
            _refuse(connection, SandboxError(ErrorCode.UNAVAILABLE, f"namespaces: {error.strerror}", CHECK_HINT))
            return
        try:
            birth.settle(newborn, request.identity)
            wire.send(connection, {"born": True}, (newborn.pidfd,))
            birth.release(newborn)
        except OSError as error:
            _refuse(connection, SandboxError(ErrorCode.UNAVAILABLE, f"user namespace: {error.strerror}", CHECK_HINT))
        except wire.WireError:
            return  # nobody wants it any more: it ends when it sees the gate closed
        finally:
            os.close(newborn.gate)
            os.close(newborn.pidfd)

    def _clone(self, connection: socket.socket, leaf: int | None) -> birth.Newborn:
        if leaf is not None:
            with contextlib.suppress(OSError):  # optional, and `check` says so: no clone3 in a container
                return birth.bear(connection, self._kit, self._template, leaf, guard=self._self)
        return birth.bear(connection, self._kit, self._template, None, guard=self._self)

    def prepare_own(self, *, hurry: bool) -> Cell:
        """A cell of this process, which is a fork of the zygote."""
        try:
            return Cell.prepare(self._kit.level, self._kit, self._template, hurry=hurry)
        except SandboxError as error:
            return Cell.failed(self._kit.level, error)

    def close(self) -> None:
        """Give up what only the zygote needs."""
        if self._template is not None:
            self._template.close()
        for spare in self._spares:
            spare.close()
        os.close(self._self)

    def open_mounts(self, request: _Request, connection: socket.socket) -> None:
        """Read which, open them, send them to pid 1, who has the other end."""
        connection.settimeout(_MOUNTS_TIMEOUT_S)
        owners = None
        try:
            order = MountOrder.from_message(wire.receive(connection).body)
            if request.identity.is_separate:
                spares, self._spares = self._spares[:1], self._spares[1:]
                owners = Owners(request.identity, tuple(spares))
            with contextlib.ExitStack() as stack:
                wire.send(connection, {}, open_mounts(stack, order, owners))
        except SandboxError as error:
            _refuse(connection, error)
        except OSError as error:
            _refuse(connection, SandboxError(ErrorCode.SETUP_FAILED, f"mounts: {error.strerror}"))
        except (KeyError, TypeError, ValueError) as error:
            _refuse(connection, SandboxError(ErrorCode.BAD_SPEC, f"mounts that make no sense: {type(error).__name__}"))
        except wire.WireError:
            return  # the cell was closed meanwhile
        finally:
            if owners is not None:
                owners.close()

    def get_ready(self) -> None:
        """Nobody asks for anything: do what a request would wait for. Each fork makes our pages shared; opening mounts once
        copies those that it needs."""
        self.is_fresh = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs:
            wire.send(ours, _REHEARSAL.to_message())
            self.open_mounts(_Request(_MOUNTS, idmap.Identity(0, 0, is_separate=False), ()), theirs)
            ours.setblocking(False)
            with contextlib.suppress(wire.WireError):  # nothing came: then nothing was touched either
                for descriptor in wire.receive(ours).descriptors:
                    os.close(descriptor)
        while self._kit.privileged and len(self._spares) < _MAX_SPARES:
            try:
                self._spares.append(idmap.OwnerMap())
            except OSError:
                return


def _refuse(connection: socket.socket, error: SandboxError) -> None:
    with contextlib.suppress(wire.WireError):
        wire.send(connection, {"error": error.code.value, "message": error.message, "hint": error.hint})


def _has_data(connection: socket.socket, patience_s: float = 0) -> bool:
    """Has the other side sent something already, or does within `patience_s`? Then it waits, and nothing is done in
    advance."""
    return bool(select.select([connection], [], [], patience_s)[0])


def _fork() -> int:
    try:
        return os.fork()
    except OSError:
        return -1  # out of processes: closing the connection tells the one who asked


def _become_executor(control: socket.socket, connection: socket.socket, nursery: _Nursery, function: type_of_entry) -> NoReturn:
    status = 1
    try:
        control.close()
        privileges.die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        cell = nursery.prepare_own(hurry=_has_data(connection))
        nursery.close()
        with cell, contextlib.closing(connection):
            function(connection, cell)
        status = 0
    finally:
        os._exit(status)
