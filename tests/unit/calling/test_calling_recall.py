"""A kept reply is found without a client, by the address that the client's own request has."""

# Nested `with` tells the session from what is measured in it.
# ruff: noqa: SIM117

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pydantic
import pytest

from pytest_ailoop.calling.client import SyncLLM, sync_llm
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ReplayMissError
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession

pytestmark = pytest.mark.usefixtures("tidy")


class City(pydantic.BaseModel):
    name: str
    people: int


TOOL = {
    "type": "function",
    "function": {"name": "find", "parameters": {"type": "object", "properties": {}}},
}
ASKED: dict[str, dict[str, Any]] = {
    "text": {"prompt": "where?"},
    "unicode": {"prompt": "wo? é ☃ \U0001f600 \x7f"},
    "messages": {"prompt": [{"role": "system", "content": "be"}, {"role": "user", "content": "x"}]},
    "parameters": {"prompt": "x", "temperature": 0.5, "max_tokens": 5, "stop": ["a", "b"]},
    "extra": {"prompt": "x", "extra_body": {"top_k": 3}},
    "timeout": {"prompt": "x", "timeout": 5.0},
    "tools": {"prompt": "x", "tools": [TOOL]},
    "output": {"prompt": "x", "output": City},
    "logprobs": {"prompt": "x", "logprobs": 2},
}


def told(reply: Reply[Any]) -> dict[str, Any]:
    return {one.name: getattr(reply, one.name) for one in dataclasses.fields(reply)}


def no_client(*_: object, **__: object) -> None:
    raise AssertionError("a client was asked for")


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_a_client_recorded_is_found_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    """The reply and the call are those of the recording; no client is built for them."""
    with FakeServer() as server:
        llm = SyncLLM(ModelSpec(alias="m", model="fake", base_url=server.url), allow_no_key=True)
        with FakeSession(tmp_path, "record") as session, session.item() as live:
            first = llm(**asked)
    monkeypatch.setattr(sync_llm, "sync_client", no_client)
    with FakeSession(tmp_path, "replay") as session, session.item() as kept:
        second = llm(**asked)
    assert told(first) == told(second)
    (before,), (after,) = live.calls, kept.calls
    assert dataclasses.replace(before, origin="recording") == after


def test_repeats_in_one_item_are_samples_of_their_own(tmp_path: Path) -> None:
    """The second time an item asks the same it gets its second reply, in replay too."""
    with FakeServer(numbered=True) as server:
        llm = SyncLLM(ModelSpec(alias="m", model="fake", base_url=server.url), allow_no_key=True)
        with FakeSession(tmp_path, "record") as session, session.item():
            first = [llm("again").text for _ in range(3)]
    with FakeSession(tmp_path, "replay") as session, session.item():
        second = [llm("again").text for _ in range(3)]
    assert first == second
    assert len(set(first)) == 3


def test_a_miss_is_told_on_the_ordinary_way(tmp_path: Path) -> None:
    """What is not kept goes on to the client, where replay says what is missing."""
    with FakeServer() as server:
        llm = SyncLLM(ModelSpec(alias="m", model="fake", base_url=server.url), allow_no_key=True)
        with FakeSession(tmp_path, "record") as session, session.item():
            llm("a red house")
    with FakeSession(tmp_path, "replay") as session, session.item():
        with pytest.raises(ReplayMissError, match="blue"):
            llm("a blue house")


def test_replay_through_llm_imports_no_client(tmp_path: Path) -> None:
    """A session that only replays through `llm` never pays for importing openai."""
    with FakeServer() as server:
        url = server.url
        llm = SyncLLM(ModelSpec(alias="m", model="fake", base_url=url), allow_no_key=True)
        with FakeSession(tmp_path, "record") as session, session.item():
            llm("where?", temperature=0)
    script = f"""
        import sys
        from pathlib import Path
        from pytest_ailoop.calling.client import SyncLLM
        from pytest_ailoop.data.variant import ModelSpec
        from tests.fakes.sessions import FakeSession

        llm = SyncLLM(ModelSpec(alias="m", model="fake", base_url={url!r}), allow_no_key=True)
        with FakeSession(Path({str(tmp_path)!r}), "replay") as session, session.item():
            assert llm("where?", temperature=0).text
        heavy = {{"openai", "httpx2", "httpx", "h11", "urllib.request", "http.client"}}
        print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
