"""From item records to baseline entries: means over trials, or why not. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from math import fsum, isfinite
from typing import Any, TypeVar, cast

from pytest_ailoop.baseline.line import rounded
from pytest_ailoop.data.baseline import (
    Accepted,
    AcceptedScore,
    EntryKey,
    Unmeasured,
    entry_key,
    sorted_axes,
)
from pytest_ailoop.data.record import ItemRecord, Plan, PlannedTest
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.digest import digest_of_set
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import one_line, plural

T = TypeVar("T")

__all__ = ["Measured", "accepted_from", "planned_keys"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a run says about each case that it touched: an entry, or a reason for none."""

    entries: Mapping[EntryKey, Accepted] = field(default_factory=dict)
    unmeasured: tuple[Unmeasured, ...] = ()
    judges: frozenset[str] = frozenset()
    """Names of scores that a model gave."""


def planned_keys(plan: Plan) -> Iterator[EntryKey]:
    """Yield every selected case under every variant."""
    for test in plan.tests:
        for variant in map(sorted_axes, test.variants):
            for case in test.selected:
                yield EntryKey(module=test.module, test=test.test, variant=variant, case=case)


class _Planned:
    """What a plan says of a case, without a key for each of a hundred thousand."""

    def __init__(self, plan: Plan, *, counts: bool = True) -> None:
        self._counts = counts
        self._tests = {(one.module, one.test): one for one in plan.tests}
        self._variants = {
            where: frozenset(map(sorted_axes, one.variants)) for where, one in self._tests.items()
        }
        self._cases = {where: frozenset(one.selected) for where, one in self._tests.items()}

    def trials(self, key: EntryKey) -> int | None:
        """Return how many trials a case should have had; None where no plan says it."""
        if not self._counts:
            return None
        where = key.module, key.test
        test = self._tests.get(where)
        if test is None or key.variant not in self._variants[where]:
            return None
        return test.trials.get(key.case, 1) if key.case in self._cases[where] else None

    def test(self, key: EntryKey) -> PlannedTest | None:
        """Return the test that a case is of, where it is planned."""
        return self._tests.get((key.module, key.test))


def accepted_from(
    records: Iterable[ItemRecord], plan: Plan | None = None, *, pooled: bool = False
) -> Measured:
    """Return each case's scores as means over its trials, in the order of the records.

    *pooled* records are of several runs of *plan*: as many trials as there are, however many a run
    has of each case.

    A case of which a trial errored, was skipped, was not scored or (by *plan*) is missing has no
    entry: a mean over what happened to work is no measurement of the case.
    """
    planned, alike = _Planned(plan or Plan(), counts=not pooled), _Alike()
    judges: set[str] = set()
    found: dict[EntryKey, list[ItemRecord] | Accepted | Unmeasured] = {}
    for record in records:
        key = entry_key(record.key)
        members = found.setdefault(key, [])
        trials = planned.trials(key)
        if not isinstance(members, list):
            words = f"more than the {plural(trials or 0, 'planned trial')} ran"
            found[key] = Unmeasured(key=key, reason=words)
            continue
        members.append(record)
        judges.update(one.name for one in record.scores if one.kind == "judge")
        if len(members) == trials:
            # Now, not at the end: a long run's records do not fit into memory together.
            found[key] = _measured(key, members, planned, alike)
    for key, members in found.items():
        if isinstance(members, list):
            found[key] = _measured(key, members, planned, alike)
    unmeasured = tuple(one for one in found.values() if isinstance(one, Unmeasured))
    for one in unmeasured:
        del found[one.key]
    return Measured(
        entries=cast("dict[EntryKey, Accepted]", found),
        unmeasured=unmeasured,
        judges=frozenset(judges),
    )


def _measured(
    key: EntryKey, members: list[ItemRecord], planned: _Planned, alike: _Alike
) -> Accepted | Unmeasured:
    members.sort(key=lambda one: one.key.trial)
    whole = planned.trials(key) or len(members)
    ran = [one for one in members if one.outcome != "settled"]
    if not ran:
        return Unmeasured(key=key, reason="settled without it")
    # Trials that were not needed are none that are lacking.
    whole, members = whole - (len(members) - len(ran)), ran
    reason = _why_not(members, whole)
    if reason:
        return Unmeasured(key=key, reason=reason)
    return _entry(key, members, planned.test(key), alike)


#: Values of their own are all a case has where so many differ.
_KNOWN = 5000


class _Alike:
    """Gives equal values as one object: most cases of a run have the same scores."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def scores(self, found: dict[str, AcceptedScore]) -> Mapping[str, AcceptedScore]:
        return self.one(tuple(found.items()), found)

    def one(self, name: Hashable, value: T) -> T:
        if name not in self._known and len(self._known) >= _KNOWN:
            return value
        known: T = self._known.setdefault(name, value)
        return known


def _why_not(members: Sequence[ItemRecord], planned: int) -> str:
    for record in members:
        reason = _why_not_item(record)
        if reason:
            return reason if planned == 1 else f"trial {record.key.trial}: {reason}"
    if len(members) < planned:
        return f"{len(members)} of {plural(planned, 'trial')} ran"
    return ""


def _why_not_item(record: ItemRecord) -> str:
    if record.outcome == "skipped":
        return "skipped"
    unscored = next((one for one in record.scores if _unscored(one)), None)
    if unscored is not None:
        why = unscored.not_scored or f"{unscored.value} is no finite number"
        return f"{unscored.name} not scored: {one_line(why, 120)}"
    if record.outcome == "error":
        fault = record.fault
        words = f"{fault.type}: {fault.message}" if fault else "no reason was kept"
        return f"error: {one_line(words, 120)}"
    unknown = next((one for one in record.expectations if one.standing == "unknown"), None)
    if unknown is not None:
        return f"{unknown.name} could not tell: {one_line(unknown.reason, 120)}"
    return "" if record.scores else "no score was recorded"


def _unscored(score: Score) -> bool:
    return score.not_scored is not None or (score.value is not None and not isfinite(score.value))


def _entry(
    key: EntryKey, members: Sequence[ItemRecord], test: PlannedTest | None, alike: _Alike
) -> Accepted:
    first = members[0]
    digests = {} if test is None else test.dataset.case_digests
    known = digests.get(key.case)
    answered: dict[str, set[str]] = {"app": set(), "judge": set()}
    for record in members:
        for call in record.calls:
            if call.model_answered:
                answered[call.purpose].add(call.model_answered)
    return Accepted(
        key=key,
        scores=alike.scores(_scores(members)),
        trials=len(members),
        case_digest=known if known == first.case_digest else first.case_digest,
        output_digests=tuple(one.output_digest for one in members if one.output_digest),
        prompt_digest=first.prompt_digest,
        models_answered=alike.one(models := tuple(sorted(answered["app"])), models),
        dataset_digest="" if test is None else test.dataset.digest,
        asked_digest="" if test is None else test.asked.get(key.variant.model or "", ""),
        judges_answered=alike.one(judges := tuple(sorted(answered["judge"])), judges),
    )


def _scores(members: Sequence[ItemRecord]) -> dict[str, AcceptedScore]:
    found: dict[str, list[_Stated]] = {}
    for record in members:
        for name, score, bars in _named_scores(record):
            if score.value is not None:
                found.setdefault(name, []).append((score, bars))
    return {name: _accepted(found[name]) for name in sorted(found)}


_Stated = tuple[Score, list[Expectation]]


def _named_scores(record: ItemRecord) -> Iterator[tuple[str, Score, list[Expectation]]]:
    """Yield the record's scores under names made unique (`contains`, `contains #2`), each with
    the expectations on it."""
    seen: Counter[str] = Counter()
    total = Counter(score.name for score in record.scores)
    for score in record.scores:
        name = score.name
        seen[name] += 1
        bars = [one for one in record.expectations if one.score == name]
        if len(bars) == total[name]:
            bars = [bars[seen[name] - 1]]
        yield (name if seen[name] == 1 else f"{name} #{seen[name]}"), score, bars


def _accepted(pairs: Sequence[_Stated]) -> AcceptedScore:
    values = [score.value for score, _ in pairs if score.value is not None]
    stated = [all(one.standing == "met" for one in bars) for _, bars in pairs if bars]
    checks = {score.check for score, _ in pairs}
    return AcceptedScore(
        mean=rounded(fsum(values) / len(values)),
        n=len(values),
        direction=_direction(*pairs[0]),
        check=checks.pop() if len(checks) == 1 else digest_of_set(checks),
        met=sum(stated) if stated else None,
    )


def _direction(score: Score, bars: Sequence[Expectation]) -> str:
    """Return which way is better: as the score says, unless the bar on it says otherwise.

    `not_to(contains(...))` wants the check's score low, and so does a bar with `at_most` alone.
    """
    turned = False
    for one in bars[:1]:
        only_at_most = one.at_most is not None and one.at_least is None
        turned = one.negated != (only_at_most and score.direction == "higher")
    if not turned:
        return score.direction
    return "lower" if score.direction == "higher" else "higher"
