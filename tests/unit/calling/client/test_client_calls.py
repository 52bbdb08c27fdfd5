"""Whose connections `llm` uses, and what it takes from the calls that were written down."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from pytest_ailoop import recorder, redaction
from pytest_ailoop.calling.client import LLM, SyncLLM
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.errors import ReplayMissError, ReplyError
from tests.unit.calling.client.asking import KEY, Asking, Server


def test_the_key_goes_to_the_server_and_is_a_known_secret(ask: Asking) -> None:
    """From its first use on it is masked wherever text is shown."""
    ask()
    assert ask.server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert redaction.redact(f"x {KEY}") == "x [secret]"


def test_clients_of_one_server_are_shared(server: Server) -> None:
    """One pool of connections for each server and loop; a new loop has its own."""

    async def two() -> tuple[Any, Any]:
        first, second = Asking(LLM, server).llm(), Asking(LLM, server).llm(alias="b")
        found = first.client, second.client
        await first.aclose()
        return found

    one, same = asyncio.run(two())
    other, _ = asyncio.run(two())
    assert one is same
    assert one is not other
    assert Asking(SyncLLM, server).llm().client is Asking(SyncLLM, server).llm().client


def test_the_blocking_client_works_inside_a_running_loop(server: Server) -> None:
    """It sends by itself and needs no loop."""

    async def inside() -> str:
        reply: Reply[Any] = Asking(SyncLLM, server).llm()("Hello")
        return reply.text

    assert asyncio.run(inside()) == "Hi."


def test_many_calls_may_be_in_flight_together(server: Server) -> None:
    """Each gets its own reply."""
    server.body = lambda asked: json.dumps(
        {
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"content": asked["messages"][0]["content"]},
                }
            ]
        }
    ).encode()

    async def many() -> list[str]:
        llm = Asking(LLM, server).llm()
        replies = await asyncio.gather(*(llm(str(number)) for number in range(20)))
        await llm.aclose()
        return [reply.text for reply in replies]

    assert asyncio.run(many()) == [str(number) for number in range(20)]


def test_a_price_of_ones_own_is_applied(ask: Asking) -> None:
    """A local model costs what the configuration says."""
    reply = ask(spec={"price": {"input": 2.0, "output": 10.0}})
    assert reply.cost == pytest.approx(3.0)


def seen(text: str, **more: Any) -> Call:
    return Call(
        digest="d",
        path="/chat/completions",
        origin="live",
        model_asked="m",
        reply_text=text,
        **more,
    )


def test_time_and_money_come_from_the_call_that_was_written_down(
    ask: Asking, notebook: recorder.Recorder
) -> None:
    """A replayed reply has the latency and cost of the live one, not of the replay."""
    notebook.add_call(seen("Hi.", latency=99.0, cost=99.0))

    def answer(asked: dict[str, Any]) -> bytes:
        notebook.add_call(seen("Other", latency=1.0, cost=1.0))
        notebook.add_call(seen("Hi.", latency=2.0, cost=2.0, first_token=0.5))
        notebook.add_call(seen("Hi.", latency=3.0, error="reset"))
        notebook.add_call(seen("Hi.", latency=4.0, purpose="judge"))
        return json.dumps(
            {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi."}}]}
        ).encode()

    ask.server.body = answer
    reply = ask()
    assert (reply.latency, reply.cost, reply.first_token) == (2.0, 2.0, 0.5)


def test_calls_of_before_are_not_taken_for_this_one(
    ask: Asking, notebook: recorder.Recorder
) -> None:
    """Where the seam wrote nothing down, time is measured here."""
    notebook.add_call(seen("Hi.", latency=99.0, cost=99.0))
    reply = ask()
    assert reply.cost is None
    assert reply.latency is not None
    assert reply.latency < 60


@pytest.mark.parametrize("purpose", ["app", "judge"])
def test_calls_are_counted_for_whom_they_are(
    ask: Asking, purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge's requests are sent as such, whole and streamed; afterwards all is as before."""
    purposes: list[str] = []
    kind = ask.kind
    kept = kind._send

    def send(self: Any, turn: Any) -> Any:
        purposes.append(recorder.purpose())
        return kept(self, turn)

    monkeypatch.setattr(kind, "_send", send)
    llm = ask.llm(purpose=purpose)
    if kind is SyncLLM:
        llm("Hello")
        ask.server.streams({"content": "a"})
        list(llm.stream("Hello"))
    else:

        async def both() -> None:
            await llm("Hello")
            ask.server.streams({"content": "a"})
            async for _ in llm.stream("Hello"):
                purposes.append(recorder.purpose())
            await llm.aclose()

        asyncio.run(both())
        assert purposes.pop() == "app"
    assert purposes == [purpose, purpose]
    assert recorder.purpose() == "app"


def test_a_fault_of_the_recorded_path_is_raised_as_itself(
    ask: Asking, notebook: recorder.Recorder
) -> None:
    """A replay miss shows through the client's own error, not as a lost connection."""
    miss = ReplayMissError("no recording of this")
    notebook.faults.append(ReplayMissError("an older one"))

    def answer(asked: dict[str, Any]) -> bytes:
        notebook.faults.append(miss)
        return b'{"error": {"message": "x"}}'

    ask.server.body, ask.server.status = answer, 500
    with pytest.raises(ReplayMissError) as caught:
        ask()
    assert caught.value is miss


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_miss_is_traced_to_the_call_and_no_deeper(server: Server, wrapped: bool) -> None:
    """A fault of ours that comes up through the client does not bring the client's frames."""

    def send(turn: Any) -> Any:
        miss = ReplayMissError("no recording of this")
        if not wrapped:
            raise miss
        raise openai.APIConnectionError(request=Any) from miss  # type: ignore[arg-type]

    llm = Asking(SyncLLM, server).llm()
    llm._send = send
    with pytest.raises(ReplayMissError) as caught:
        llm("Hello")
    frames = [entry.name for entry in caught.traceback]
    assert ["test_a_miss_is_traced_to_the_call_and_no_deeper", "__call__"] == frames


def test_neither_repr_nor_locals_of_a_client_show_the_key(server: Server) -> None:
    """What a traceback with locals would print holds no key."""
    server.gives({"error": {"message": f"bad {KEY}"}}, 401)
    llm = Asking(SyncLLM, server).llm()
    with pytest.raises(ReplyError) as caught:
        llm("Hello")
    shown = [repr(llm)]
    frame = caught.tb.tb_next
    while frame is not None:
        shown += map(repr, frame.tb_frame.f_locals.values())
        frame = frame.tb_next
    assert len(shown) > 3
    assert KEY not in "".join(shown)
