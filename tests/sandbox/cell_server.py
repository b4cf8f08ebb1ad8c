"""A server that owns its cells: runs the requests of its argument, one line of JSON for each; see test_cells."""

import contextlib
import json
import os
import sys
from typing import Any

import sandbox


def main() -> None:
    with sandbox.Zygote.start() as zygote:
        for request in json.loads(sys.argv[1]):
            print(json.dumps(answer(zygote.cell_blocking(), request)), flush=True)


def answer(cell: sandbox.Cell, request: dict[str, Any]) -> dict[str, Any]:
    """Run one request to its end."""
    spec = sandbox.SandboxSpec(
        argv=tuple(request["argv"]),
        env=sandbox.base_env() | request.get("env", {}),
        mounts=tuple(sandbox.Mount(*mount) for mount in request.get("mounts", ())),
        hosts=tuple(sandbox.HostEntry(*host) for host in request.get("hosts", ())),
        limits=sandbox.Limits(**request.get("limits", {})),
        protected=tuple(request.get("protected", ())),
        programs=tuple(request["programs"]) if "programs" in request else None,
    )
    reader, writer = os.pipe()
    null = os.open("/dev/null", os.O_RDONLY)
    with cell, contextlib.ExitStack() as stack:
        stack.callback(os.close, reader)
        stack.callback(os.close, null)
        try:
            child = cell.start(spec, stdin=null, stdout=writer, stderr=writer)
        except sandbox.SandboxError as error:
            return {"error": error.code.value, "message": error.message}
        finally:
            os.close(writer)
        for listener in child.listeners:
            with listener, listener.accept()[0] as peer:
                peer.sendall(b"from outside")
        if request.get("kill"):
            os.read(reader, 1)
            child.kill()
        output = b""
        while request.get("reads", True) and (data := os.read(reader, 65536)):
            output += data
        ended = child.result()
    return {"code": ended.code, "signal": ended.signal, "timed_out": ended.timed_out, "output": output.decode()}


if __name__ == "__main__":
    main()
