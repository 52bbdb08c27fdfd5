"""How much of an item's texts is shown: bounded, with what is left out told."""

from __future__ import annotations

import time

import pytest

from pytest_ailoop import text
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.record import ItemKey, ItemRecord
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.failure import failure_lines


def record(output: str, prompt: str = "user: hello") -> ItemRecord:
    call = Call(digest="r", path="/chat/completions", origin="recording", prompt_text=prompt)
    return ItemRecord(
        key=ItemKey(module="t.py", test="test_x", variant=Variant(), case="a"),
        nodeid="t.py::test_x[a]",
        outcome="failed",
        case_digest="d",
        calls=(call,),
        output=output,
    )


@pytest.mark.parametrize(
    "output",
    ["y" * 10_000_000, "\x00" * 300_000, "::error\n" * 1_000_000, "a" * 999 + "\n" + "b" * 99],
    ids=["one line", "control", "lines", "across lines"],
)
def test_a_failure_shows_a_few_kilobytes_at_most(output: str) -> None:
    """A model that never stops does not flood the terminal, be it by lines or by one long line."""
    started = time.monotonic()
    found = failure_lines(record(output, output), baseline_output="x" + output)
    assert sum(map(len, found)) < 5_000
    assert any(" more" in line for line in found)
    assert time.monotonic() - started < 20


def test_everything_is_shown_when_asked_for() -> None:
    """From -vv on nothing is left out."""
    output = "y" * 5_000
    assert "  | " + output in failure_lines(record(output), verbose=2)


def test_what_is_left_out_of_a_line_is_counted() -> None:
    """A cut line says by how much."""
    (_, line) = failure_lines(record("y" * 2_000, ""))[:2]
    assert line == "  | " + "y" * 1000 + "... 1000 characters more in this line (-vv shows all)"


def test_the_difference_of_long_texts_is_shown_where_it_is() -> None:
    """Two long lines that differ at their end are shown around the difference."""
    old, new = "same " * 1_000 + "old end", "same " * 1_000 + "new end"
    found = "\n".join(failure_lines(record(new, ""), baseline_output=old))
    assert "  | -..." in found
    assert "old end\n" in found
    assert "new end" in found


@pytest.mark.parametrize("line", ["-- a rule", "--", "++i", "@@ x", "--- a", "+++ b"])
def test_a_difference_loses_no_line_that_looks_like_its_head(line: str) -> None:
    """Removed and added rows that begin with signs are shown like all others."""
    assert [f"-{line}", "+new"] == list(text.diff(line, "new"))
    assert ["-old", f"+{line}"] == list(text.diff("old", line))
