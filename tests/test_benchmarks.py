"""The benchmarks' own server tells the truth, and each kind of row can be measured."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import rows, table
from benchmarks.bench import Bench, Line, at_most, exactly
from benchmarks.faults import __main__ as faults
from benchmarks.rows import workers
from benchmarks.server import Server, Weather
from benchmarks.server.answers import question_of
from benchmarks.server.weather import Fault, Forecast


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as found:
        yield found


def ask(server: Server, question: str, **further: Any) -> Any:
    asked = {"model": "bench", "messages": [{"role": "user", "content": question}], **further}
    body = json.dumps(asked, separators=(",", ":")).encode()
    request = urllib.request.Request(f"{server.url}/chat/completions", body)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_an_answer_depends_on_the_last_message(server: Server) -> None:
    """Quotes and backslashes come back as they were; a question is answered alike each time."""
    server.set()
    question = 'a "quote", a \\ and a \n'
    first, second = ask(server, question), ask(server, question)
    assert first == second
    assert first["choices"][0]["message"]["content"] == f"answer to {question}"
    assert server.stats()["calls"] == 2


def test_a_judge_gets_a_verdict(server: Server) -> None:
    """A request with a format is answered as a judge answers."""
    server.set()
    found = ask(server, "Is it polite?", response_format={"type": "json_object"})
    assert json.loads(found["choices"][0]["message"]["content"])["verdict"] == "pass"


def test_a_stream_ends_with_its_usage(server: Server) -> None:
    """What is asked for as a stream comes as events, a word each."""
    import openai

    server.set()
    client = openai.OpenAI(base_url=server.url, api_key="any")
    messages: list[Any] = [{"role": "user", "content": "one two"}]
    with client.chat.completions.create(model="bench", messages=messages, stream=True) as stream:
        events = list(stream)
    client.close()
    pieces = [one.choices[0].delta.content or "" for one in events if one.choices]
    assert "".join(pieces) == "answer to one two"
    assert len([one for one in pieces if one]) == 4
    assert events[-1].usage is not None


def test_calls_in_flight_are_counted(server: Server) -> None:
    """Two calls that overlap are two in flight, and none once their connections are gone."""
    server.set(latency=5.0)
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    body = b'{"messages":[{"role":"user","content":"x"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    calls = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    for call in calls:
        call.sendall(head)
        call.sendall(body)
    await_stats(server, calls=2, in_flight=2, max_in_flight=2)
    for call in calls:
        call.close()
    await_stats(server, calls=2, in_flight=0, max_in_flight=2, cut=2)


def await_stats(server: Server, **expected: int) -> None:
    end = time.monotonic() + 10
    found: dict[str, int] = {}
    while found != expected and time.monotonic() < end:
        stats = server.stats()
        found = {name: stats[name] for name in expected}
    assert found == expected


def test_faults_come_as_they_were_ordered(server: Server) -> None:
    """A word's fault strikes as often as it says, with its headers, and is counted."""
    words = {"tired": Fault(kind="429", headers={"retry-after": "2"}, times=1)}
    server.set(Weather(words=words, log=True))
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server, "so tired")
    caught.value.close()
    assert (caught.value.code, caught.value.headers["retry-after"]) == (429, "2")
    assert ask(server, "so tired")["object"] == "chat.completion"
    assert server.stats()["faults"] == {"429": 1}
    assert [question for _, question in server.log()] == ["so tired", "so tired"]


def test_shares_of_faults_are_kept() -> None:
    """Three of ten requests meet a fault, half of them of each kind."""
    forecast = Forecast(Weather(shares={"500": 0.15, "reset": 0.15}))
    drawn = [forecast.fault(b"x") for _ in range(10_000)]
    kinds = [one.kind for one in drawn if one is not None]
    assert kinds.count("500") == pytest.approx(1500, abs=150)
    assert kinds.count("reset") == pytest.approx(1500, abs=150)


def test_a_heavy_tail_has_the_same_mean() -> None:
    """Lognormal latencies have the mean that was asked for, and some are far above it."""
    latencies = Forecast(Weather(latency=0.2, sigma=1.0))._latencies
    assert latencies is not None
    assert sum(latencies) / len(latencies) == pytest.approx(0.2)
    assert max(latencies) > 2.0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"messages":[{"content":"a"},{"content":"b"}]}', b"b"),
        (b'{"messages":[{"content": "a"}],"model":"content"}', b"a"),
        (b'{"messages":[{"content":"say \\"content\\": \\"x\\""}]}', b'say \\"content\\": \\"x\\"'),
        (b'{"messages":[{"content":"ends in \\\\"}]}', b"ends in \\\\"),
        (b"{}", b""),
    ],
)
def test_the_question_is_found_without_a_parser(body: bytes, expected: bytes) -> None:
    """The last content is found, whatever stands in it."""
    assert question_of(body) == expected


# The other rows differ from these in their words alone.
MEASURED = ("idle", "collection", "cached", "llm", "sync", "dist")


@pytest.mark.parametrize("name", MEASURED)
def test_a_row_can_be_measured(
    name: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of row runs its commands and gives lines; their figures say nothing here."""
    monkeypatch.setattr(workers, "MODES", ("load",))
    bench = Bench(
        server=server, folder=tmp_path, rounds=1, warm=False, items=2, concurrency=2, latency=0.05
    )
    lines = list(rows.ROWS[name](bench))
    assert [line.what for line in lines if line.measured == ""] == []
    counts = {line.what: line for line in lines if line.bound.startswith("=")}
    assert [
        line.what for line in counts.values() if not line.ok and "flight" not in line.what
    ] == []


def test_a_missed_bound_is_said() -> None:
    """A line says by how much and whether its bound was kept."""
    lines = [at_most("wall", 1.5, 1.15, "x"), exactly("calls", 3, 3), Line(what="n", measured="1")]
    assert "1.50 x  <= 1.15 x  MISSED" in table.text_of(lines[0])
    assert "= 3" in table.text_of(lines[1])
    assert list(table.summary(lines)) == ["1 of 2 bounds kept", "missed: wall"]


def test_every_fault_can_be_run() -> None:
    """Each module of the faults has a `run`, and a docstring that says which fault it is."""
    import importlib

    for name in faults.names():
        module = importlib.import_module(f"benchmarks.faults.{name}")
        assert callable(module.run)
        assert (module.__doc__ or "").startswith("R")
