"""What settles a group early, against the verdict of the full run."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import AcceptedFailure, GateSpec, StopRule
from pytest_ailoop.data.record import ItemRecord, Plan
from pytest_ailoop.data.score import Score
from pytest_ailoop.gates import specs
from pytest_ailoop.gates.bets import Mean
from pytest_ailoop.gates.decide import Context, decide, settlings
from pytest_ailoop.gates.settling import TOGETHER, Settling
from pytest_ailoop.gates.stopping import order
from pytest_ailoop.gates.watches import Counted, Fixed
from pytest_ailoop.stats.intervals import clopper_pearson_bound
from tests.fakes.gated import item, plan, run
from tests.fakes.stopping import cases, group, stopped

CASES = StopRule(by="cases")


@functools.cache
def by_bounds(k: int, n: int, bar: float) -> str:
    if clopper_pearson_bound(k, n, 0.05, "lower") >= bar:
        return "passed"
    return "failed" if clopper_pearson_bound(k, n, 0.05, "upper") < bar else "inconclusive"


def full_status(k: int, n: int, bar: float, unscored: int) -> str:
    """Return the verdict by the bounds themselves, as `decide_rate` takes them."""
    if unscored > 0.02 * (n + unscored):
        return "invalid"
    found = {by_bounds(k, n, bar), by_bounds(k, n + unscored, bar)}
    return "inconclusive" if n < 2 or len(found) > 1 else found.pop()


def test_a_curtailed_verdict_is_that_of_the_full_run() -> None:
    """In 10,000 of 10,000 random runs, some with cases that were not scored (S10)."""
    chance = random.Random(7)
    early = 0
    for _ in range(10_000):
        n, bar = chance.choice([2, 5, 12, 20, 33, 45, 60, 110]), chance.choice([0.3, 0.5, 0.8, 0.9])
        rate, lost = chance.random(), chance.choice([0.0, 0.0, 0.01])
        watch = Counted(n, bar, 0.05, lambda case: None)
        outcomes = [float(chance.random() < rate) for _ in range(n)]
        for at, outcome in enumerate(outcomes):
            watch.count(None if chance.random() < lost else outcome)
            if watch.settled:
                early += at < n - 1
                break
        rest = sum(outcomes[watch.seen + watch.unscored :])
        k = watch.passes + int(rest)
        told = watch.settled or "open"
        expected = full_status(k, n - watch.unscored, bar, watch.unscored)
        assert expected == told or (told == "open" and expected in ("invalid", "inconclusive"))
    assert early > 5_000


def test_what_can_no_more_be_told_is_settled_too() -> None:
    """20 cases can only rule a rate of 90 % out; once they cannot, the rest is for nothing."""
    watch = Counted(20, 0.9, 0.05, lambda case: None)
    for _ in range(16):
        assert not watch.settled
        watch.count(1.0)
    assert "inconclusive" == watch.settled


def test_a_fixed_data_set_is_settled_by_what_is_left() -> None:
    """Shares of trials as well: in 2,000 random runs the verdict is that of all cases."""
    chance = random.Random(11)
    gate = specs.pass_rate(0.6, fixed=True)
    early = 0
    for _ in range(2_000):
        n, trials, rate = chance.randint(1, 12), chance.randint(1, 3), chance.random()
        rows = [[float(chance.random() < rate) for _ in range(trials)] for _ in range(n)]
        watch = Fixed(gate, n)
        for at, case in enumerate(cases(rows)):
            watch.take(case)
            if watch.settled:
                early += at < n - 1
                break
        mean = sum(map(sum, rows)) / n / trials
        assert watch.settled in ("", "passed" if mean >= 0.6 - 1e-12 else "failed")
        assert watch.settled or abs(mean - 0.6) < 1e-6
    assert early > 1_000


@pytest.mark.parametrize(("rate", "wrong"), [(0.8, "passed"), (0.8, "failed")])
def test_betting_on_a_mean_errs_as_often_as_it_says(rate: float, wrong: str) -> None:
    """Looked at after each of 60 cases, at the bar itself, either verdict comes up in 2.5 %."""
    chance = random.Random(5)
    gate = specs.mean("polite", 0.8)
    errors = 0
    for _ in range(400):
        watch = Mean(gate, 60)
        for _ in range(60):
            watch._bet.after(*[2.0 * (chance.random() < rate) - 1] * 2)
        errors += watch._bet.says == {"passed": "yes", "failed": "no"}[wrong]
    assert errors <= 400 * 0.025 + 8


def polite(case: str, value: float, *, trial: int = 1) -> ItemRecord:
    score = Score(name="polite", value=value, kind="code")
    outcome = Score(name="passed", value=1.0, kind="outcome")
    return item(case, trial=trial, scores=(score, outcome))


@pytest.mark.parametrize(("value", "status"), [(1.0, "passed"), (0.2, "failed")])
def test_a_mean_is_settled_by_betting(value: float, status: str) -> None:
    """Clear scores settle it long before the last case; the line says after how many."""
    records = [polite(f"c{at}", value) for at in range(200)]
    (found,) = stopped(records, specs.mean("polite", 0.6))
    assert status == found.status
    assert 4 < found.facts["settled_after"] < 60
    assert found.cases == found.facts["settled_after"]
    assert "e-process" in found.facts["settled"]


def test_the_verdict_is_that_of_the_first_cases_in_any_order() -> None:
    """Whatever comes first, and whatever ran ahead, the same cases decide and say the same."""
    chance = random.Random(3)
    records = [item(f"c{at}", float(chance.random() < 0.9)) for at in range(60)]
    first = stopped(records, specs.pass_rate(0.5))
    assert 30 < first[0].facts["settled_after"] < 60
    for _ in range(20):
        chance.shuffle(records)
        assert first == stopped(records, specs.pass_rate(0.5), of=60)


def test_items_beyond_the_end_count_for_nothing() -> None:
    """With them or without them, the verdict is the same to the last figure."""
    records = run(60, 60)
    gate = specs.pass_rate(0.5)
    found = settling(records, gate)
    needed = [one for one in records if found.needs(one.key.case, 1)]
    assert found.seen == len(needed) < 60
    assert stopped(records, gate) == stopped(needed, gate, of=60)


def settling(records: Sequence[ItemRecord], *gates: GateSpec, of: int | None = None) -> Settling:
    return group(records, *gates, rule=CASES, of=of or len(records))


def test_each_item_that_a_verdict_may_hang_on_is_needed() -> None:
    """Never is it settled after fewer cases than were said to be needed at least."""
    chance = random.Random(13)
    for _ in range(300):
        n, rate = chance.randint(2, 80), chance.random()
        records = [item(f"c{at}", float(chance.random() < rate)) for at in range(n)]
        gates = [specs.pass_rate(0.7), specs.every_case()][: chance.randint(1, 2)]
        found = settling([], *gates, of=n)
        chance.shuffle(records)
        told = []
        for at, record in enumerate(records):
            told.append((at, found.fewest))
            found.add(record.key.case, trial(record))
            if found.is_settled:
                break
        end = at + 1
        if found.is_settled:
            assert all(at + fewest <= end for at, fewest in told)


def test_what_one_case_may_settle_is_not_asked_one_by_one() -> None:
    """Eight at a time; as many as are lacking at least where that is known."""
    exact = settling([], specs.pass_rate(0.5), of=60)
    assert exact.fewest == exact.side_by_side == 37
    one = settling([], specs.every_case(), of=60)
    assert (1, TOGETHER) == (one.fewest, one.side_by_side)


def trial(record: ItemRecord) -> Any:
    from pytest_ailoop.gates.groups import trial_of

    return trial_of(record)


def test_cases_are_looked_at_in_a_shuffled_order() -> None:
    """By the seed alone: other cases and other rows before change nothing."""
    names = [f"c{at}" for at in range(20)]
    found = order(0, names)
    assert sorted(found) == sorted(names) != found != order(1, names)
    assert [one for one in found if one != "c7"] == order(0, sorted({*names} - {"c7"}))


def test_all_gates_must_be_settled() -> None:
    """One that needs every item keeps the others' cases going."""
    records = run(60, 60)
    assert not settling(records, specs.pass_rate(0.5), specs.max_cost(1)).is_settled
    assert not settling(records, specs.pass_rate(0.5), specs.metric("accuracy", 0.5)).is_settled
    assert settling(records, specs.pass_rate(0.5), specs.every_case()).is_settled


def test_the_first_failure_settles_what_must_never_fail() -> None:
    """every_case is failed for good; until then every case is needed."""
    records = [item(f"c{at}", float(at != 7)) for at in range(20)]
    found = settling(records, specs.every_case())
    assert found.is_settled
    assert "c7" == found._order[found.seen - 1]
    assert ("failed", ("c7",)) == (stopped(records, specs.every_case())[0].status,
                                   stopped(records, specs.every_case())[0].named)  # fmt: skip


def test_an_entry_of_another_test_keeps_no_case_running() -> None:
    """Who may fail elsewhere fails here; an entry of this test lets the rest run until its day."""
    entry = {"case": "c7", "reason": "", "owner": "", "expires": "2026-02-01"}
    records = [item(f"c{at}", float(at != 7)) for at in range(20)]
    gate = specs.every_case()
    for tests, today, seen in (("test_b", "01", None), ("test_a", "03", None), ("*", "01", 20)):
        known = AcceptedFailure(tests=(tests,), **entry)
        context = Context(accepted_failures=[known], today=f"2026-{today}-01")
        found = group(records, gate, rule=CASES, of=20, context=context)
        assert found.is_settled
        assert (seen or found._order.index("c7") + 1) == found.seen
        (told,) = stopped(records, gate, context=context)
        assert ("passed" if seen else "failed") == told.status


def test_a_result_that_changes_is_looked_at_anew() -> None:
    """A rerun may open what was settled."""
    found = settling([], specs.every_case(), of=5)
    first = found._order[0]
    found.add(first, trial(item(first, 0.0)))
    assert found.is_settled
    found.add(first, trial(item(first, 1.0)))
    assert not found.is_settled


def test_what_was_settled_wrongly_is_not_decided() -> None:
    """Where a needed item has no result, the gate is inconclusive, and says what is lacking."""
    records = run(20, 60)[:20]
    narrowed = ("stopped early: settled after 20 of 60 items",)
    (found,) = stopped(records, specs.pass_rate(0.5), of=60, narrowed=narrowed)
    assert "inconclusive" == found.status
    assert found.reasons[0].startswith("not decided: 20 of 60 items ran")


@pytest.mark.parametrize(("after", "status"), [(150, "same"), (60, "regressed")])
def test_a_comparison_is_settled_by_betting(after: int, status: str) -> None:
    """No worse or worse, long before the last case, with a p-value for both halves."""
    before = Context(baseline=accepted_from(run(150, 200)).entries)
    (found,) = stopped(run(after, 200), specs.no_regression(0.1), context=before)
    assert status == found.status
    assert found.facts["settled_after"] < 150
    assert "e-process" in found.facts["settled"]
    if status == "regressed":
        assert found.p is not None
        assert found.p <= 0.05


def test_without_a_baseline_nothing_is_settled() -> None:
    """The run that may become one is measured whole."""
    assert not settling(run(60, 60), specs.no_regression()).is_settled


def test_a_loss_must_stand_among_all_comparisons_before_it_settles() -> None:
    """Among a thousand of them it takes more cases."""
    before = Context(baseline=accepted_from(run(200, 200)).entries)
    gate = specs.no_regression(0.05)
    alone = group(run(0, 200), gate, rule=CASES, context=before, of=200)
    among = group(run(0, 200), gate, rule=CASES, context=before, of=200, comparisons=1000)
    assert alone.seen < among.seen


def test_a_kept_run_is_decided_the_same() -> None:
    """The rule stands in the plan, which is kept with the run."""
    from pytest_ailoop.data.record import plain, plan_from

    records = run(60, 60)
    made = plan(records, specs.pass_rate(0.5), stopping=CASES)
    again: Plan = plan_from(plain(made))
    assert CASES == again.tests[0].stopping
    assert decide(made, records, Context()) == decide(again, records, Context())
    assert settlings(plan(records, specs.pass_rate(0.5)), Context()) == {}
