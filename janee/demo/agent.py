"""The agent: a process with the official MCP client in it, driven by lines.

Guarantees: it starts the Runner as an MCP client does (command and arguments over stdio) and knows nothing else; the answer to
each call is the whole result as the client got it. It ends when its stdin does, and the Runner with it.

    python -m janee.demo.agent COMMAND ARG…    <- one JSON line a call: {tool, arguments} or {"tool": null}: list the tools
                                               -> one JSON line an answer: {isError, structured, text} or {error}
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any, Final

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent

CALL_S: Final = 120.0


async def main(command: list[str]) -> None:
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with stdio_client(server) as streams, ClientSession(*streams, read_timeout_seconds=CALL_S) as session:
        hello = await session.initialize()
        _say({"server": hello.server_info.name, "protocol": hello.protocol_version})
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = json.loads(line)
            _say(await _answer(session, request["tool"], request.get("arguments") or {}))


async def _answer(session: ClientSession, tool: str | None, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        if tool is None:
            return {"tools": [found.name for found in (await session.list_tools()).tools]}
        result = await session.call_tool(tool, arguments)
    except Exception as error:  # a process border: whatever went wrong is the answer, and the caller judges it
        return {"error": f"{type(error).__name__}: {error}"}
    text = [block.text for block in result.content if isinstance(block, TextContent)]
    return {"isError": bool(result.is_error), "structured": result.structured_content, "text": text}


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:]))
    except Exception as error:  # a process border: what the Runner said before is in the same log
        sys.exit(f"agent: the session with the Runner failed ({type(error).__name__})")
