"""The section at the end of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ailoop.data.baseline import Change, Comparison, EntryKey, Unmeasured
from pytest_ailoop.data.record import ItemKey
from pytest_ailoop.data.score import Score
from pytest_ailoop.report.calls import calls_of
from tests.unit.report.shown import CALL, MINI, record, report, shown

KEY = EntryKey(module="t.py", test="test_x", variant=MINI, case="b")


MIXED = Comparison(
    changes=(Change(key=KEY, status="regressed"),),
    unmeasured=(Unmeasured(key=replace(KEY, case="c"), reason="skipped"),),
    incomplete=("sample 2 of 9, seed 0",),
    accepted=3,
    counts={"regressed": 1, "not measured": 1},
)


def test_the_section_shows_denominators_and_what_is_not_there() -> None:
    """A row has passed of scored, what is missing or errored is said, partial sums bear >=."""
    unpriced = replace(CALL, cost=None)
    found = report(
        record("a"),
        record("b", good=False, calls=(unpriced,)),
        cases=("a", "b", "c"),
        comparison=MIXED,
        missing=[ItemKey(module="t.py", test="test_x", variant=MINI, case="c")],
    )
    assert shown(found) == [
        "- t.py::test_x",
        "  over x.jsonl: 3 of 9 cases",
        "  variant  passed  rate [95% CI]  vs baseline    p50/p95  tokens       cost",
        "  mini        1/2    50% [9, 91]           -1  0.5s/0.5s      30  >=$0.2500",
        "  ! 2 of 3 cases scored, 1 item without a result",
        "replies: 2 recorded, 0 cached, 0 live; cost >=$0.2500",
        "paid in this run: $0, >=$0.2500 saved by recordings and cache",
        "baseline: 1 regressed, 1 not measured",
        "worst cases:",
        "  - test_x[b, mini]  failed, regressed",
        "    | contains missed: no 'x'",
        "without a result: 1 of 3 items",
        "  - test_x[c, mini]",
        "  - test_x[c, mini]  not measured: skipped",
        "incomplete: sample 2 of 9, seed 0",
        "next: ailoop show -v  (shows each case of this run)",
        "next: ailoop accept --only regressed  (accepts it as the baseline)",
    ]


@pytest.mark.parametrize(
    ("mode", "advised"), [("auto", True), ("live", True), ("record", False), ("replay", False)]
)
def test_recording_is_advised_where_it_is_not_done(mode: str, advised: bool) -> None:
    """Live replies can be kept by `ailoop record`; a run in mode `record` has just kept them."""
    live = replace(CALL, origin="live")
    found = report(record("a", calls=(live,)), cases=("a",), options={"replies": mode})
    assert advised == any("next: ailoop record " in line for line in shown(found))


def test_quiet_is_one_line() -> None:
    """With -q the run is one line that still says what is incomplete, and one for each fault."""
    found = report(record("a"), record("b", good=False), comparison=MIXED, faults=["x"])
    assert shown(found, verbose=-1) == [
        "ailoop: 1 of 2 passed (50% [9, 91]); 1 regressed, 1 not measured; incomplete; "
        "cost $0.5000; $0 paid",
        "! x",
    ]


def test_verbose_adds_checks_then_cases() -> None:
    """With -v each check has its line, with -vv each case."""
    found = report(record("a"), record("b", good=False))
    assert "  . contains: mean 0.5 over 2, expectation met 1/2" in shown(found, verbose=1)
    assert "  - test_x[a, mini]  passed" in shown(found, verbose=2)


def test_without_a_baseline_it_says_so() -> None:
    """No baseline is none yet; an unreadable one is red and never none."""
    assert "baseline: none yet" in shown(report(record("a")))
    broken = shown(report(record("a"), faults=["x.ailoop:3: damage"]))
    assert "! x.ailoop:3: damage" in broken
    assert "baseline: none yet" not in broken


def test_nothing_scored_is_no_rate() -> None:
    """Where nothing was scored the rate is n/a, not 0."""
    found = report(record("a", outcome="error", scores=(), expectations=(), calls=()))
    assert [one for one in shown(found) if one.startswith("  mini")] == [
        "  mini        0/0            n/a            -        -       -     -"
    ]


def test_trials_are_averaged_before_cases() -> None:
    """A case counts once: its rate is the mean over its trials, passed only if all passed."""
    key = ItemKey(module="t.py", test="test_x", variant=MINI, case="a")
    found = report(
        *(record("a", key=replace(key, trial=n), good=n == 1) for n in (1, 2)), record("b")
    )
    row = found.tests[0].rows[0]
    assert (row.rate, row.passed, row.scored, row.trials) == (0.75, 1, 2, 2)


def test_judges_are_counted_apart() -> None:
    """A judge's call costs on its own line and has no share in latency and tokens."""
    found = calls_of([record(calls=(CALL, replace(CALL, purpose="judge", cost=1.0, latency=9.0)))])
    assert (found.count, found.judge_count, found.p95, found.tokens) == (1, 1, 0.5, 15)
    assert (found.cost.known, found.judge_cost.known) == (0.25, 1.0)


def test_classification_shows_figures_and_confusion() -> None:
    """By default accuracy and macro F1 stand, with -v each class and each confusion."""
    labels = [("spam", "spam"), ("spam", "ham"), ("ham", "ham")]
    items = [
        record(case, scores=(Score(name="kind", label=got, expected_label=wanted),))
        for case, (wanted, got) in zip("abc", labels, strict=True)
    ]
    lost = Score(name="kind", not_scored="no label in it", expected_label="ham")
    found = report(*items, record("d", scores=(lost,)), cases=("a", "b", "c", "d"))
    first = "  . kind: accuracy 0.5 over 4, macro F1 0.583, 1 without a label count as wrong"
    assert first in shown(found)
    verbose = shown(found, verbose=1)
    assert "  .   'spam': precision 1, recall 0.5, F1 0.667, 2 expected" in verbose
    assert "  .   'spam' taken for 'ham': 1" in verbose
