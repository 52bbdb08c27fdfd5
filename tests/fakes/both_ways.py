"""A question asked by `llm`, the short way or by the openai client."""

from __future__ import annotations

import asyncio
from typing import Any

from pytest_ailoop.calling.client import LLM, SyncLLM, close_clients
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.data.variant import ModelSpec
from tests.fakes.openai_server import FakeServer

__all__ = ["ask", "took_the_client"]


def ask(kind: Any, spec: ModelSpec, *, by_client: bool = False, **asked: Any) -> Reply[Any]:
    """Ask by *kind* of llm, the short way or as whoever has had the client in hand."""
    if kind is SyncLLM:
        llm: Any = SyncLLM(spec)
        if by_client:
            assert llm.client
        found: Reply[Any] = llm(**asked)
        return found

    async def inside() -> Reply[Any]:
        llm = LLM(spec)
        if by_client:
            assert llm.client
        try:
            reply: Reply[Any] = await llm(**asked)
            return reply
        finally:
            await close_clients()

    return asyncio.run(inside())


def took_the_client(server: FakeServer) -> bool:
    """Return whether the last request came from openai's client."""
    return "x-stainless-lang" in {name.lower() for name in server.requests[-1]["headers"]}
