"""The accepted scores of one case, and how a run stands to them. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Literal

from pytest_ailoop.data.lazy import Lazy
from pytest_ailoop.data.record import ItemKey
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.frozen import dataclass

__all__ = [
    "Accepted",
    "AcceptedScore",
    "Causes",
    "Change",
    "ChangeStatus",
    "Comparison",
    "EntryKey",
    "Moved",
    "NewCases",
    "Unmeasured",
    "entry_key",
    "sorted_axes",
]

ChangeStatus = Literal[
    "unchanged",
    "improved",
    "regressed",
    "new",
    "missing",
    "changed case",
    "changed prompt",
    "changed check",
]
"""`changed prompt` is the status only where no score moved: a moved score says more. Scores of a
changed case or changed check are not comparable and never called improved or regressed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryKey:
    """Names a line of a baseline file: an item key without its trial."""

    module: str
    test: str
    variant: Variant
    case: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedScore:
    """One score of a case over its trials."""

    mean: float
    """Mean over the scored trials, rounded to 6 decimals."""
    n: int
    """Scored trials."""
    direction: str = "higher"
    check: str = ""
    """Digest of the check that measured it."""
    met: int | None = None
    """Trials in which the expectation on it was met; None where none was stated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """One line of a baseline file: a case under a variant, as it was accepted."""

    key: EntryKey
    scores: Mapping[str, AcceptedScore]
    trials: int
    case_digest: str
    output_digests: tuple[str, ...] = ()
    """Digest of the output by trial; None-less, empty where there was no output."""
    prompt_digest: str | None = None
    models_answered: tuple[str, ...] = ()
    dataset_digest: str = ""
    """Of the data set at the test's last acceptance."""
    asked_digest: str = ""
    """Of name and parameters of the model asked, a half each; empty where that is not known."""
    judges_answered: tuple[str, ...] = ()
    """Names in the replies to judges; empty where none was asked or that is not known."""
    runs: int = 1
    """Runs that its trials were drawn in; more than one where several were accepted pooled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """A score that differs from its accepted value."""

    name: str
    before: float
    now: float
    better: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How one case under one variant stands to the baseline."""

    key: EntryKey
    status: ChangeStatus
    moved: tuple[Moved, ...] = ()
    """Worst first."""
    causes: tuple[str, ...] = ()
    """What else differs: `prompt`, `case`, `check NAME`, `model asked`, `model answered`,
    `judge answered`, `output`, `trials`."""
    before: Accepted | None = None
    now: Accepted | None = None


class NewCases(Lazy[Change]):
    """The changes of a run without a baseline: all are new, and each is made when asked for."""

    __slots__ = ("_entries", "_order")

    def __init__(self, entries: Mapping[EntryKey, Accepted], order: Sequence[EntryKey]) -> None:
        self._entries, self._order = entries, order

    def get(self, key: EntryKey) -> Change | None:
        """Return the change of *key*; None where it was not measured."""
        now = self._entries.get(key)
        return None if now is None else Change(key=now.key, status="new", now=now)

    def __len__(self) -> int:
        return len(self._order)

    def _made(self, at: int) -> Change:
        key = self._order[at]
        return Change(key=key, status="new", now=self._entries[key])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (tuple, NewCases)):
            return tuple(self) == tuple(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} new>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmeasured:
    """A case under a variant that ran, but of which no comparable scores came out."""

    key: EntryKey
    reason: str
    """`error: TimeoutError: ...`, `skipped`, `contains not scored: ...`, `2 of 3 trials ran`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Causes:
    """What differs between the accepted run and this one, over a test under a variant."""

    module: str
    test: str
    variant: Variant
    cases: int
    """Cases in both runs."""
    moved: int
    """Those of which a score moved."""
    rescored: int = 0
    """Those of which a score moved though every output is the same."""
    changed: tuple[str, ...] = ()
    """In words, such as `prompt terse (60 of 60 cases)`."""
    same: tuple[str, ...] = ()
    """What was looked at and is as it was: `prompts`, `checks`, `data`, ..."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How a whole run stands to its baselines, by case and variant."""

    changes: Sequence[Change] = ()
    """Sorted by module, test, variant, case."""
    unmeasured: tuple[Unmeasured, ...] = ()
    not_run: tuple[EntryKey, ...] = ()
    """In a baseline, still planned or possibly so, and without any record in this run."""
    incomplete: tuple[str, ...] = ()
    """Why the comparison does not speak for all cases, in words; empty for a complete one."""
    accepted: int = 0
    """Lines of the baselines that were compared with; 0 is no baseline yet."""
    pooled: int = 1
    """Most runs that one of these lines was pooled from."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Cases by status, with `not measured`, `not run` and `not compared`; zeros are left out."""
    causes: tuple[Causes, ...] = ()
    """What changed, for each test and variant that has cases in both runs, if anything did."""

    @property
    def change_of(self) -> Callable[[EntryKey], Change | None]:
        """Looks up the change of a case."""
        if isinstance(self.changes, NewCases):
            return self.changes.get
        return {one.key: one for one in self.changes}.get


def entry_key(key: ItemKey) -> EntryKey:
    """Return the baseline line that an item counts for."""
    variant = sorted_axes(key.variant)
    return EntryKey(module=key.module, test=key.test, variant=variant, case=key.case)


def sorted_axes(variant: Variant) -> Variant:
    """Return *variant* with its axes sorted by name, as baselines keep them."""
    if len(variant.params) < 2:
        return variant
    return replace(variant, params=tuple(sorted(variant.params, key=lambda one: one[0])))
