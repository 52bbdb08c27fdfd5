"""Accepting several kept runs as one: which fit together, and what they come to.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_ailoop.baseline.books import Baselines
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.baseline.pool import Pool, pooled
from pytest_ailoop.data.baseline import Accepted, EntryKey
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.record import Plan, PlannedTest, RunRecord
from pytest_ailoop.report import runs
from pytest_ailoop.report.attempts import inputs_of
from pytest_ailoop.report.runs import StoredRun
from pytest_ailoop.session.live import Session
from pytest_ailoop.session.outcome import Outcome, settle
from pytest_ailoop.settings import AcceptKind, Settings, read_config
from pytest_ailoop.text import plural

__all__ = ["misfits", "settle_pooled"]

_ALONE = "next: leave it out"


def settle_pooled(
    root: Path,
    stored: Sequence[StoredRun],
    *,
    kinds: Sequence[AcceptKind],
    barred: bool = False,
    forced: bool = False,
) -> Outcome:
    """Accept *kinds* of what *stored* runs measured together; in any order, the same.

    The gates decide anew, over all of it. Nothing is written if a run does not fit to the newest.
    Raises `ConfigError` for a configuration that cannot be read.
    """
    stored = sorted(stored, key=lambda one: one.run.id)
    newest = stored[-1]
    baselines = Baselines.of(root, newest.run.plan)
    refused = () if barred else tuple(misfits(stored, forced=forced))
    if refused:
        return replace(settle(baselines, newest.run, newest.records), refused=refused)
    plan = _plan(stored)
    resumed = {at for at, one in enumerate(stored) if _is_resumed(one.run)}
    pool = pooled([one.records for one in stored], plan, resumed=resumed)
    run = replace(
        newest.run,
        plan=plan,
        gates=_verdicts(root, plan, pool, baselines),
        exit_status=max(one.run.exit_status for one in stored),
        counts={},
    )
    outcome = settle(
        baselines,
        run,
        pool.records,
        kinds=kinds,
        barred=barred,
        forced=forced,
        missing=[key for one in stored for key in runs.missing(one.run.plan, one.records)],
        comparison=baselines.compare_measured(pool.measured, plan),
    )
    return replace(outcome, accepted=tuple(_accepted(outcome, pool)))


def _is_resumed(run: RunRecord) -> bool:
    """Return whether results may be those of an earlier run; where nobody counted, they may."""
    return run.bill is None or run.bill.kept > 0


def _accepted(outcome: Outcome, pool: Pool) -> Iterator[str]:
    if outcome.taken:
        yield pool.words(outcome.taken)
    yield from outcome.accepted
    if outcome.accepted and pool.left_out:
        cases = plural(pool.left_out, "case")
        yield f"left out where a run did not measure it: {cases}, counted from the other runs"


def _plan(stored: Sequence[StoredRun]) -> Plan:
    """Return what was to run; a pool stops nowhere, and is a part if one of its runs is."""
    newest = stored[-1].run.plan
    narrowed = dict.fromkeys(why for one in stored for why in one.run.plan.narrowed)
    tests = tuple(replace(one, stopping=None) for one in newest.tests)
    return replace(newest, tests=tests, narrowed=tuple(narrowed))


def _verdicts(root: Path, plan: Plan, pool: Pool, baselines: Baselines) -> tuple[GateVerdict, ...]:
    settings = Settings(root=root, config=read_config(root))
    return Session(settings).decided(plan, pool.records, baselines)


def misfits(stored: Sequence[StoredRun], *, forced: bool = False) -> Iterator[str]:
    """Yield, for each of *stored* runs that cannot be pooled with the newest, why and what to do.

    *forced* lets other commits and changes pass, runs of a part and those that stopped early.
    """
    newest = stored[-1]
    checks: dict[EntryKey, Accepted] = {}
    for one in reversed(stored):
        why = _misfit(one, newest, forced) or _other_check(one, checks)
        if why:
            yield f"not pooled: run {one.run.id} {why}"


def _misfit(one: StoredRun, newest: StoredRun, forced: bool) -> str:
    run, than = one.run, f"run {newest.run.id}"
    if not forced:
        why = _of_a_part(one) or _of_other_code(run, newest.run)
        if why:
            return why
    planned, first = _unnarrowed(run.plan), _unnarrowed(newest.run.plan)
    if inputs_of(planned) == inputs_of(first):
        return ""
    return f"is of another plan than {than} ({_difference(planned, first)}); {_ALONE}"


def _unnarrowed(plan: Plan) -> Plan:
    return replace(plan, narrowed=())


def _of_a_part(one: StoredRun) -> str:
    run = one.run
    if run.counts.get("settled"):
        return (
            "stopped early, so its scores are no fair sample; next: leave it out, or run with "
            "--snapshot-update, which stops nowhere (--force takes what ran)"
        )
    missing = len(runs.missing(run.plan, one.records))
    why = ", ".join(run.plan.narrowed) or (missing and f"{plural(missing, 'item')} did not run")
    if not why:
        return ""
    return f"is of a part ({why}); next: leave it out, or accept it alone (--force takes it)"


def _of_other_code(run: RunRecord, newest: RunRecord) -> str:
    forced = f"{_ALONE}, or --force if the application is the same"
    if run.commit is None:
        return f"is of no commit, so nobody can tell what it measured; {forced}"
    if run.commit != newest.commit:
        there = (newest.commit or "none")[:12]
        return f"is of commit {run.commit[:12]}, run {newest.id} of {there}; {forced}"
    if run.dirty != newest.dirty:
        return f"is of other uncommitted changes than run {newest.id}; {forced}"
    return ""


def _difference(one: Plan, other: Plan) -> str:
    mine, theirs = _tests(one), _tests(other)
    if mine.keys() != theirs.keys():
        return "other tests"
    for where, test in mine.items():
        there, name = theirs[where], where[1]
        for field, words in _PARTS.items():
            if getattr(test, field) != getattr(there, field):
                return f"other {words} of {name}"
    return "other files"


_PARTS = {
    "variants": "variants",
    "selected": "cases",
    "dataset": "data",
    "trials": "trials",
    "prompts": "prompts",
    "asked": "models",
    "gates": "gates",
    "stopping": "stopping",
    "selection": "selection",
    "tags": "tags",
    "slices": "slices",
}


def _tests(plan: Plan) -> Mapping[tuple[str, str], PlannedTest]:
    return {(one.module, one.test): one for one in plan.tests}


def _other_check(one: StoredRun, seen: dict[EntryKey, Accepted]) -> str:
    """Return by which other check a run measured what newer ones did, which are *seen*."""
    for key, entry in accepted_from(one.records, one.run.plan).entries.items():
        there = seen.setdefault(key, entry).scores
        for name in sorted(set(there) & set(entry.scores)):
            if there[name].check != entry.scores[name].check:
                return f"measured {name!r} of {key.test} by another check; {_ALONE}"
    return ""
