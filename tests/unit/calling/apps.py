"""Ways in which an application asks a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import httpx2
import openai
import pydantic

from tests.fakes.sessions import FakeSession


class City(pydantic.BaseModel):
    name: str
    people: int


def ask(word: str = "terse") -> list[Any]:
    text = f"You are a helper and always be {word} in what you say to people who ask for help"
    return [{"role": "system", "content": text}, {"role": "user", "content": "Hé, wo bist du?"}]


TOOL: Any = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
    },
}


def client_of(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="sk-test-0123456789")


def sync_chat(url: str, word: str) -> Any:
    with client_of(url) as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=ask(word))
        return raw.content, raw.parse().choices[0].message.content


def sync_stream(url: str, word: str) -> Any:
    with client_of(url) as client:
        stream = client.chat.completions.create(
            model="m", messages=ask(word), stream=True, stream_options={"include_usage": True}
        )
        return [chunk.to_json() for chunk in stream]


def tools(url: str, word: str) -> Any:
    with client_of(url) as client:
        reply = client.chat.completions.create(model="m", messages=ask(word), tools=[TOOL])
        return reply.to_json()


def parse(url: str, word: str) -> Any:
    with client_of(url) as client:
        reply = client.chat.completions.parse(model="m", messages=ask(word), response_format=City)
        return reply.choices[0].message.parsed


def responses(url: str, word: str) -> Any:
    with client_of(url) as client:
        return client.responses.create(model="m", input=f"be {word}").to_json()


def responses_stream(url: str, word: str) -> Any:
    with client_of(url) as client:
        stream = client.responses.create(model="m", input=f"be {word}", stream=True)
        return [event.to_json() for event in stream]


def embeddings(url: str, word: str) -> Any:
    with client_of(url) as client:
        return client.embeddings.create(model="m", input=["one", word]).to_json()


def async_chat(url: str, word: str) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test-0123456789") as client:
            reply = await client.chat.completions.create(model="m", messages=ask(word))
            return reply.to_json()

    return asyncio.run(run())


def async_stream(url: str, word: str) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test-0123456789") as client:
            stream = await client.chat.completions.create(
                model="m", messages=ask(word), stream=True
            )
            return [chunk.to_json() async for chunk in stream]

    return asyncio.run(run())


def aiohttp_chat(url: str, word: str) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(
            base_url=url, api_key="sk-test-0123456789", http_client=openai.DefaultAioHttpClient()
        ) as client:
            reply = await client.chat.completions.create(model="m", messages=ask(word))
            stream = await client.chat.completions.create(
                model="m", messages=ask(word), stream=True
            )
            return reply.to_json(), [chunk.to_json() async for chunk in stream]

    return asyncio.run(run())


def plain_httpx(url: str, word: str) -> Any:
    with httpx.Client() as client:
        reply = client.post(f"{url}/chat/completions", json={"model": "m", "messages": ask(word)})
        return reply.status_code, reply.headers["content-type"], reply.content


def plain_httpx2(url: str, word: str) -> Any:
    body = {"model": "m", "messages": ask(word), "stream": True}
    with (
        httpx2.Client() as client,
        client.stream("POST", f"{url}/chat/completions", json=body) as reply,
    ):
        return b"".join(reply.iter_raw())


def thread_pool(url: str, word: str) -> Any:
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(sync_chat, url, f"{word} {number}") for number in range(8)]
        return [one.result() for one in asked]


APPS: list[Callable[[str, str], Any]] = [
    sync_chat,
    sync_stream,
    tools,
    parse,
    responses,
    responses_stream,
    embeddings,
    async_chat,
    async_stream,
    aiohttp_chat,
    plain_httpx,
    plain_httpx2,
    thread_pool,
]


def rows(session: FakeSession) -> Any:
    import sqlite3

    connection = sqlite3.connect(session.store.cache.path)
    try:
        return connection.execute("SELECT count(*) FROM replies").fetchall()
    finally:
        connection.close()
