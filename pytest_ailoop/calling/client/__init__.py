"""The clients behind the `llm` fixture, async and blocking, over any OpenAI-compatible server.

They send plain `openai` requests: the seam sees, records and replays them like those of the
application. The only room beside the transports that imports openai. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop.calling.client.connections import close_blocking_clients, close_clients
from pytest_ailoop.calling.client.llm import LLM, SyncLLM
from pytest_ailoop.calling.client.streams import AsyncTextStream, TextStream

__all__ = [
    "LLM",
    "AsyncTextStream",
    "SyncLLM",
    "TextStream",
    "close_blocking_clients",
    "close_clients",
]
