"""What changed between the accepted run and this one, over all cases of a group; pure.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from pytest_ailoop.data.baseline import Accepted, AcceptedScore, Causes, Change
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.digest import halves

__all__ = ["causes"]

_Group = tuple[str, str, Variant]
_Both = Sequence[tuple[Change, Accepted, Accepted]]


def causes(changes: Iterable[Change], judges: Collection[str] = ()) -> tuple[Causes, ...]:
    """Return what changed for each test and variant with cases in both runs, in their order; of one
    in which nothing did, nothing.

    *judges* are the names of scores that a model gave: theirs is a prompt or a model that changed.
    """
    groups: dict[_Group, list[Change]] = {}
    for one in changes:
        groups.setdefault((one.key.module, one.key.test, one.key.variant), []).append(one)
    found = (_causes(group, members, judges) for group, members in groups.items())
    return tuple(one for one in found if one is not None)


def _causes(group: _Group, members: Sequence[Change], judges: Collection[str]) -> Causes | None:
    both = [(one, one.before, one.now) for one in members if one.before and one.now]
    if not both or not any(map(_differs_at_all, members)):
        return None
    module, test, variant = group
    words = {
        "prompts": list(_prompts(both, variant)),
        "models asked": list(_asked(both, variant)),
        "models answered": list(_pairs(both, "model answered")),
        "checks": list(_checks(both, judges)),
        "judges answered": list(_judged(both)),
        "data": list(_rows(members)),
        "trials": list(_pairs(both, "trials")),
    }
    moved = [one for one, _, _ in both if one.moved]
    return Causes(
        module=module,
        test=test,
        variant=variant,
        cases=len(both),
        moved=len(moved),
        rescored=sum(_kept_output(one) for one in moved),
        changed=tuple(one for some in words.values() for one in some),
        same=tuple(name for name, some in words.items() if not some and _is_known(name, both)),
    )


def _differs_at_all(change: Change) -> bool:
    return change.status != "unchanged" or bool({*change.causes} - {"output"})


def _is_known(name: str, both: _Both) -> bool:
    """Tell whether the accepted lines say what it was like before."""
    if name == "prompts":
        return any(before.prompt_digest for _, before, _ in both)
    if name == "models asked":
        return all(before.asked_digest for _, before, _ in both)
    if name == "models answered":
        return any(before.models_answered for _, before, _ in both)
    if name == "judges answered":
        return any(before.judges_answered and now.judges_answered for _, before, now in both)
    return name != "trials"


def _kept_output(change: Change) -> bool:
    before = change.before.output_digests if change.before else ()
    return bool(before) and "output" not in change.causes


def _of(count: int, both: _Both) -> str:
    return f"({count} of {len(both)} {'case' if len(both) == 1 else 'cases'})"


def _prompts(both: _Both, variant: Variant) -> Iterator[str]:
    count = sum("prompt" in one.causes for one, _, _ in both)
    if count:
        yield f"prompt {f'{variant.prompt} ' * bool(variant.prompt)}{_of(count, both)}"


def _asked(both: _Both, variant: Variant) -> Iterator[str]:
    differ = [
        (halves(before.asked_digest), halves(now.asked_digest))
        for one, before, now in both
        if "model asked" in one.causes
    ]
    for at, part in enumerate(("name", "parameters")):
        count = sum(before[at] != now[at] for before, now in differ)
        if count:
            yield f"{part} of the model {variant.model} {_of(count, both)}"


def _pairs(both: _Both, cause: str) -> Iterator[str]:
    """Yield from what to what it went in most cases."""
    tell = _names if cause == "model answered" else _trials
    found = Counter(
        f"{tell(before)} -> {tell(now)}" for one, before, now in both if cause in one.causes
    )
    if found:
        ((words, _),) = found.most_common(1)
        yield f"{cause} {words} {_of(found.total(), both)}"


def _names(entry: Accepted) -> str:
    return ", ".join(entry.models_answered) or "none"


def _trials(entry: Accepted) -> str:
    return f"{entry.trials} of {entry.runs} runs" if entry.runs > 1 else str(entry.trials)


def _judged(both: _Both) -> Iterator[str]:
    """Yield who answered in the place of whom, where judges were asked, in most cases."""
    found = Counter(
        tuple(", ".join(side.judges_answered) for side in (now, before))
        for one, before, now in both
        if "judge answered" in one.causes
    )
    if found:
        (((here, there), _),) = found.most_common(1)
        yield f"judge answered by {here}, was {there} {_of(found.total(), both)}"


def _checks(both: _Both, judges: Collection[str]) -> Iterator[str]:
    """Yield checks that are others, came or went.

    An item that stops at its first miss has fewer scores: that is no check that went.
    """
    there = {name for _, before, _ in both for name in before.scores}
    here = {name for _, _, now in both for name in now.scores}
    for name in sorted(there | here):
        called = name  # A judge without a name of its own is called `judge: ...` already.
        if not name.startswith("judge: "):
            called = f"{'judge' if name.partition(' #')[0] in judges else 'check'} {name}"
        if name not in there or name not in here:
            yield f"{called} {'came' if name in here else 'went'}"
            continue
        pairs = ((before.scores.get(name), now.scores.get(name)) for _, before, now in both)
        count = sum(_differs(*pair) for pair in pairs)
        if count:
            yield f"{called} {_of(count, both)}"


def _differs(before: AcceptedScore | None, now: AcceptedScore | None) -> bool:
    if before is None or now is None:
        return False
    return (before.check, before.direction) != (now.check, now.direction)


def _rows(members: Iterable[Change]) -> Iterator[str]:
    counted = Counter(
        "changed" if "case" in one.causes else {"new": "new", "missing": "gone"}.get(one.status, "")
        for one in members
    )
    words = [f"{counted[one]} {one}" for one in ("changed", "new", "gone") if counted[one]]
    if words:
        yield f"data rows ({', '.join(words)})"
