"""What accepting a run changes in a baseline, and what it refuses; pure.

- `new`: what has no comparable line (new, changed case, changed check), and lines of which no
  score moved but something else did (changed prompt, another output, model, number of trials);
- `improved`: cases of which scores moved, all for the better;
- `regressed`: cases of which a score moved for the worse;
- `prune`: removes the lines of cases that are gone, only after a complete, passing run.

A case that was not measured in this run keeps its line whatever is accepted. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace

from pytest_ailoop.data.baseline import Accepted, Change, Comparison, EntryKey
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.settings import AcceptKind
from pytest_ailoop.text import plural

__all__ = ["Acceptance", "accept", "kind_of"]

ORDER: tuple[str, ...] = ("new", "improved", "regressed", "prune")


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """A baseline after accepting, and what was done in words."""

    entries: Mapping[EntryKey, Accepted] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    """`accepted 3 new`, `accepted 2 changed prompt`, `removed 1 missing`."""
    left: tuple[str, ...] = ()
    """What differs still, and which kind would accept it."""
    refused: tuple[str, ...] = ()
    """What was asked for by name and not done, with its reason."""
    taken: tuple[Accepted, ...] = ()
    """The lines that this run wrote anew."""


def kind_of(change: Change) -> AcceptKind | None:
    """Return the kind that accepts *change*, None where its line would stay the same."""
    if change.status == "missing":
        return "prune"
    if change.status == "improved":
        return "improved"
    if change.status == "regressed":
        return "regressed"
    return None if _is_same(change.before, change.now) else "new"


def _is_same(before: Accepted | None, now: Accepted | None) -> bool:
    """A line of an older file does not say what was asked, or who judged: no reason to write it."""
    if before is not None and now is not None:
        before = replace(
            before,
            asked_digest=before.asked_digest or now.asked_digest,
            judges_answered=before.judges_answered or now.judges_answered,
        )
    return before == now


def accept(
    old: Mapping[EntryKey, Accepted],
    comparison: Comparison,
    kinds: Iterable[AcceptKind],
    *,
    complete_and_passing: bool,
    trials_given: bool = False,
    undecided: Callable[[EntryKey], str] | None = None,
) -> Acceptance:
    """Return *old* with those changes of *comparison* that *kinds* accept.

    Lines of cases that this run did not measure are kept as they are; with *trials_given* (a
    number of trials for this run alone) so are lines that rest on more trials, and those of which
    *undecided* says what could not tell whether they got worse. The data set is told
    once for all lines of a test: it is the one of the test's last acceptance.
    """
    asked = set(kinds)
    may = asked if complete_and_passing else asked - {"prune"}
    entries = dict(old)
    done: Counter[str] = Counter()
    left: Counter[tuple[AcceptKind, str]] = Counter()
    held: Counter[str] = Counter()
    taken: list[Accepted] = []
    fewer = 0
    for change in comparison.changes:
        kind = kind_of(change)
        if kind is None:
            continue
        if trials_given and _has_fewer_trials(change):
            fewer += 1
            continue
        doubt = undecided(change.key) if undecided and change.before and kind in may else ""
        if doubt:
            held[doubt] += 1
        elif kind not in may:
            if change.status != "unchanged":
                left[kind, change.status] += 1
        elif change.now is None:
            del entries[change.key]
            done["missing"] += 1
        else:
            entries[change.key] = change.now
            done[change.status] += 1
            taken.append(change.now)
    unpruned = _unpruned(left["prune", "missing"]) if "prune" in asked - may else ()
    # Everything measured was asked for: a gone case was not measured, so keeping it is no refusal.
    everything = asked == set(ORDER)
    if unpruned:
        del left["prune", "missing"]
    return Acceptance(
        entries=_over_one_dataset(entries, taken),
        done=tuple(_done(status, done[status]) for status in sorted(done)),
        left=(
            *_left(comparison, left, old),
            *_left_for_trials(fewer),
            *(unpruned if everything else ()),
        ),
        refused=(*_held(held), *(() if everything else unpruned)),
        taken=tuple(taken),
    )


def _held(found: Mapping[str, int]) -> Iterator[str]:
    for why, count in sorted(found.items()):
        yield (
            f"left {plural(count, 'case')} as accepted before: {why}, so this may be chance; next: "
            "more cases or trials, or --ailoop-force"
        )


def _has_fewer_trials(change: Change) -> bool:
    before, now = change.before, change.now
    return before is not None and now is not None and now.trials < before.trials


def _left_for_trials(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    rest = "accepted over more trials than this run was given"
    return (f"left {plural(count, 'case')} as accepted before: {rest}",)


def _over_one_dataset(
    entries: Mapping[EntryKey, Accepted], taken: Iterable[Accepted]
) -> Mapping[EntryKey, Accepted]:
    """Were each line to keep its own, a partial run over a changed data set would rewrite lines of
    cases that it did not measure, only to say of what data set they are."""
    latest = {(one.key.module, one.key.test): one.dataset_digest for one in taken}
    return {
        key: replace(one, dataset_digest=latest.get((key.module, key.test), one.dataset_digest))
        for key, one in entries.items()
    }


def _done(status: str, count: int) -> str:
    if status == "missing":
        return f"removed {count} missing"
    words = "refreshed with unchanged scores" if status == "unchanged" else status
    return f"accepted {count} {words}"


def _left(
    comparison: Comparison,
    left: Mapping[tuple[AcceptKind, str], int],
    old: Mapping[EntryKey, Accepted],
) -> Iterable[str]:
    for (kind, status), count in sorted(left.items()):
        yield f"left {count} {status} (accepted by {kind})"
    kept = sum(one.key in old for one in comparison.unmeasured)
    if kept:
        yield f"left {plural(kept, 'case')} as accepted before: not measured in this run"
    if len(comparison.unmeasured) > kept:
        count = len(comparison.unmeasured) - kept
        yield f"accepted nothing for {plural(count, 'case')}: not measured in this run"


def _unpruned(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (f"left {count} missing (pruning needs a complete run that passes)",)
