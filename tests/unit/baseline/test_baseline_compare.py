"""How a run stands to its baseline, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ailoop.baseline.compare import change_of, compare
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.baseline import Accepted, AcceptedScore
from pytest_ailoop.data.record import Fault
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from tests.unit.baseline.records import entry, key, now, plan, record, score

BEFORE = entry()


LOW = entry(scores={"contains": score(0.5), "passed": score(0.0, check="")})


STATUSES = [
    (None, {}, "new", ()),
    (BEFORE, {}, "unchanged", ()),
    (BEFORE, {"output_digests": ("o2",)}, "unchanged", ("output",)),
    (BEFORE, {"models_answered": ("x",)}, "unchanged", ("model answered",)),
    (BEFORE, {"trials": 2}, "unchanged", ("trials",)),
    (BEFORE, {"prompt_digest": "p2"}, "changed prompt", ("prompt",)),
    (BEFORE, {"case_digest": "d2", **now(contains=score(0.0))}, "changed case", ("case",)),
    (BEFORE, now(contains=score(0.5)), "regressed", ()),
    (BEFORE, {"prompt_digest": "p2", **now(contains=score(0.5))}, "regressed", ("prompt",)),
    (LOW, now(), "improved", ()),
    (LOW, now(passed=score(0.0, check="")), "improved", ()),
    # A changed check's own scores, and the outcome that hangs on them, are not comparable.
    (
        BEFORE,
        now(contains=score(0.0, check="c2"), passed=score(0.0, check="")),
        "changed check",
        ("check contains",),
    ),
    # ... but another check's fall is still seen.
    (
        entry(**now(b=score(1.0))),
        now(contains=score(1.0, check="c2"), b=score(0.0)),
        "regressed",
        ("check contains",),
    ),
    # A turned direction is another measurement.
    (BEFORE, now(contains=score(2.0, direction="lower")), "changed check", ("check contains",)),
    # An item that stops early has fewer scores: its outcome's fall counts.
    (BEFORE, {"scores": {"passed": score(0.0, check="")}}, "regressed", ("check contains",)),
    # A check taken out does not make a failing case an improved one.
    (LOW, {"scores": {"passed": score(1.0, check="")}}, "changed check", ("check contains",)),
    # A check put in does not make a passing case a regressed one.
    (BEFORE, now(b=score(0.0), passed=score(0.0, check="")), "changed check", ("check b",)),
    # The same test, which now gets further.
    (entry(scores={"passed": score(0.0, check="")}), now(), "improved", ("check contains",)),
]


@pytest.mark.parametrize(("before", "changes", "status", "causes"), STATUSES)
def test_status_of_a_case(
    before: Accepted | None, changes: dict[str, object], status: str, causes: tuple[str, ...]
) -> None:
    """A case's status says what its comparable scores did, and its causes what else differs."""
    change = change_of(before, entry(**changes))
    assert (status, causes) == (change.status, change.causes)


def test_worst_move_stands_first() -> None:
    """Moves are sorted from the largest loss to the largest gain."""
    before = entry(scores={"a": score(1.0), "b": score(1.0), "c": score(0.0)})
    after = entry(scores={"a": score(0.9), "b": score(0.2), "c": score(0.1)})
    assert [one.name for one in change_of(before, after).moved] == ["b", "a", "c"]


def test_less_is_better_where_the_score_says_so() -> None:
    """A falling score of direction lower is an improvement."""
    before = entry(scores={"edits": score(4.0, direction="lower")})
    after = entry(scores={"edits": score(2.0, direction="lower")})
    assert change_of(before, after).status == "improved"


def test_missing_and_not_run_are_told_apart() -> None:
    """A case gone from its data set is missing; one that was not selected is just not run."""
    other = entry(key=key("a", variant=Variant(model="gone")))
    dropped = entry(key=key("a", test="test_gone"))
    old = [entry("a"), entry("b"), entry("z"), other, dropped]
    baseline = {one.key: one for one in old}
    found = compare(baseline, accepted_from([record("a")], plan("a")), plan("a"))
    missing = [one.key for one in found.changes if one.status == "missing"]
    assert [other.key, key("z"), dropped.key] == missing
    assert (key("b"),) == found.not_run
    assert (found.counts["missing"], found.counts["not run"]) == (3, 1)


def test_a_test_of_a_module_seen_in_part_is_not_missing() -> None:
    """Without the module as a whole, a test that was not collected is not run, never missing."""
    dropped = entry(key=key("a", test="test_gone"))
    part = plan("a", whole_modules=())
    found = compare({dropped.key: dropped}, accepted_from([record("a")], part), part)
    assert (dropped.key,) == found.not_run


UNSCORED = Score(name="polite", not_scored="no verdict")


UNMEASURED = [
    ({"outcome": "error", "fault": Fault(type="TimeoutError", message="x")}, "error: TimeoutError"),
    ({"outcome": "skipped", "scores": ()}, "skipped"),
    ({"scores": (UNSCORED,)}, "polite not scored: no verdict"),
    ({"scores": (Score(name="x", value=float("nan")),)}, "x not scored: nan"),
    ({"scores": ()}, "no score was recorded"),
    ({"expectations": (Expectation(name="x", standing="unknown"),)}, "x could not tell"),
]


@pytest.mark.parametrize(("changes", "reason"), UNMEASURED)
def test_a_case_with_an_unmeasured_trial_has_no_entry(
    changes: dict[str, object], reason: str
) -> None:
    """One trial that errored, was skipped or unscored keeps the case out, with its reason."""
    measured = accepted_from([record(trial=1), record(trial=2, **changes)])
    assert not measured.entries
    assert measured.unmeasured[0].reason.startswith(f"trial 2: {reason}")
    old = {key(): entry()}
    assert compare(old, measured, plan("a")).counts == {"not measured": 1}


def test_a_case_with_a_missing_trial_has_no_entry() -> None:
    """Two of three planned trials are no measurement of the case."""
    full = plan("a")
    planned = replace(full, tests=(replace(full.tests[0], trials={"a": 3}),))
    measured = accepted_from([record(trial=1), record(trial=3)], planned)
    assert tuple(one.reason for one in measured.unmeasured) == ("2 of 3 trials ran",)


def test_an_entry_holds_means_over_trials() -> None:
    """Scores are averaged over the trials, met expectations counted, doubled names told apart."""
    twice = (Score(name="n", value=0.5), Score(name="n", value=1.0))
    bars = (
        Expectation(name="n", standing="missed"),
        Expectation(name="not n", standing="met", negated=True),
    )
    records = [record(trial=two, scores=twice, expectations=bars) for two in (2, 1)]
    records.append(
        record(trial=3, scores=(Score(name="n", value=0.0), twice[1]), expectations=bars)
    )
    (found,) = accepted_from(records).entries.values()
    assert {
        "n": AcceptedScore(mean=0.333333, n=3, met=0),
        "n #2": AcceptedScore(mean=1.0, n=3, met=3, direction="lower"),
    } == found.scores
    assert found.trials == 3


@pytest.mark.parametrize(
    ("bar", "direction"),
    [
        (Expectation(name="x", standing="met", at_least=1.0), "higher"),
        (Expectation(name="x", standing="met", at_most=1.0), "lower"),
        (Expectation(name="x", standing="met", at_least=0.0, at_most=1.0), "higher"),
        (Expectation(name="not x", standing="met", at_least=1.0, negated=True), "lower"),
        (Expectation(name="not x", standing="met", at_most=1.0, negated=True), "higher"),
    ],
)
def test_the_bar_says_which_way_is_better(bar: Expectation, direction: str) -> None:
    """A negated expectation, and a bar with at_most alone, want the score low."""
    item = record(scores=(Score(name="x", value=0.5),), expectations=(bar,))
    (found,) = accepted_from([item]).entries.values()
    assert found.scores["x"].direction == direction


@pytest.mark.parametrize("turn", [False, True])
def test_a_negated_check_is_not_taken_for_a_negated_expectation(turn: bool) -> None:
    """`to(negated(x))` beside `to(x)`: both are wanted high, and each has its own verdict."""
    scores = (Score(name="not x", value=0.0), Score(name="x", value=1.0))
    bars = (Expectation(name="not x", standing="missed"), Expectation(name="x", standing="met"))
    step = -1 if turn else 1
    item = record(scores=scores[::step], expectations=bars[::step])
    (found,) = accepted_from([item]).entries.values()
    assert {
        "not x": AcceptedScore(mean=0.0, n=1, met=0),
        "x": AcceptedScore(mean=1.0, n=1, met=1),
    } == found.scores


def test_incomplete_says_why() -> None:
    """What keeps the comparison from speaking for all cases is listed in words."""
    part = plan("a", "b", narrowed=("-k refund",))
    found = compare({}, accepted_from([record("a")], part), part)
    assert found.incomplete == ("-k refund", "1 planned case did not run")
