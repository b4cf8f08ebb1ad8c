"""Many at once: no mixing, no leak, no wait that never ends."""

import asyncio
import json
import os
from pathlib import Path

from sandbox import Zygote
from tests.sandbox import rig

AT_ONCE = int(os.environ.get("CROWD", "40"))


async def one(zygote: Zygote, number: int) -> dict[str, object]:
    connection = await zygote.spawn()
    loop = asyncio.get_running_loop()
    script = f"echo {number} >/tmp/x; sleep 0.05; cat /tmp/x; ls /tmp | wc -l; ls /proc | grep -c '^[0-9]'"
    with connection:
        await loop.sock_sendall(connection, json.dumps({"argv": ["sh", "-c", script]}).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            chunk = await loop.sock_recv(connection, 4096)
            if not chunk:
                raise EOFError
            data += chunk
    answer: dict[str, object] = json.loads(data)
    return answer


def test_a_crowd_of_sandboxes_does_not_see_each_other() -> None:
    async def crowd(zygote: Zygote) -> list[dict[str, object]]:
        return await asyncio.wait_for(asyncio.gather(*(one(zygote, number) for number in range(AT_ONCE))), 60)

    with Zygote.start(entry="tests.sandbox.entries:serve") as zygote:
        answers = asyncio.run(crowd(zygote))
        children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children")
        assert rig.eventually(lambda: children.read_text() == "")
    for number, answer in enumerate(answers):
        assert answer["code"] == 0
        seen, files, processes = str(answer["output"]).split()
        assert (int(seen), int(files)) == (number, 1)
        assert int(processes) <= 4  # the shell, ls, grep and wc
