"""What a test sees of its item's calls."""

from __future__ import annotations

from pathlib import Path

from pytest_ailoop import recorder
from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import Case
from pytest_ailoop.data.variant import Variant


def trace(*calls: Call) -> recorder.Trace:
    notebook = recorder.Recorder(
        nodeid="a",
        case=Case(id="a"),
        variant=Variant(),
        trial=1,
        recordings=Path("none.jsonl"),
        is_async=True,
    )
    for one in calls:
        notebook.add_call(one)
    return recorder.Trace(notebook)


def call(digest: str, **how: object) -> Call:
    usage = Usage(input_tokens=2, output_tokens=3)
    fields = {"path": "/x", "origin": "live", "usage": usage, "cost": 0.5, "latency": 1.0, **how}
    return Call(digest=digest, **fields)  # type: ignore[arg-type]


def test_a_try_that_a_retry_healed_is_not_seen() -> None:
    """Of a call that was refused once and then answered, a test sees the answered one alone."""
    found = trace(
        call("a", error="HTTP 429", cost=0.0, latency=None, usage=Usage()),
        call("a", reply_text="yes"),
        call("judge", purpose="judge", reply_text="pass"),
    )
    assert (1, ("yes",), 0.5, 5, 1.0) == (
        len(found.calls),
        found.replies,
        found.cost,
        found.tokens,
        found.latency,
    )


def test_a_call_that_failed_for_good_is_seen() -> None:
    """A failed call without an answer at the same address stays in sight; costs stay known."""
    found = trace(call("a", error="HTTP 400", cost=0.0, usage=Usage()), call("b", reply_text="yes"))
    assert (["HTTP 400", None], ("yes",), 5) == (
        [one.error for one in found.calls],
        found.replies,
        found.tokens,
    )
