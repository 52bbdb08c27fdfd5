"""Calls under way: seen while they are out, gone however they end."""

from __future__ import annotations

import threading
from pathlib import Path

import openai
import pytest

from pytest_ailoop.calling.flight import Flight
from tests.fakes.openai_server import FakeServer
from tests.fakes.sessions import FakeSession

ASKED = {"model": "fake", "messages": [{"role": "user", "content": "hello there friend"}]}


def test_begin_and_end() -> None:
    """A call is there from its begin to its first end; rest is told when the last one is back."""
    flight, told = Flight(), []
    flight.on_start.append(lambda: told.append("start"))
    flight.on_rest.append(lambda: told.append("rest"))
    one, two = object(), object()
    flight.begin(one, "a")
    flight.begin(two, None, "item")
    assert ["a", None] == [call.model for call in flight.calls]
    flight.end(one)
    flight.end(one)
    assert ["start", "start"] == told
    flight.end_of("another item")
    assert [None] == [call.model for call in flight.calls]
    flight.end_of("item")
    flight.end_of("item")
    flight.end(two)
    assert (["start", "start", "rest"], ()) == (told, flight.calls)


def test_a_call_is_under_way_until_its_reply_is_there(tmp_path: Path) -> None:
    """While the server thinks, the call is seen with its model; afterwards none is."""
    with FakeServer(latency=0.3) as server, FakeSession(tmp_path) as session:
        seen = []
        flight = session.store.flight
        look = threading.Timer(0.1, lambda: seen.extend(flight.calls))
        flight.on_start.append(look.start)
        with session.item():
            openai.OpenAI(base_url=server.url, api_key="x").chat.completions.create(**ASKED)
            assert () == flight.calls
        assert ["fake"] == [call.model for call in seen]


@pytest.mark.parametrize("end", ["refused", "no server", "half a stream", "left open"])
def test_no_call_stays_under_way(tmp_path: Path, end: str) -> None:
    """An error status, a dead server and a stream left in its middle end a call as well."""
    with FakeServer() as server, FakeSession(tmp_path) as session:
        url = "http://127.0.0.1:9/v1" if end == "no server" else server.url
        client = openai.OpenAI(base_url=url, api_key="x", max_retries=0)
        with session.item():
            if end in ("refused", "no server"):
                server.fail_next(400)
                with pytest.raises(openai.APIError):
                    client.chat.completions.create(**ASKED)
            else:
                stream = client.chat.completions.create(**ASKED, stream=True)
                next(iter(stream))
                assert 1 == len(session.store.flight.calls)
                if end == "half a stream":
                    stream.close()
            assert (end == "left open") == bool(session.store.flight.calls)
        assert () == session.store.flight.calls
        client.close()
