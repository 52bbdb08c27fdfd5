"""Gates that compare a run with what was accepted, and cases that must pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import AcceptedFailure
from pytest_ailoop.data.record import ItemRecord
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.decide import Context, decide
from tests.fakes.gated import item, plan, run, verdict


def against(before: Sequence[ItemRecord], **more: Any) -> Context:
    return Context(baseline=accepted_from(before).entries, **more)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [(50, 50, "same"), (60, 40, "regressed"), (40, 60, "improved"), (52, 50, "inconclusive")],
)
def test_a_run_is_compared_with_what_was_accepted(before: int, after: int, status: str) -> None:
    """A proven loss beyond the margin is red, a gain or a small change is not."""
    gate = specs.no_regression(0.06)
    found = verdict(run(after, 60), gate, against(run(before, 60)))
    assert (status, status == "regressed") == (found.status, found.blocking)
    assert "baseline" == found.facts["against"]


def test_equal_outputs_need_no_statistics() -> None:
    """Where every output is the accepted one, nothing was sampled anew."""
    records = [item(f"c{at}", float(at < 3), output=f"o{at}") for at in range(5)]
    assert "unchanged" == verdict(records, specs.no_regression(), against(records)).status


@pytest.mark.parametrize(
    ("strict", "accepts", "blocking"),
    [(False, False, False), (True, False, True), (True, True, False)],
)
def test_without_a_baseline_nothing_is_compared(
    strict: bool, accepts: bool, blocking: bool
) -> None:
    """A yellow line at the desk, red in CI, and neither where this run becomes the baseline."""
    context = Context(strict=strict, accepts=accepts)
    found = verdict(run(60, 60), specs.no_regression(), context)
    assert ("no baseline", blocking) == (found.status, found.blocking)


def test_an_unreadable_baseline_is_no_missing_one() -> None:
    """Damage is an error."""
    found = verdict(
        run(60, 60), specs.no_regression(), Context(unreadable={"test_a.py": "line 3 is damaged"})
    )
    assert ("invalid", True) == (found.status, found.blocking)
    assert ("line 3 is damaged",) == found.reasons


def test_what_could_not_be_measured_is_no_other_check() -> None:
    """Where no item has a score, that is said, and not that the checks changed."""
    unmeasured = [item(f"c{at}", None) for at in range(60)]
    found = verdict(unmeasured, specs.no_regression(), against(run(60, 60)))
    assert ("invalid", True) == (found.status, found.blocking)
    assert "60 of 60 were not scored, 2% at most may be" == found.reasons[0]


def test_hard_cases_taken_out_of_the_data_set_are_missed() -> None:
    """A baseline of which more than a tenth is gone compares with nothing."""
    found = verdict(run(50, 50), specs.no_regression(), against(run(50, 60)))
    assert "invalid" == found.status
    assert "50 of the baseline's 60 cases were measured, 90% are needed" == found.reasons[0]


def test_a_loss_must_stand_among_all_comparisons_of_the_run() -> None:
    """What one gate alone calls regressed, one of twenty does not (Holm)."""
    before, after = against(run(60, 60)), run(54, 60)
    alone = specs.no_regression(0.01)
    assert "regressed" == verdict(after, alone, before).status
    many = [specs.no_regression(0.01 + at / 1000) for at in range(20)]
    found = decide(plan(after, *many), after, before)
    assert {"inconclusive"} == {one.status for one in found}


def test_what_has_no_baseline_is_no_comparison_among_them() -> None:
    """Tests that are new cannot regress: they hide no loss of those that were there."""
    before, after = against(run(60, 60)), run(54, 60)
    new = [item(f"new{at}") for at in range(5)]
    many = [specs.no_regression(0.01 + at / 1000, tag="new") for at in range(19)]
    gates = [specs.no_regression(0.01, tag="old"), *many]
    tags = {f"c{at}": ("old",) for at in range(60)} | {f"new{at}": ("new",) for at in range(5)}
    first, *others = decide(plan([*after, *new], *gates, tags=tags), [*after, *new], before)
    assert {"no baseline"} == {one.status for one in others}
    assert "regressed" == first.status


def named(test: str, records: Sequence[ItemRecord], output: str) -> list[ItemRecord]:
    return [replace(one, key=replace(one.key, test=test), output_digest=output) for one in records]


def test_a_test_that_is_unchanged_is_no_comparison_among_them() -> None:
    """Where every output and score is the accepted one nothing could fall: with nineteen of these
    a loss stands as if it were alone."""
    gate = specs.no_regression(0.01)
    before, fallen = named("test_a", run(60, 60), "old"), named("test_a", run(54, 60), "new")
    still = [one for at in range(19) for one in named(f"test_{at}", run(60, 60), "old")]
    made = plan(before, gate)
    tests = [made.tests[0], *(replace(made.tests[0], test=f"test_{at}") for at in range(19))]
    made = replace(made, tests=tuple(tests))
    first, *others = decide(made, [*fallen, *still], against([*before, *still]))
    assert {"unchanged"} == {one.status for one in others}
    assert "regressed" == first.status
    alike = [replace(one, output_digest="new") for one in still]
    first, *others = decide(made, [*fallen, *alike], against([*before, *still]))
    assert {"inconclusive"} == {one.status for one in (first, *others)}


def test_the_comparisons_of_a_test_count_together() -> None:
    """One that is unchanged beside one that is not, over the same items, is left among them."""
    gates = [specs.no_regression(0.01), *(specs.no_regression(0.01, tag=f"t{at}") for at in "abc")]
    before, after = named("test_a", run(60, 60), "old"), named("test_a", run(55, 60), "new")
    after = [*named("test_a", run(30, 60)[:30], "old"), *after[30:]]
    tags = {f"c{at}": tuple(f"t{one}" for one in "abc") for at in range(30)}
    first, *others = decide(plan(after, *gates, tags=tags), after, against(before))
    assert {"unchanged"} == {one.status for one in others}
    alone = verdict(after, gates[0], against(before))
    assert alone.p is not None
    assert first.p == pytest.approx(4 * alone.p)


def test_the_pinned_baseline_catches_what_crept_in() -> None:
    """Small losses that the rolling baseline took over are measured against the anchor."""
    rolling, anchor = accepted_from(run(45, 60)).entries, accepted_from(run(60, 60)).entries
    found = verdict(run(44, 60), specs.no_regression(0.1), Context(baseline=rolling, pinned=anchor))
    assert ("regressed", "pinned baseline") == (found.status, found.facts["against"])


def test_an_accepted_failure_holds_to_its_last_day() -> None:
    """The day itself still counts; the next does not, and nor does another test's entry."""
    entry = AcceptedFailure(
        case="c1", tests=("*",), reason="slow", owner="ann", expires="2026-05-01"
    )
    gate = specs.every_case()

    def on(day: str, one: AcceptedFailure) -> str:
        return verdict(run(1, 2), gate, Context(accepted_failures=(one,), today=day)).status

    assert "passed" == on("2026-05-01", entry)
    assert "failed" == on("2026-05-02", entry)
    assert "failed" == on("2026-05-01", replace(entry, tests=("test_b.py::*",)))
