"""Which results of several runs are draws of their own, and what they come to together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_ailoop.baseline.pool import Pool, pooled
from pytest_ailoop.data.baseline import Accepted
from pytest_ailoop.data.call import Call, Origin, Purpose
from pytest_ailoop.data.record import ItemRecord
from tests.fakes.gated import item, plan


def call(origin: Origin, purpose: Purpose = "app") -> Call:
    return Call(digest="d", path="/chat/completions", origin=origin, purpose=purpose)


def asked(
    origin: Origin, passed: float | None = 1.0, *, case: str = "a", **more: Any
) -> ItemRecord:
    return item(case, passed, calls=(call(origin),), **more)


def silent(output: str, passed: float = 1.0, *, case: str = "a") -> ItemRecord:
    return item(case, passed, output=output)


def pool(*runs: Sequence[ItemRecord]) -> Pool:
    return pooled(runs, plan(runs[-1]))


def line(found: Pool, case: str = "a") -> Accepted:
    (entry,) = (one for key, one in found.measured.entries.items() if key.case == case)
    return entry


def told(found: Pool) -> str:
    return found.words(list(found.measured.entries.values()))


def test_every_live_result_is_a_draw() -> None:
    """The line is the mean over the draws of all runs, and says how many they were."""
    found = pool([asked("live", 1.0)], [asked("live", 0.0)], [asked("live", 0.0)])
    assert (3, 0.333333) == (line(found).trials, line(found).scores["passed"].mean)
    assert 3 == line(found).runs
    assert [1, 2, 3] == [one.key.trial for one in found.records]
    assert "accepted 1 line pooled over 3 runs (3 draws)" == told(found)


@pytest.mark.parametrize("stored", ["cache", "recording"])
def test_a_stored_reply_is_no_draw_where_another_run_has_one(stored: Origin) -> None:
    """Whether it is equal or not, and whichever run came first."""
    for runs in (
        [[asked("live", 1.0)], [asked(stored, 0.0)]],
        [[asked(stored, 0.0)], [asked("live", 1.0)]],
    ):
        found = pool(*runs)
        assert (1, 1.0) == (line(found).trials, line(found).scores["passed"].mean)
        assert 1 == line(found).runs
        assert told(found).endswith("(1 draw; 1 stored reply counted once)")


def test_stored_replies_alone_count_once() -> None:
    """From the newest run: that is what the cache holds now."""
    found = pool([asked("cache", 0.0)], [asked("cache", 0.0)], [asked("cache", 1.0)])
    assert (1, 1.0) == (line(found).trials, line(found).scores["passed"].mean)
    assert told(found).endswith("(1 draw; 2 stored replies counted once)")


def test_each_trial_is_looked_at_alone() -> None:
    """A run that had one trial in the cache and drew the other anew adds one."""
    first = [asked("live", 1.0), asked("live", 1.0, trial=2)]
    found = pool(first, [asked("cache", 1.0), asked("live", 0.0, trial=2)])
    assert (3, 0.666667) == (line(found).trials, line(found).scores["passed"].mean)


def test_one_live_call_makes_a_draw() -> None:
    """What an application asks second may differ, though its first question was answered before."""
    mixed = item("a", 0.0, calls=(call("cache"), call("live")))
    assert 2 == line(pool([asked("live", 1.0)], [mixed])).trials


def test_a_judge_that_is_asked_anew_is_no_draw() -> None:
    """The application's answer is the same one."""
    again = item("a", 0.0, calls=(call("cache"), call("live", "judge")))
    found = pool([asked("live", 1.0)], [again])
    assert (1, 1.0) == (line(found).trials, line(found).scores["passed"].mean)


def test_what_calls_nothing_counts_once() -> None:
    """The same code over the same case gives the same: no draw, however often it runs."""
    found = pool([silent("x")], [silent("x")], [silent("x")])
    assert 1 == line(found).trials
    assert told(found).endswith("(1 draw; 2 results without a call counted once)")


def test_a_result_that_was_kept_is_the_draw_of_the_run_it_comes_from() -> None:
    """A run that went on with another holds copies; equal results of other runs are two draws."""
    first = [asked("live", 1.0, duration=0.5), asked("live", None, case="b")]
    second = [first[0], asked("live", 0.0, case="b")]
    found = pooled([first, second], plan(second), resumed={1})
    assert (1, 1) == (line(found).trials, line(found, "b").trials)
    assert told(found).endswith("(2 draws; 1 result kept by --ailoop-resume counted once)")
    assert 2 == line(pool(first, second)).trials


def test_a_system_that_is_random_by_itself_counts_each_time() -> None:
    """All its cases do, also those that happened to be the same: else luck would weigh less."""
    first = [silent("x", 1.0), silent("y", 1.0, case="b")]
    found = pool(first, [silent("z", 0.0), silent("y", 1.0, case="b")])
    assert (2, 0.5) == (line(found).trials, line(found).scores["passed"].mean)
    assert 2 == line(found, "b").trials


def test_a_run_that_did_not_measure_a_case_does_not_count_there() -> None:
    """The others do, and it is said; what no run measured has no line and stays for the gates."""
    bad = [asked("live", None), asked("live", None, case="b")]
    found = pool([asked("live", 1.0), asked("live", None, case="b")], bad)
    assert (1, 1) == (line(found).trials, found.left_out)
    assert ["b"] == [one.key.case for one in found.measured.unmeasured]
    assert ["a", "b"] == [one.key.case for one in found.records]


def test_an_error_does_not_hide_the_draw_that_followed() -> None:
    """The judge failed live; the next run judged the same answer from the cache."""
    found = pool([asked("live", None)], [asked("cache", 1.0)])
    assert (1, 1.0) == (line(found).trials, line(found).scores["passed"].mean)


def test_the_words_are_of_the_lines_that_were_written() -> None:
    """Of two cases one was accepted: its draws are counted, not the other's."""
    runs = [[asked("live"), asked("live", case="b")], [asked("live"), asked("cache", case="b")]]
    found = pool(*runs)
    assert "accepted 1 line pooled over 2 runs (2 draws)" == found.words([line(found)])
    assert told(found).startswith("accepted 2 lines pooled over 2 runs (3 draws; 1 stored reply")
