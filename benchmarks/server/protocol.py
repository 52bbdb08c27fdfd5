"""One connection: requests found in the bytes that come, answers sent when their time is there."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections import Counter
from typing import Any

from benchmarks.server import answers
from benchmarks.server.weather import Fault, Forecast, Weather

__all__ = ["Connection", "State"]


class State:
    """What all connections of the server share."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.connections = 0
        self.change(Weather())

    def change(self, weather: Weather) -> None:
        """Behave by *weather* from now on, and count anew."""
        self.forecast = Forecast(weather)
        self.calls = self.in_flight = self.most = self.cut = 0
        self.met: Counter[str] = Counter()
        self.log: list[tuple[float, str]] = []
        self.generation = getattr(self, "generation", 0) + 1

    def stats(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "in_flight": self.in_flight,
            "max_in_flight": self.most,
            "cut": self.cut,
            "faults": dict(self.met),
            "connections": self.connections,
            "cpu": time.process_time(),
        }


class Connection(asyncio.Protocol):
    """Reads requests one after another; clients that send the next one early are not served."""

    __slots__ = ("_buffer", "_generation", "_pending", "_state", "_transport")

    def __init__(self, state: State) -> None:
        self._state = state
        self._buffer = b""
        #: What will answer the request under way; None between requests.
        self._pending: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._state.connections += 1

    def connection_lost(self, _: BaseException | None) -> None:
        self._state.connections -= 1
        if self._pending is not None:
            self._pending.cancel()
            self._state.cut += 1
            self._over()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        while (end := buffer.find(b"\r\n\r\n") + 4) > 3:
            end_of_body = end + _length(buffer, end)
            if len(buffer) < end_of_body:
                break
            self._request(buffer[:end], buffer[end:end_of_body])
            buffer = buffer[end_of_body:]
        self._buffer = buffer

    def _request(self, head: bytes, body: bytes) -> None:
        target = head[: head.find(b"\r\n")].split(b" ")[1]
        if target.endswith(answers.CHAT):
            self._chat(body)
        else:
            self._transport.write(self._control(target, body))

    def _control(self, target: bytes, body: bytes) -> bytes:
        state = self._state
        found: Any = {"error": "no such endpoint"}
        if target == b"/stats":
            found = state.stats()
        elif target == b"/log":
            found = state.log
        elif target == b"/weather":
            state.change(Weather.of(json.loads(body)))
            found = {}
        text = json.dumps(found).encode()
        status = b"404 Not Found" if "error" in found else b"200 OK"
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        return head % (status, len(text)) + text

    def _chat(self, body: bytes) -> None:
        state = self._state
        state.calls += 1
        state.in_flight = flying = state.in_flight + 1
        if flying > state.most:
            state.most = flying
        self._generation = state.generation
        question, forecast = answers.question_of(body), state.forecast
        weather = forecast.weather
        if weather.log:
            state.log.append((time.monotonic(), question.decode("utf-8", "replace")))
        fault = forecast.fault(question)
        if fault is not None:
            state.met[fault.kind] += 1
        delay = forecast.latency(question)
        text = answers.answer_of(body, question, weather.size)
        whole = answers.streamed if b'"stream":true' in body else answers.chat
        if fault is not None:
            self._pending = state.loop.call_later(delay, self._fail, fault, whole(text))
        elif delay:
            self._pending = state.loop.call_later(delay, self._send, whole(text))
        else:
            self._send(whole(text))

    def _send(self, answer: bytes) -> None:
        self._over()
        self._transport.write(answer)

    def _over(self) -> None:
        self._pending = None
        if self._generation == self._state.generation:
            self._state.in_flight -= 1

    def _fail(self, fault: Fault, answer: bytes) -> None:
        kind = fault.kind
        if kind == "drip":
            self._drip(answer, 0)
        elif kind == "reset":
            self._over()
            self._reset()
        elif kind == "truncate":
            self._send(answer[: -max(1, len(answer) // 4)])
            self._transport.close()
        elif kind == "garbage":
            self._send(answers.chat(b"").replace(b'"choices"', b"choices"))
        elif kind != "hang":
            self._send(answers.error(kind.encode(), fault.headers))
        # A hanging request stays pending until its connection is lost.

    def _drip(self, answer: bytes, sent: int) -> None:
        """Send the head whole, then a byte at a time, and never the last one."""
        until = max(sent + 1, answer.find(b"\r\n\r\n") + 4)
        if until < len(answer):
            self._transport.write(answer[sent:until])
        loop, pause = self._state.loop, self._state.forecast.weather.drip
        self._pending = loop.call_later(pause, self._drip, answer, until)

    def _reset(self) -> None:
        """Cut the connection so that the other side sees a reset, not an end."""
        found: socket.socket = self._transport.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def _length(buffer: bytes, end: int) -> int:
    at = buffer.find(b"ontent-length:", 0, end)
    if at < 0:
        at = buffer.find(b"ontent-Length:", 0, end)
    return int(buffer[at + 14 : buffer.find(b"\r\n", at)]) if at >= 0 else 0
