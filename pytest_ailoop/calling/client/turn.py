"""One request on its way: what was asked, when, and what the running item's notebook saw of it.

All that the async and the blocking client share. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from pytest_ailoop import recorder
from pytest_ailoop.calling.client.connections import base_url_of
from pytest_ailoop.calling.client.failures import client_errors, failure, own_fault, unusable
from pytest_ailoop.calling.client.lean import Found
from pytest_ailoop.calling.client.reading import reply_fields
from pytest_ailoop.calling.client.request import Asked
from pytest_ailoop.calling.parse import chat
from pytest_ailoop.calling.parse.shapes import as_text, items, obj
from pytest_ailoop.calling.prices import cost_of
from pytest_ailoop.data.call import Call, Purpose, Usage
from pytest_ailoop.data.reply import Reply
from pytest_ailoop.data.variant import ModelSpec

__all__ = ["Turn"]

T = TypeVar("T")


class Turn(Generic[T]):
    """Made right before the request is sent; gives its reply or the fault to raise."""

    def __init__(self, spec: ModelSpec, asked: Asked, purpose: Purpose) -> None:
        self.asked = asked
        self._spec = spec
        self._purpose: Purpose = "judge" if purpose == "judge" else recorder.purpose()
        self._notebook = recorder.current()
        self._calls_before = len(self._notebook.calls) if self._notebook else 0
        self._faults_before = len(self._faults())
        self._chunks: list[Mapping[str, Any]] = []
        self._first: float | None = None
        self._call: Call | None = None
        #: What is to be raised, where what was sent brought no completion.
        self.fault: Exception | None = None
        self._started = time.perf_counter()

    @contextlib.contextmanager
    def attributed(self) -> Iterator[None]:
        """Count what is sent inside for whom it is; what the client raises there becomes `fault`.

        Raised after it, the fault is not chained to the client's own error, with headers in its
        frames.
        """
        self.fault = None
        judging = recorder.judging() if self._purpose == "judge" else contextlib.nullcontext()
        try:
            with judging:
                yield
        except client_errors() as error:
            self.fault = self._fault_of(error)

    def took(self, found: Found) -> Any:
        """Note the call that the short way made, and return its completion."""
        self._call = found.call
        return found.completion

    def _fault_of(self, error: Exception) -> Exception:
        """Return what to raise for *error*: the fault of ours behind it, else a `ReplyError`."""
        ours = own_fault(error)
        if ours is not None:
            # Where it was found, far below in the client, tells the reader nothing.
            return ours.with_traceback(None)
        fresh = self._faults()[self._faults_before :]
        return fresh[-1] if fresh else failure(self._spec, error)

    def _faults(self) -> list[Exception]:
        return self._notebook.faults if self._notebook else []

    def take(self, chunk: Any) -> str:
        """Keep a chunk of a stream and return its text; the first text is timed."""
        data = chunk.to_dict()
        self._chunks.append(data)
        choice = obj(next(iter(items(data.get("choices"))), None))
        text = as_text(obj(choice.get("delta")).get("content")) or ""
        if text and self._first is None:
            self._first = time.perf_counter() - self._started
        return text

    def streamed(self) -> Reply[T]:
        """Return the reply that the chunks make; raises `ReplyError` where the end is missing."""
        whole = chat.join(self._chunks)
        if not any(choice.get("finish_reason") for choice in whole["choices"]):
            raise unusable(
                self._spec,
                "the stream ended before the model said that it was done",
                whole["choices"][0]["message"] if whole["choices"] else "nothing",
                step="the server cut it off; run again, or ask without streaming",
            )
        return self._reply(whole, tuple(self._chunks))

    def whole(self, completion: Any) -> Reply[T]:
        """Return the reply in *completion*; raises `ReplyError` where it holds none."""
        data = completion.to_dict() if hasattr(completion, "to_dict") else completion
        choices = items(obj(data).get("choices"))
        if not choices or not obj(choices[0]).get("message"):
            told = obj(data).get("error")
            raise unusable(self._spec, "the reply has no choices", told or data)
        return self._reply(data, data)

    def _reply(self, completion: Mapping[str, Any], raw: Any) -> Reply[T]:
        elapsed = time.perf_counter() - self._started
        fields = reply_fields(completion, self.asked)
        call = self._call or self._seen(fields["text"])
        return Reply(
            **fields,
            cost=self._cost(fields["usage"], fields["model"], call),
            latency=call.latency if call and call.latency is not None else elapsed,
            first_token=call.first_token if call else self._first,
            raw=raw,
        )

    def _seen(self, text: str) -> Call | None:
        """Return the call that the seam wrote down for this turn, if it did.

        Turns of one item may be in flight together; equal texts of the same model are equal.
        """
        fresh = self._notebook.calls[self._calls_before :] if self._notebook else []
        ours = [
            one
            for one in fresh
            if one.purpose == self._purpose
            and one.model_asked == self._spec.model
            and not one.error
        ]
        same = [one for one in ours if one.reply_text.startswith(text)]
        return same[-1] if same else ours[0] if len(ours) == 1 else None

    def _cost(self, usage: Usage, answered: str | None, call: Call | None) -> float | None:
        if call is not None and self._spec.price is None:
            return call.cost
        found = (
            cost_of(usage, name, price=self._spec.price, base_url=base_url_of(self._spec))
            for name in (answered, self._spec.model)
        )
        return next((cost for cost in found if cost is not None), None)
