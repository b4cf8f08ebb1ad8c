"""One agent: an MCP client that starts a Runner of its own, does its work through it, and tries what it must not.

agent.py NUMBER OTHER COMMAND…     COMMAND starts the Runner (MCP over stdio); prints one JSON line
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

CALL_S = 60


async def work(number: str, other: str, command: list[str]) -> dict[str, Any]:
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with stdio_client(server) as streams, ClientSession(*streams, read_timeout_seconds=CALL_S) as session:
        await session.initialize()
        calls: list[float] = []

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            started = time.monotonic()
            result = await session.call_tool(tool, arguments)
            calls.append(time.monotonic() - started)
            return dict(result.structured_content or {})

        note = f"/notes/{number}"
        script = os.environ["NOTES_SCRIPT"]  # the one command that the operator allows
        written = await call("janee_execute", capability=f"write-{number}", method="POST", path=note, body=f"by {number}")
        read = await call("janee_exec", capability=f"read-{number}", command=["python3", "-c", script])
        refused = await call("janee_execute", capability=f"write-{other}", method="POST", path=f"/notes/{other}", body="mine")
    return {
        "written": written.get("status"),
        "read": str(read.get("stdout", "")).strip() or str(read)[:300],
        "refused": (refused.get("denial") or {}).get("reasonCode"),
        "callsMs": [round(call * 1000) for call in calls],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3:]))))
