"""A gate over simulated cases, decided by the rules that ship: `pytest_ailoop.gates.decide`."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal
from unittest.mock import patch

from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey, entry_key
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.gate import GateSpec, StopRule
from pytest_ailoop.data.record import ItemKey, ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.gates import comparison, groups, thresholds
from pytest_ailoop.gates.decide import Context, decide
from pytest_ailoop.gates.groups import trial_of
from pytest_ailoop.gates.outlook import Outlook

__all__ = ["SCORE", "Found", "Setting", "simulated", "without_outlook"]

SCORE = "polite"
"""A score beside the outcome, for gates over a mean."""

_MODULE, _TEST, _PLAIN = "test_it.py", "test_it", Variant()


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is simulated: a gate, when it looks, and how the system answers."""

    gate: GateSpec
    by: Literal["cases", "rounds"]
    """Whether it looks after each case, or after each round of trials of all cases."""
    cases: int
    rate: float
    """How likely a right answer is, on average over cases."""
    trials: int = 1
    """Of each case; by rounds, at most."""
    spread: float = 0.0
    """How much trials of a case are alike: the correlation between them. The chances of cases are
    Beta; with 1 each case is right always, or never."""
    drop: float = 0.0
    """How much worse the system is than when the baseline was accepted."""
    base_trials: int = 1
    """Of each case of the baseline."""
    best: float = 1.0
    """The score of a right answer; of a wrong one it is 0."""
    fixed: float = 0.0
    """The share of cases, the first ones, that are right for sure: the easy ones."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of so many runs."""

    statuses: Counter[str]
    made: int
    """Items whose results the verdicts hang on."""
    planned: int


@dataclass
class _Suite:
    """Records of every answer that there can be, and the baselines' lines; made once."""

    setting: Setting
    plan: Plan = field(init=False)
    records: list[list[tuple[ItemRecord, ItemRecord]]] = field(init=False)
    """By case and trial: wrong, right."""
    lines: list[list[Accepted]] = field(init=False)
    """By case and how many of the accepted trials were right."""

    def __post_init__(self) -> None:
        one = self.setting
        names = [f"c{at}" for at in range(one.cases)]
        digests = {name: f"digest of {name}" for name in names}
        test = PlannedTest(
            module=_MODULE,
            test=_TEST,
            variants=(_PLAIN,),
            dataset=DatasetFacts(name="c.jsonl", digest="d", size=one.cases, case_digests=digests),
            selected=tuple(names),
            trials=dict.fromkeys(names, one.trials),
            gates=(one.gate,),
        )
        self.plan = Plan(tests=(test,))
        numbers = range(1, one.trials + 1)
        self.records = [
            [(_record(one, name, k, False), _record(one, name, k, True)) for k in numbers]
            for name in names
        ]
        self.lines = [
            [_line(name, right, one.base_trials) for right in range(one.base_trials + 1)]
            for name in names
        ]

    @contextlib.contextmanager
    def remembered(self) -> Iterator[None]:
        """Let what gates look at in a record be taken from it once, not in each run."""
        every = [one for case in self.records for pair in case for one in pair]
        trials = {id(one): trial_of(one) for one in every}
        keys = {id(one.key): entry_key(one.key) for one in every}

        def known(key: ItemKey) -> EntryKey:
            return keys.get(id(key)) or entry_key(key)

        with (
            patch.object(groups, "trial_of", lambda record: trials[id(record)]),
            patch.object(groups, "entry_key", known),
        ):
            yield

    def ordered(self, seed: int) -> Plan:
        """Return the plan with cases in the order that *seed* gives."""
        one = self.setting
        rule = StopRule(by=one.by, seed=seed)
        if one.by == "rounds":
            rule = replace(rule, most=one.trials)
        (test,) = self.plan.tests
        return replace(self.plan, tests=(replace(test, stopping=rule),))


def _record(one: Setting, case: str, trial: int, right: bool) -> ItemRecord:
    scores = (Score(name="passed", value=float(right), kind="outcome"),)
    if one.gate.kind == "mean":
        scores = (Score(name=SCORE, value=one.best * right), *scores)
    return ItemRecord(
        key=ItemKey(module=_MODULE, test=_TEST, variant=_PLAIN, case=case, trial=trial),
        nodeid=f"{_MODULE}::{_TEST}[{case}-{trial}]",
        outcome="passed" if right else "missed",
        case_digest=f"digest of {case}",
        scores=scores,
    )


def _line(case: str, right: int, of: int) -> Accepted:
    key = entry_key(ItemKey(module=_MODULE, test=_TEST, variant=_PLAIN, case=case))
    score = AcceptedScore(mean=round(right / of, 6), n=of)
    return Accepted(key=key, scores={"passed": score}, trials=of, case_digest=f"digest of {case}")


def simulated(one: Setting, runs: int, seed: str) -> Found:
    """Return what *runs* runs say, each with new cases, answers and a new order of cases."""
    chance = Random(f"{seed} {one}")
    suite = _Suite(setting=one)
    statuses: Counter[str] = Counter()
    made = 0
    with without_outlook(), suite.remembered():
        for number in range(runs):
            records, baseline = _drawn(suite, chance)
            (verdict,) = decide(suite.ordered(number), records, Context(baseline=baseline))
            statuses[verdict.status] += 1
            made += _made(one, verdict.facts)
    return Found(statuses=statuses, made=made, planned=runs * one.cases * one.trials)


def _drawn(suite: _Suite, chance: Random) -> tuple[list[ItemRecord], dict[EntryKey, Accepted]]:
    one = suite.setting
    records: list[ItemRecord] = []
    baseline: dict[EntryKey, Accepted] = {}
    compares = one.gate.kind == "no_regression"
    factor = (one.rate - one.drop) / one.rate
    for at, (answers, lines) in enumerate(zip(suite.records, suite.lines, strict=True)):
        rate = 1.0 if at < one.fixed * one.cases else _rate(one, chance)
        if compares:
            line = lines[sum(chance.random() < rate for _ in range(one.base_trials))]
            baseline[line.key] = line
        now = rate * factor
        records += [pair[chance.random() < now] for pair in answers]
    return records, baseline


def _rate(one: Setting, chance: Random) -> float:
    # So that with the easy cases the mean over all of them is the rate.
    rate = (one.rate - one.fixed) / (1 - one.fixed)
    if one.spread == 0:
        return rate
    if one.spread == 1:
        return float(chance.random() < rate)
    weight = (1 - one.spread) / one.spread
    return chance.betavariate(rate * weight, (1 - rate) * weight)


def _made(one: Setting, facts: Any) -> int:
    after = facts.get("settled_after")
    if after is None:
        return one.cases * one.trials
    return int(after) * (one.trials if one.by == "cases" else one.cases)


@contextlib.contextmanager
def without_outlook() -> Iterator[None]:
    """Leave out what verdicts say of further cases, and remember what pure functions returned.

    That is nine tenths of the time, and no part of a status (a test holds both against each other).
    """
    nothing = Outlook(drop=None)
    with (
        patch.object(comparison, "outlook_of", lambda *_, **__: nothing),
        patch.object(comparison, "of_counts", functools.cache(comparison.of_counts)),
        patch.object(thresholds, "cases_for_rate", lambda *_, **__: None),
        patch.object(thresholds, "cases_for_mean", lambda *_, **__: None),
        patch.object(
            thresholds, "clopper_pearson_bound", functools.cache(thresholds.clopper_pearson_bound)
        ),
    ):
        yield
