"""The clients behind the `llm` fixture, async and blocking, over any OpenAI-compatible server.

A whole reply takes the short way (`lean`): recalled, or sent over connections of ours. All else is
a plain `openai` request, which the seam sees like those of the application; what is kept is the
same. The only room beside the transports that imports openai. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop.calling.client.closing import close_blocking_clients, close_clients
from pytest_ailoop.calling.client.llm import LLM
from pytest_ailoop.calling.client.streams import AsyncTextStream, TextStream
from pytest_ailoop.calling.client.sync_llm import SyncLLM

__all__ = [
    "LLM",
    "AsyncTextStream",
    "SyncLLM",
    "TextStream",
    "close_blocking_clients",
    "close_clients",
]
