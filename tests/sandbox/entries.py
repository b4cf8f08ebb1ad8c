"""Entry points for zygotes under test: `serve` runs what it is told and reports, as an executor would."""

import json
import os
import select
import signal
import socket
from typing import Any

import sandbox


def serve(connection: socket.socket, cell: sandbox.Cell) -> None:
    """One JSON line with a specification in, one JSON line with what happened out."""
    request = json.loads(connection.makefile("rb").readline())
    answer = _run(cell, request)
    connection.sendall(json.dumps(answer).encode() + b"\n")


def _run(cell: sandbox.Cell, request: dict[str, Any]) -> dict[str, Any]:
    identity = request.pop("identity", None)
    spec = sandbox.SandboxSpec(
        argv=tuple(request["argv"]),
        env=sandbox.base_env() | request.get("env", {}),
        executable=request.get("executable"),
        executable_identity=sandbox.FileIdentity(*identity) if identity else None,
        level=cell.level,
        mounts=tuple(sandbox.Mount(*mount) for mount in request.get("mounts", ())),
        hosts=tuple(sandbox.HostEntry(*host) for host in request.get("hosts", ())),
        files=tuple(sandbox.PrivateFile(path, text.encode()) for path, text in request.get("files", ())),
        limits=sandbox.Limits(**request.get("limits", {})),
        protected=tuple(request.get("protected", ())),
    )
    reader, writer = os.pipe()
    stdin = os.open(request.get("stdin", "/dev/null"), os.O_RDONLY)
    try:
        child = cell.start(spec, stdin=stdin, stdout=writer, stderr=writer)
    except sandbox.SandboxError as error:
        return {"error": error.code.value, "message": error.message}
    os.close(writer)
    if request.get("kill"):
        os.read(reader, 1)
        child.kill()
    for listener in child.listeners:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"from outside")
    if request.get("report_early"):
        os.read(reader, 1)
    select.select([child], [], [])
    try:
        ended = child.result()
    except sandbox.SandboxError as error:
        return {"error": error.code.value, "message": error.message}
    os.set_blocking(reader, False)
    output = b""
    try:
        while data := os.read(reader, 65536):
            output += data
    except BlockingIOError:
        output += b"(still open)"
    return {"code": ended.code, "signal": ended.signal, "timed_out": ended.timed_out, "output": output.decode()}


def hold(connection: socket.socket, cell: sandbox.Cell) -> None:
    """Start a command that sleeps under the argument received, say so, and wait for ever."""
    mark = connection.recv(100).decode()
    null = os.open("/dev/null", os.O_RDWR)
    script = f"(setsid sleep 600 # {mark}\n) & trap '' TERM HUP INT; sleep 600 # {mark}"
    argv = ("sh", "-c", script, mark)
    child = cell.start(
        sandbox.SandboxSpec(argv=argv, env=sandbox.base_env(), level=cell.level), stdin=null, stdout=null, stderr=null
    )
    connection.sendall(str(os.getpid()).encode())
    child.result()
    signal.pause()


def pump(connection: socket.socket, cell: sandbox.Cell) -> None:
    """Start a command, restrict this process to pumping, then pump and search; or do what is forbidden, if told to."""
    import gc

    import ahocorasick_rs

    forbidden = connection.recv(1) == b"!"
    matcher = ahocorasick_rs.BytesAhoCorasick([b"needle", b"other"])
    reader, writer = os.pipe()
    argv = ("sh", "-c", "head -c 3000000 /dev/zero; printf needle")
    child = cell.start(
        sandbox.SandboxSpec(argv=argv, env=sandbox.base_env(), level=cell.level),
        stdin=os.open("/dev/null", 0),
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    sandbox.protect_memory()
    sandbox.apply_pump_filter()
    if forbidden:
        os.open("/dev/null", os.O_RDONLY)
        connection.sendall(b"opened")
        return
    hits, total = 0, 0
    while data := os.read(reader, 65536):
        total += len(data)
        hits += len(matcher.find_matches_as_indexes(data))
        gc.collect()
    connection.sendall(f"{total} {hits} {child.result().code}".encode())
