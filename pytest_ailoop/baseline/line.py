"""One case line of a baseline file, as a JSON object and back. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeVar

from pytest_ailoop.data.baseline import Accepted, AcceptedScore, EntryKey
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.frozen import dataclass

__all__ = ["Usual", "case_from_line", "case_line", "rounded"]

T = TypeVar("T")

_CASE = {"test", "variant", "case", "trials", "scores", "digest"}
_CASE_TOO = {"asked", "dataset", "judges", "models", "outputs", "prompt", "runs"}
_SCORE = {"mean", "n"}
_SCORE_TOO = {"met", "direction", "check"}


def rounded(value: float) -> float:
    """Return *value* as a baseline keeps it: 6 decimals, no negative zero.

    Raises `ValueError` for what is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be kept in a baseline")
    return round(float(value), 6) + 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """What most lines of a test have in common, told once in the test's own line."""

    dataset: str | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    """Digest of name and parameters of the model asked, by alias."""

    def asked_by(self, variant: Variant) -> str:
        """Return the digest for the model of *variant*; empty where none is known."""
        return self.asked.get(variant.model or "", "")


def case_line(entry: Accepted, usual: Usual | None = None) -> dict[str, Any]:
    """Return *entry* as a JSON object; what is *usual* is left out."""
    usual = usual or Usual()
    key = entry.key
    line: dict[str, Any] = {"test": key.test}
    variant = key.variant.plain()
    if "params" in variant:
        variant["params"] = dict(sorted(variant["params"].items()))
    line |= {"variant": variant, "case": key.case, "trials": entry.trials}
    if entry.runs > 1:
        line["runs"] = entry.runs
    line["scores"] = {name: _score_line(entry.scores[name]) for name in sorted(entry.scores)}
    line["digest"] = entry.case_digest
    if entry.prompt_digest is not None:
        line["prompt"] = entry.prompt_digest
    if entry.models_answered:
        line["models"] = list(entry.models_answered)
    if entry.judges_answered:
        line["judges"] = list(entry.judges_answered)
    if entry.output_digests:
        line["outputs"] = list(entry.output_digests)
    if entry.dataset_digest != usual.dataset:
        line["dataset"] = entry.dataset_digest
    if entry.asked_digest != usual.asked_by(key.variant):
        line["asked"] = entry.asked_digest
    return line


def _score_line(score: AcceptedScore) -> dict[str, Any]:
    mean = rounded(score.mean)
    whole = mean.is_integer() and abs(mean) < 1e15
    line: dict[str, Any] = {"mean": int(mean) if whole else mean, "n": score.n}
    if score.met is not None:
        line["met"] = score.met
    if score.direction != "higher":
        line["direction"] = score.direction
    if score.check:
        line["check"] = score.check
    return line


def case_from_line(row: Mapping[str, Any], *, module: str, usual: Mapping[str, Usual]) -> Accepted:
    """Return the entry of a case line; *usual* gives what each test's own line says.

    Raises `ValueError` that says which key was expected to hold what.
    """
    _keys(row, _CASE, _CASE_TOO, "a case line")
    test = _typed(row, "test", str)
    shared = usual.get(test, Usual())
    if shared.dataset is None and "dataset" not in row:
        raise ValueError(f"expected a line for test {test!r} above its cases, found none")
    scores = _typed(row, "scores", dict)
    variant = _variant(_typed(row, "variant", dict))
    return Accepted(
        key=EntryKey(
            module=module,
            test=test,
            variant=variant,
            case=_typed(row, "case", str),
        ),
        scores={name: _score(name, score) for name, score in scores.items()},
        trials=_count(row, "trials"),
        case_digest=_typed(row, "digest", str),
        output_digests=_strings(row, "outputs"),
        prompt_digest=_typed(row, "prompt", str) if "prompt" in row else None,
        models_answered=_strings(row, "models"),
        dataset_digest=_typed(row, "dataset", str) if "dataset" in row else shared.dataset or "",
        asked_digest=_typed(row, "asked", str) if "asked" in row else shared.asked_by(variant),
        judges_answered=_strings(row, "judges"),
        runs=_count(row, "runs") if "runs" in row else 1,
    )


def _variant(data: Mapping[str, Any]) -> Variant:
    _keys(data, set(), {"model", "prompt", "params"}, "a variant")
    params = _typed(data, "params", dict) if "params" in data else {}
    return Variant(
        model=_typed(data, "model", str) if "model" in data else None,
        prompt=_typed(data, "prompt", str) if "prompt" in data else None,
        params=tuple(sorted(params.items(), key=lambda one: one[0])),
    )


def _score(name: str, data: Any) -> AcceptedScore:
    if not isinstance(data, dict):
        raise ValueError(f"score {name!r}: expected an object, got {data!r:.60}")
    _keys(data, _SCORE, _SCORE_TOO, f"score {name!r}")
    mean = data["mean"]
    if isinstance(mean, bool) or not isinstance(mean, (int, float)):
        raise ValueError(f"score {name!r}: expected a number as 'mean', got {mean!r:.60}")
    direction = _typed(data, "direction", str) if "direction" in data else "higher"
    if direction not in ("higher", "lower"):
        raise ValueError(f"score {name!r}: expected higher or lower, got {direction!r:.60}")
    return AcceptedScore(
        mean=_finite(name, mean),
        n=_count(data, "n"),
        direction=direction,
        check=_typed(data, "check", str) if "check" in data else "",
        met=_count(data, "met") if "met" in data else None,
    )


def _finite(name: str, mean: float) -> float:
    try:
        value = float(mean)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"score {name!r}: 'mean' is too large")
    return value


def _keys(data: Mapping[str, Any], needed: set[str], known: set[str], what: str) -> None:
    lacking, strange = sorted(needed - set(data)), sorted(set(data) - needed - known)
    if lacking:
        raise ValueError(f"{what} lacks {', '.join(map(repr, lacking))}")
    if strange:
        raise ValueError(f"{what} has unknown keys: {', '.join(map(repr, strange))}")


def _typed(data: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = data[name]
    if not isinstance(value, kind):
        raise ValueError(f"expected {kind.__name__} as {name!r}, got {value!r:.60}")
    return value


def _count(data: Mapping[str, Any], name: str) -> int:
    value = _typed(data, name, int)
    if isinstance(value, bool) or value < 0:
        raise ValueError(f"expected a count as {name!r}, got {value!r:.60}")
    return value


def _strings(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = data.get(name, [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise ValueError(f"expected a list of strings as {name!r}, got {values!r:.60}")
    return tuple(values)
