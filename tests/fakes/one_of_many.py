"""A process that runs the same evals as others at the same time, on one cache.

`python one_of_many.py ROOT BASE_URL CALLS MODE`: waits for a line on its standard input, makes the
calls side by side, and prints how many replies were live as JSON with the texts that came.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2
from fakes.sessions import FakeSession

from pytest_ailoop import recorder


async def ask(session: FakeSession, client: httpx2.AsyncClient, url: str, number: int) -> str:
    notebook = session.notebook(f"test_it[{number}]")
    with recorder.active(notebook), session.store.item(notebook):
        body = {"model": "m", "messages": [{"role": "user", "content": f"question {number}"}]}
        reply = await client.post(f"{url}/chat/completions", json=body, timeout=60)
        text: str = reply.json()["choices"][0]["message"]["content"]
        assert notebook.calls[-1].error is None
        return f"{notebook.calls[-1].origin} {text}"


async def main(session: FakeSession, url: str, count: int) -> list[str]:
    limits = httpx2.Limits(max_connections=20)
    async with httpx2.AsyncClient(limits=limits, trust_env=False) as client:
        return await asyncio.gather(*(ask(session, client, url, one) for one in range(count)))


if __name__ == "__main__":
    root, url, count, mode = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    with FakeSession(root, mode) as session:
        print("ready", flush=True)
        sys.stdin.readline()
        texts = asyncio.run(main(session, url, count))
        origins = [one.partition(" ")[0] for one in texts]
        answers = sorted(one.partition(" ")[2] for one in texts)
        live = origins.count("live")
        print(json.dumps({"live": live, "answers": answers, "warnings": session.store.warnings}))
