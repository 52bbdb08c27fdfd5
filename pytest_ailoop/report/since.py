"""Why a score moved, in words: what changed since the accepted run, which cases flipped.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ailoop.data.baseline import Causes, Comparison, sorted_axes
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report import lineage
from pytest_ailoop.report.lineage import Standing
from pytest_ailoop.report.numbers import number
from pytest_ailoop.text import cut, plural

__all__ = [
    "Code",
    "GroupKey",
    "Reasons",
    "causes_words",
    "code_words",
    "flip_words",
    "flips",
    "told",
]

GroupKey = tuple[str, str, Variant]
"""Module, test and variant, its axes sorted by name."""


class Code:
    """What git knows of the code that changed since a baseline was committed; asked once each."""

    def __init__(self, root: Path, now: Standing | None = None) -> None:
        """*now* is where the code of the run stood."""
        self._root, self._now = root, now or Standing()
        self._known: dict[Path, tuple[list[str] | None, str]] = {}
        self._changed: dict[str, list[str] | None] = {}
        self._told: dict[str, str] = {}

    def since(self, baseline: Path) -> tuple[list[str] | None, str]:
        """Return the files that changed since *baseline* was committed as it is now, and in words
        how far the code has gone: `code: abc1234 -> def5678, 3 commits, 2 files not committed`.

        None where git cannot tell: no repository, a shallow one, or a baseline that is not
        committed; the words are empty where the code is the same.
        """
        if baseline not in self._known:
            self._known[baseline] = self._since(baseline)
        return self._known[baseline]

    def _since(self, baseline: Path) -> tuple[list[str] | None, str]:
        commit, is_cut = lineage.accepted_at(self._root, baseline)
        if commit is None:
            return None, _CUT if is_cut else ""
        # Most baselines were committed together: git is asked of each commit once.
        if commit not in self._changed:
            self._changed[commit] = lineage.changed_since(self._root, commit)
        found = self._changed[commit]
        if found is None or baseline.relative_to(self._root).as_posix() in found:
            return None, ""
        if commit not in self._told:
            self._told[commit] = self._words(commit)
        return [one for one in found if not lineage.is_ours(one)], self._told[commit]

    def _words(self, commit: str) -> str:
        now = self._now.commit
        counts = lineage.apart(self._root, commit, now) if now and now != commit else None
        dirty = f"{plural(self._now.files, 'file')} not committed" if self._now.files else ""
        return code_words(commit, now, counts, dirty)


_CUT = "code: not known, the history of a shallow clone is cut (fetch-depth: 0 gets all of it)"


def code_words(
    before: str | None, now: str | None, counts: tuple[int, int] | None = None, dirty: str = ""
) -> str:
    """Return `code: abc1234 -> def5678, 3 commits`: how the code of two runs stands to each other.

    *counts* are the commits that each has and the other has not; *dirty* says what was not
    committed. Empty where one of the two is not known, or nothing differs.
    """
    if before is None or now is None or (before == now and not dirty):
        return ""
    way = [before[:_SHORT] if before == now else f"{before[:_SHORT]} -> {now[:_SHORT]}"]
    back, on = counts or (0, 0)
    way += [f"{plural(back, 'commit')} back"] if back else []
    way += [f"{plural(on, 'commit')}{' on' if back else ''}"] if on else []
    return f"code: {', '.join([*way, *([dirty] if dirty else [])])}"


_SHORT = 7


def told(
    comparison: Comparison, files: Sequence[str] | None = None, *, since: str, code: str = ""
) -> Mapping[GroupKey, str]:
    """Return for each group of which a score moved what changed since, in words."""
    found = _by_group(comparison).items()
    return {
        group: causes_words(one, files, since=since, code=code) for group, one in found if one.moved
    }


class Reasons:
    """Why scores moved against the baselines; git is asked only where some did."""

    def __init__(
        self,
        code: Code,
        rolling: Comparison,
        pinned: Callable[[], Comparison],
        *,
        place: Callable[[str, str], Path],
    ) -> None:
        """*place* gives the file of a module's `baseline` or `pinned baseline`."""
        self._code, self._place, self._pinned = code, place, pinned
        self._known = {"baseline": _by_group(rolling)}

    def causes(self) -> Mapping[GroupKey, str]:
        """Return for each group of which a score moved what changed since, in words."""
        found = self._known["baseline"].items()
        return {group: self._words(one, "baseline") for group, one in found if one.moved}

    def explain(self, verdict: GateVerdict) -> GateVerdict:
        """Return a comparison's verdict with what changed and which cases flipped."""
        if verdict.gate.kind != "no_regression" or verdict.status in ("unchanged", "no baseline"):
            return verdict
        since = verdict.facts.get("against", "baseline")
        if since not in self._known:
            self._known[since] = _by_group(self._pinned())
        told = [*self._causes_of(verdict, since), flip_words(verdict.facts)]
        return replace(verdict, since=tuple(one for one in told if one))

    def _causes_of(self, verdict: GateVerdict, since: str) -> Iterator[str]:
        """Yield what changed; of a gate over several tests for each of them that moved."""
        variant = sorted_axes(verdict.variant)
        for module, test in verdict.groups:
            found = self._known[since].get((module, test, variant))
            if found is None or (verdict.tests and not found.moved):
                continue
            words = self._words(found, since)
            yield f"{test}: {words}" if verdict.tests and words else words

    def _words(self, causes: Causes, since: str) -> str:
        path = self._place(causes.module, since)
        files, code = self._code.since(path) if causes.moved else (None, "")
        return causes_words(causes, files, since=f"the {since}", code=code)


def _by_group(comparison: Comparison) -> dict[GroupKey, Causes]:
    return {(one.module, one.test, one.variant): one for one in comparison.causes}


def causes_words(
    causes: Causes, files: Sequence[str] | None = None, *, since: str, code: str = ""
) -> str:
    """Return `changed since the baseline: prompt terse (60 of 60 cases)`, or what did not.

    *files* are those that changed since, where that is known; *since* names what is compared
    with; *code* how far the code has gone, which stands last: it is where to look, no cause.
    Empty where nothing changed and nothing moved.
    """
    found = _causes_words(causes, files, since)
    return f"{found}; {code}" if found and code else found


def _causes_words(causes: Causes, files: Sequence[str] | None, since: str) -> str:
    changed = [*causes.changed, *_files(files)]
    if changed:
        return f"changed since {since}: {'; '.join(changed)}{_rescored(causes)}"
    if not causes.moved:
        return ""
    same = [*causes.same, *(["files"] if files is not None else [])]
    kept = f"same {', '.join(same)}" if same else "as far as is known"
    return f"nothing of ours changed since {since}: {kept} -> {_blame(causes, files)}"


def _files(files: Sequence[str] | None) -> tuple[str, ...]:
    if not files:
        return ()
    some = ", ".join(cut(one, 60) for one in files[:_SOME]) + ", ..." * (len(files) > _SOME)
    return (f"{plural(len(files), 'file')} in git ({some})",)


_SOME = 3


def _rescored(causes: Causes) -> str:
    if not causes.rescored or any(one.startswith(("check", "judge")) for one in causes.changed):
        return ""
    return f"; of {plural(causes.rescored, 'moved case')} the outputs are the same"


def _blame(causes: Causes, files: Sequence[str] | None) -> str:
    if causes.rescored == causes.moved:
        return "the outputs are the same, so what scores them moved"
    left = "what lies outside of git" if files is not None else "the code"
    return f"the model or {left} moved"


def flips(facts: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return the cases that flipped, by a comparison's facts: before and now, worst first."""
    found = [*facts.get("fell", ()), *facts.get("rose", ())]
    return {case: (before, now) for case, before, now in found}


def flip_words(facts: Mapping[str, Any], most: int = 5) -> str:
    """Return `fell: c3 1 -> 0, c7 1 -> 0.5; rose: c9 0 -> 1`, the worst first."""
    parts = []
    for name in ("fell", "rose"):
        found = facts.get(name, ())
        shown = [f"{cut(case, 60)} {number(old)} -> {number(new)}" for case, old, new in found]
        more = [f"{len(found) - most} more"] if len(found) > most else []
        parts += [f"{name}: {', '.join([*shown[:most], *more])}"] if found else []
    return "; ".join(parts)
