"""A single flight whose calls are made by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ailoop.calling.cache import Cache
from pytest_ailoop.calling.claims import Claims
from pytest_ailoop.calling.single import Single
from pytest_ailoop.calling.stored import StoredReply

HERE = "a" * 16


def reply(text: str = "hi", address: str = HERE) -> StoredReply:
    return StoredReply(address=address, path="/x", request={}, reply={"text": text})


def stored(address: str = "a" * 16, **changes: Any) -> StoredReply:
    """Return a kept reply; *changes* replace fields of it."""
    fields: dict[str, Any] = {
        "address": address,
        "path": "/chat/completions",
        "request": {"model": "m"},
        "reply": {"json": {"a": 1}, "format": "compact"},
    }
    return StoredReply(**{**fields, **changes})


class Place:
    """A single flight over a cache, whose calls are made by hand."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.cache = Cache(folder / ".ailoop")
        self.single = Single(Claims(self.cache.database), self.cache.get, **options)
        self.out: list[str] = []

    @property
    def leaders(self) -> list[object]:
        """The calls that others wait for, or would."""
        return [one.bell.call for one in self.single._leads.values()]

    @property
    def claimed(self) -> int:
        """How many addresses the database says are claimed."""
        query = "SELECT count(*) FROM claims"
        found = self.cache.database.run(lambda one: one.execute(query).fetchone())
        return found[0] if found else 0

    def keep(self, stored: StoredReply) -> None:
        assert self.cache.put(stored)
        self.single.kept(stored.address)

    async def ask(self, name: str, ends: Callable[[], Any]) -> str:
        """Return the text of the reply; *ends* returns it where the call is let out."""
        found = await self.single.join_async(HERE, name)
        if found is None:
            self.out.append(name)
            try:
                found = reply(await ends())
            except BaseException as error:
                self.single.leave(HERE, name, failed=isinstance(error, Exception))
                raise
            self.keep(found)
        return str(found.reply["text"])

    def ask_in_thread(self, name: str, text: str, start: threading.Event) -> str:
        found = self.single.join(HERE, name)
        if found is None:
            self.out.append(name)
            assert start.wait(10)
            self.keep(reply(text))
            found = reply(text)
        return str(found.reply["text"])


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
