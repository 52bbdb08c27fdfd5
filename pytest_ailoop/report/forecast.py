"""What a run would ask and cost, told from the runs before it; nothing is run for it.

An item whose case, prompt and model are as they were asks what it asked then. Another one is taken
for the mean of its test under its model, or under another model with the tokens of that one. What
no run tells of stays unknown, and every sum that it is missing from says so. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Literal

from pytest_ailoop.data.baseline import EntryKey, entry_key
from pytest_ailoop.data.call import Call, Purpose
from pytest_ailoop.data.record import ItemKey, ItemRecord
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.frozen import dataclass

__all__ = ["Basis", "Forecast", "Sources", "Sum", "Wanted", "forecast"]

Basis = Literal["same", "mean", "other model", "unknown"]
"""How an item's calls are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """An item that is to run."""

    key: ItemKey
    case_digest: str
    prompt_digest: str | None = None
    model: ModelSpec | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What a forecast asks besides the history."""

    stored: Callable[[ItemKey, str], bool]
    """Whether the reply to a call, by its digest, would be read and not asked for."""
    price: Callable[[Call, ModelSpec | None], float | None]
    """US dollars of a call, made by its own or by another model."""
    once: bool = True
    """Whether a second call to the same digest is answered by the first one's reply."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """Calls to one model for one purpose; means of items make parts of calls."""

    model: str
    purpose: Purpose = "app"
    items: int = 0
    """Items that make such calls."""
    calls: float = 0.0
    stored: float = 0.0
    """Of them, those that are answered without asking: free."""
    live: float = 0.0
    tokens: float = 0.0
    """Input and output of the live ones, of those that say."""
    uncounted: float = 0.0
    """Live ones that do not say."""
    cost: float = 0.0
    """US dollars of the live ones whose price is known."""
    unpriced: float = 0.0
    seconds: float = 0.0
    """Latency of the live ones, one after another."""
    estimated: bool = False
    """Whether a mean is among them."""

    def plus(self, other: Sum) -> Sum:
        """Return the sum of both, under this one's names."""
        added = {name: getattr(self, name) + getattr(other, name) for name in _NUMBERS}
        return replace(self, **added, estimated=self.estimated or other.estimated)

    def share(self, count: int) -> Sum:
        """Return one item's share of the calls of *count* items."""
        return replace(
            self,
            items=1,
            calls=self.calls / count,
            stored=0.0,
            live=self.calls / count,
            tokens=self.tokens / count,
            uncounted=self.uncounted / count,
            cost=self.cost / count,
            unpriced=self.unpriced / count,
            seconds=self.seconds / count,
            estimated=True,
        )


_NUMBERS = (
    *("items", "calls", "stored", "live", "tokens", "uncounted"),
    *("cost", "unpriced", "seconds"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What the selected items would ask."""

    items: int
    basis: Mapping[Basis, int]
    """Items by how their calls are known."""
    rows: tuple[Sum, ...]
    """By model and purpose, the application's first."""
    tests: tuple[tuple[str, tuple[Sum, ...]], ...]
    """The same by test."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Items that nothing is known of, by the model of their variant."""

    @property
    def total(self) -> Sum:
        """All rows together; `items` has no meaning there."""
        found = Sum(model="all")
        for row in self.rows:
            found = found.plus(row)
        return found


_Sums = dict[tuple[Purpose, str], Sum]
_Group = tuple[str, str]


def forecast(wanted: Sequence[Wanted], history: Iterable[ItemRecord], sources: Sources) -> Forecast:
    """Return what *wanted* would ask; the first record of an item in *history* counts."""
    told = _Told(history, sources)
    asked: set[str] = set()
    basis: dict[Basis, int] = {}
    by_test: dict[str, _Sums] = {}
    unknown: dict[str, int] = {}
    for one in wanted:
        how, sums = told.of(one, asked)
        basis[how] = basis.get(how, 0) + 1
        if how == "unknown":
            name = one.key.variant.model or ""
            unknown[name] = unknown.get(name, 0) + 1
        _add(by_test.setdefault(f"{one.key.module}::{one.key.test}", {}), sums)
    together: _Sums = {}
    for found in by_test.values():
        _add(together, found)
    return Forecast(
        items=len(wanted),
        basis=basis,
        rows=_ordered(together),
        tests=tuple((name, _ordered(found)) for name, found in by_test.items()),
        unknown=unknown,
    )


def _add(into: _Sums, found: _Sums) -> None:
    for key, one in found.items():
        into[key] = into[key].plus(one) if key in into else one


def _ordered(sums: _Sums) -> tuple[Sum, ...]:
    return tuple(sums[key] for key in sorted(sums, key=lambda key: (key[0] != "app", key)))


class _Told:
    """What the history tells of items."""

    def __init__(self, history: Iterable[ItemRecord], sources: Sources) -> None:
        self._sources = sources
        self._items: dict[tuple[EntryKey, int], ItemRecord] = {}
        #: By test, then by the variant's model.
        self._groups: dict[_Group, dict[str | None, list[ItemRecord]]] = {}
        self._means: dict[tuple[_Group, str | None, str | None], _Sums] = {}
        for record in history:
            # What broke off says nothing on how many calls there are when nothing breaks.
            if record.outcome in ("error", "skipped", "settled"):
                continue
            place = entry_key(record.key), record.key.trial
            if place not in self._items:
                self._items[place] = record
                models = self._groups.setdefault((record.key.module, record.key.test), {})
                models.setdefault(record.key.variant.model, []).append(record)

    def of(self, one: Wanted, asked: set[str]) -> tuple[Basis, _Sums]:
        """Return how the calls of *one* are known, and which; *asked* is what others ask live."""
        record = self._items.get((entry_key(one.key), one.key.trial))
        if record is not None and _is_same(one, record):
            return "same", self._sums(record, one.key, asked)
        group = one.key.module, one.key.test
        models = self._groups.get(group, {})
        own = one.key.variant.model
        if own in models and _asked_by(models[own], one.model):
            return "mean", self._mean(group, own, None)
        # A new model, or an alias that names another one now: as many calls, another price.
        if models and one.model is not None:
            known = max(models, key=lambda name: len(models[name]))
            return "other model", self._mean(group, known, one.model)
        return "unknown", {}

    def _sums(self, record: ItemRecord, key: ItemKey, asked: set[str]) -> _Sums:
        found: _Sums = {}
        for call in _answered(record):
            there = self._sources.stored(key, call.digest)
            if not there and self._sources.once:
                there = call.digest in asked
                asked.add(call.digest)
            one = _stored(call) if there else _live(call, self._sources.price(call, None))
            _add(found, {(call.purpose, one.model): one})
        return {name: replace(one, items=1) for name, one in found.items()}

    def _mean(self, group: _Group, known: str | None, model: ModelSpec | None) -> _Sums:
        """Return one item's mean; *model* takes the place of the variant's own."""
        name = (group, known, None if model is None else model.alias)
        if name not in self._means:
            records = self._groups[group][known]
            found: _Sums = {}
            for record in records:
                for call in _answered(record):
                    spec = model if call.purpose == "app" else None
                    one = _live(call, self._sources.price(call, spec), spec)
                    _add(found, {(call.purpose, one.model): one})
            self._means[name] = {key: one.share(len(records)) for key, one in found.items()}
        return self._means[name]


def _answered(record: ItemRecord) -> list[Call]:
    """Return the calls that brought a reply: what failed and was tried again is no plan."""
    return [call for call in record.calls if call.error is None]


def _is_same(one: Wanted, record: ItemRecord) -> bool:
    unchanged = (record.case_digest, record.prompt_digest) == (one.case_digest, one.prompt_digest)
    return unchanged and _asked_by([record], one.model)


def _asked_by(records: Sequence[ItemRecord], model: ModelSpec | None) -> bool:
    """Return whether *records* asked *model*, as far as they name models at all."""
    names = {
        call.model_asked
        for record in records
        for call in record.calls
        if call.purpose == "app" and call.model_asked
    }
    return model is None or not names or model.model in names


def _stored(call: Call) -> Sum:
    return Sum(model=_name(call), purpose=call.purpose, calls=1.0, stored=1.0)


def _live(call: Call, cost: float | None, model: ModelSpec | None = None) -> Sum:
    usage = call.usage
    counts = [one for one in (usage.input_tokens, usage.output_tokens) if one is not None]
    return Sum(
        model=_name(call) if model is None else model.model,
        purpose=call.purpose,
        calls=1.0,
        live=1.0,
        tokens=float(sum(counts)),
        uncounted=0.0 if counts else 1.0,
        cost=cost or 0.0,
        unpriced=float(cost is None),
        seconds=call.latency or 0.0,
    )


def _name(call: Call) -> str:
    return call.model_asked or call.path
