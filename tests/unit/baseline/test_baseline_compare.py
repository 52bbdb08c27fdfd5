"""A run against the accepted scores: statuses, what is not measured, and what accepting changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ailoop.baseline.accept import accept
from pytest_ailoop.baseline.compare import change_of, compare
from pytest_ailoop.baseline.extension import (
    AiloopBaselineExtension,
    read_baseline,
    snapshot_name,
    write_baseline,
)
from pytest_ailoop.baseline.file import baseline_path, dump
from pytest_ailoop.baseline.measure import Measured, accepted_from
from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import Fault, ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.errors import BaselineError

MODULE = "evals/test_support.py"
MINI = Variant(model="mini")


def key(case: str = "a", *, test: str = "test_answers", variant: Variant = MINI) -> EntryKey:
    return EntryKey(module=MODULE, test=test, variant=variant, case=case)


def entry(case: str = "a", **changes: object) -> Accepted:
    values: dict[str, object] = {
        "key": key(case),
        "scores": {"contains": score(1.0), "passed": score(1.0, check="")},
        "trials": 1,
        "case_digest": "d1",
        "output_digests": ("o1",),
        "prompt_digest": "p1",
        "dataset_digest": "s1",
    }
    return Accepted(**{**values, **changes})  # type: ignore[arg-type]


def score(mean: float, *, check: str = "c1", direction: str = "higher") -> AcceptedScore:
    return AcceptedScore(mean=mean, n=1, check=check, direction=direction)


def plan(*cases: str, known: tuple[str, ...] = ("a", "b", "c"), **changes: object) -> Plan:
    test = PlannedTest(
        module=MODULE,
        test="test_answers",
        variants=(MINI,),
        dataset=DatasetFacts(
            name="x.jsonl", digest="s1", size=len(known), case_digests=dict.fromkeys(known, "d1")
        ),
        selected=cases,
        trials=dict.fromkeys(cases, 1),
    )
    values = {"tests": (test,), "whole_modules": (MODULE,)}
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def record(case: str = "a", *, trial: int = 1, value: float = 1.0, **changes: object) -> ItemRecord:
    values: dict[str, object] = {
        "key": ItemKey(module=MODULE, test="test_answers", variant=MINI, case=case, trial=trial),
        "nodeid": f"{MODULE}::test_answers[{case}]",
        "outcome": "passed",
        "case_digest": "d1",
        "scores": (Score(name="contains", value=value, check="c1"),),
    }
    return ItemRecord(**{**values, **changes})  # type: ignore[arg-type]


def now(**scores: AcceptedScore) -> dict[str, object]:
    return {"scores": {"contains": score(1.0), "passed": score(1.0, check=""), **scores}}


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


def comparison_of(*now: Accepted, old: dict[EntryKey, Accepted], cases: tuple[str, ...]) -> object:
    measured = Measured(entries={one.key: one for one in now})
    return compare(old, measured, plan(*cases, known=("up", "down", "new", "same", "out")))


ACCEPTED = [
    (("new",), {"up": 0.5, "down": 1.0, "new": 1.0, "gone": 1.0}),
    (("improved",), {"up": 1.0, "down": 1.0, "gone": 1.0}),
    (("regressed",), {"up": 0.5, "down": 0.5, "gone": 1.0}),
    (("prune",), {"up": 0.5, "down": 1.0}),
    (("new", "improved", "regressed", "prune"), {"up": 1.0, "down": 0.5, "new": 1.0}),
]


def moved_run() -> tuple[dict[EntryKey, Accepted], object]:
    one, half = {"contains": score(1.0)}, {"contains": score(0.5)}
    old = [entry("up", scores=half), entry("down", scores=one), entry("gone", scores=one)]
    new = [entry("up", scores=one), entry("down", scores=half), entry("new", scores=one)]
    baseline = {item.key: item for item in old}
    return baseline, comparison_of(*new, old=baseline, cases=("up", "down", "new"))


@pytest.mark.parametrize(("kinds", "expected"), ACCEPTED)
def test_each_kind_accepts_its_own(kinds: tuple[str, ...], expected: dict[str, float]) -> None:
    """Accepting a kind changes the lines of that kind and no other."""
    old, found = moved_run()
    result = accept(old, found, kinds, complete_and_passing=True)  # type: ignore[arg-type]
    assert expected == {
        one.case: value.scores["contains"].mean for one, value in result.entries.items()
    }


def test_a_partial_run_never_prunes() -> None:
    """Without a complete, passing run a missing line stays, and the refusal is said."""
    old, found = moved_run()
    result = accept(old, found, ("prune",), complete_and_passing=False)  # type: ignore[arg-type]
    assert old == result.entries
    assert result.refused == ("left 1 missing (pruning needs a complete run that passes)",)


def test_accepting_everything_refuses_nothing() -> None:
    """Where all kinds are accepted, a gone case that stays is told, and is no refusal."""
    old, found = moved_run()
    result = accept(
        old,
        found,  # type: ignore[arg-type]
        ("new", "improved", "regressed", "prune"),
        complete_and_passing=False,
    )
    assert result.refused == ()
    assert result.left == ("left 1 missing (pruning needs a complete run that passes)",)


def test_what_is_left_is_said_with_its_kind() -> None:
    """After accepting less than all, the words name what differs still."""
    old, found = moved_run()
    result = accept(old, found, ("improved",), complete_and_passing=True)  # type: ignore[arg-type]
    assert result.done == ("accepted 1 improved",)
    assert result.left == (
        "left 1 new (accepted by new)",
        "left 1 missing (accepted by prune)",
        "left 1 regressed (accepted by regressed)",
    )


def test_unmeasured_cases_are_told_by_whether_they_have_a_line() -> None:
    """What was never accepted is not called left as it was accepted."""
    old = {key("a"): entry("a")}
    run = accepted_from([record("a", outcome="skipped"), record("b", outcome="skipped")])
    found = compare(old, run, plan("a", "b"))
    result = accept(old, found, ["new"], complete_and_passing=False)
    assert result.left == (
        "left 1 case as accepted before: not measured in this run",
        "accepted nothing for 1 case: not measured in this run",
    )
    assert old == result.entries


def test_storage_goes_through_the_extension(tmp_path: Path) -> None:
    """What is written is read back; syrupy's roles see one snapshot a case."""
    entries = {one.key: one for one in (entry("a"), entry("b", dataset_digest="s0"))}
    assert write_baseline(tmp_path, MODULE, entries)
    assert entries == read_baseline(tmp_path, MODULE)
    assert not write_baseline(tmp_path, MODULE, entries)
    location = str(baseline_path(tmp_path, MODULE))
    extension = AiloopBaselineExtension()
    collection = extension.read_snapshot_collection(snapshot_location=location)
    assert [snapshot_name(key("a")), snapshot_name(key("b"))] == [one.name for one in collection]
    line = extension.read_snapshot_data_from_location(
        snapshot_location=location, snapshot_name=snapshot_name(key("a")), session_id=""
    )
    assert extension.serialize(entry("a")) == line


def test_a_file_goes_with_its_last_case(tmp_path: Path) -> None:
    """Removing all cases removes the file; one that stays keeps it."""
    entries = {one.key: one for one in (entry("a"), entry("b"))}
    write_baseline(tmp_path, MODULE, entries)
    write_baseline(tmp_path, MODULE, {key("b"): entry("b")})
    assert {key("b"): entry("b")} == read_baseline(tmp_path, MODULE)
    write_baseline(tmp_path, MODULE, {})
    assert not baseline_path(tmp_path, MODULE).exists()


def test_a_damaged_file_is_never_overwritten(tmp_path: Path) -> None:
    """Writing over a file that cannot be read is refused and leaves it as it is."""
    path = baseline_path(tmp_path, MODULE)
    path.parent.mkdir(parents=True)
    path.write_text("<<<<<<< HEAD\n")
    with pytest.raises(BaselineError, match="git conflict markers"):
        write_baseline(tmp_path, MODULE, {key("a"): entry("a")})
    assert path.read_text() == "<<<<<<< HEAD\n"


def test_lines_of_one_test_are_over_one_data_set() -> None:
    """Accepting a part over a changed data set moves the test's digest, and leaves other lines."""
    old = {one.key: one for one in (entry("a"), entry("b"))}
    now = entry("a", dataset_digest="s2", output_digests=("o2",))
    found = compare(old, Measured(entries={now.key: now}), plan("a"))
    result = accept(old, found, ["new"], complete_and_passing=False)
    assert {"s2"} == {one.dataset_digest for one in result.entries.values()}
    assert dump(old.values()).splitlines()[3] == dump(result.entries.values()).splitlines()[3]
