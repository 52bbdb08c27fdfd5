"""Gates as they are asked for, and their verdicts. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from typing import Any, Literal

from pytest_ailoop.data.variant import Variant, variant_from
from pytest_ailoop.frozen import dataclass

__all__ = [
    "AcceptedFailure",
    "Comparing",
    "Found",
    "GateKind",
    "GateSpec",
    "GateStatus",
    "GateVerdict",
    "Policy",
    "StopRule",
    "excuse",
    "gates_over",
    "is_named",
    "spec_from",
    "stop_from",
    "verdict_from",
]

GateKind = Literal[
    "pass_rate", "mean", "metric", "no_regression", "every_case", "max_cost", "p95_latency"
]

Policy = Literal["warn", "fail", "more"]
"""What an inconclusive verdict does: a yellow line, a red gate, or further trials of all cases, and
a yellow line where they do not settle it."""

Comparing = Literal["unchanged", "improved", "same", "regressed", "no baseline"]

GateStatus = Literal["passed", "failed", "inconclusive", "invalid"] | Comparing
"""Thresholds are passed, failed, inconclusive or invalid; comparisons unchanged, improved, same,
regressed, inconclusive, invalid or without a baseline. `invalid` is what could not be decided at
all: nothing measured, too much of it missing, a baseline that cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedFailure:
    """A case that may fail for now, with who answers for it and until when."""

    case: str
    tests: tuple[str, ...]
    """Patterns over `module::test`, or `test` alone."""
    reason: str
    owner: str
    expires: str
    """The last day on which it holds, ISO 8601."""

    def covers(self, module: str, test: str) -> bool:
        """Return whether it names the test."""
        return is_named(module, test, self.tests)


@dataclass(frozen=True, kw_only=True, slots=True)
class StopRule:
    """How a test may stop before all its items ran."""

    by: Literal["cases", "rounds"]
    """After any case, or after whole rounds of trials."""
    seed: int = 0
    """Of the order of cases."""
    first: int = 1
    """Trials of each case after which is looked for the first time, by rounds."""
    most: int = 1
    """Trials of each case after which is looked for the last time, by rounds."""

    @property
    def looks(self) -> int:
        """How often is looked, by rounds."""
        return self.most - self.first + 1


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class GateSpec:
    """A gate as the marker or the configuration asks for it; plain values."""

    kind: GateKind
    bar: float | None = None
    """The threshold: a rate, a mean, a metric's value, dollars, seconds."""
    score: str | None = None
    """Name of the score that is looked at; None is the item's outcome."""
    metric: str | None = None
    """Name of the metric over the whole group, such as `f1_macro`."""
    margin: float | None = None
    """The loss that a comparison tolerates, in units of the score."""
    range: tuple[float, float] | None = None
    """Lowest and highest that the score can be; None takes them from the data."""
    tag: str | None = None
    """Only cases with this tag count."""
    tests: tuple[str, ...] = ()
    """Only these tests: patterns as of an accepted failure, of a gate in the configuration."""
    together: bool = False
    """Whether it decides over all of these tests at once, not over each of them."""
    reduce: str = "mean"
    """How the trials of a case become one value: `mean`, `majority`, `at_least:2`, `pass@3`,
    `pass^3`."""
    alpha: float = 0.05
    """The error rate of each of the two wrong decisions."""
    fixed: bool = False
    """Whether the data set is all there is: then its own rate decides, without an interval."""
    inconclusive: Policy | None = None
    """None leaves it to the session."""
    name: str = ""
    """How the gate is called in reports: `pass_rate(0.9)`."""

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        # Faults of a marker show it as it was written.
        return self.name or f"GateSpec(kind={self.kind!r})"

    def covers(self, module: str, test: str) -> bool:
        """Return whether it names the test; only a gate of the configuration names any."""
        return is_named(module, test, self.tests)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a kind of gate found in one group, before policy makes a verdict of it."""

    status: GateStatus
    value: float | None = None
    """What was measured; of comparisons the difference, positive where better."""
    low: float | None = None
    high: float | None = None
    """Bounds that each hold with probability `1 - alpha`."""
    cases: int = 0
    """Cases that the verdict rests on."""
    trials: int = 1
    """Most trials of a case."""
    detectable: float | None = None
    """The smallest drop that a run like this sees with probability 0.8."""
    needed: int | None = None
    """Cases that would settle it, if they go on like these."""
    p: float | None = None
    """Of comparisons, the probability of such a drop by chance; adjusted over the gates."""
    method: str = ""
    reasons: tuple[str, ...] = ()
    """In plain words: what was found, what it means, what to do next."""
    named: tuple[str, ...] = ()
    """Cases that decided it, worst first."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further figures of its kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateVerdict(Found):
    """What a gate decided over one group."""

    gate: GateSpec
    module: str
    test: str
    variant: Variant
    blocking: bool
    """Whether it turns the run red."""
    since: tuple[str, ...] = ()
    """Of comparisons, in words: what changed since the accepted run, and which cases flipped."""
    tests: tuple[str, ...] = ()
    """`module::test` of each test that it decides over together; empty where it is one alone."""

    @property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """Module and test of each test that it is over."""
        if not self.tests:
            return ((self.module, self.test),)
        parts = (one.partition("::") for one in self.tests)
        return tuple((module, test) for module, _, test in parts)

    @property
    def standing(self) -> Literal["good", "open", "bad"]:
        """`bad` turns the run red; `open` is what could not be told, and did not have to be."""
        if self.blocking:
            return "bad"
        return "good" if self.status in ("passed", "unchanged", "improved", "same") else "open"


def is_named(module: str, test: str, patterns: Iterable[str]) -> bool:
    """Return whether one of *patterns*, over `module::test` or the test alone, names a test."""
    name = f"{module}::{test}"
    return any(fnmatchcase(name, one) or fnmatchcase(test, one) for one in patterns)


def gates_over(
    module: str, test: str, own: Iterable[GateSpec], configured: Iterable[GateSpec]
) -> tuple[GateSpec, ...]:
    """Return the gates over a test: its *own*, then those of the configuration that name it."""
    return (*own, *(one for one in configured if one.covers(module, test)))


def excuse(
    accepted: Iterable[AcceptedFailure], module: str, test: str, case: str
) -> AcceptedFailure | None:
    """Return the entry that speaks of *case* in a test, over or not; of several the last to end."""
    found = (one for one in accepted if one.case == case and one.covers(module, test))
    return max(found, key=lambda one: one.expires, default=None)


def spec_from(data: Mapping[str, Any]) -> GateSpec:
    """Return the gate of `plain(spec)`."""
    ends = data.get("range")
    return GateSpec(
        **{**data, "tests": tuple(data["tests"]), "range": None if ends is None else tuple(ends)}
    )


def stop_from(data: Mapping[str, Any] | None) -> StopRule | None:
    """Return the rule of `plain(rule)`; None for None."""
    return None if data is None else StopRule(**data)


def verdict_from(data: Mapping[str, Any]) -> GateVerdict:
    """Return the verdict of `plain(verdict)`."""
    changed = {
        "gate": spec_from(data["gate"]),
        "variant": variant_from(data["variant"]),
        "reasons": tuple(data["reasons"]),
        "named": tuple(data["named"]),
        "since": tuple(data.get("since", ())),
        "tests": tuple(data.get("tests", ())),
    }
    return GateVerdict(**{**data, **changed})
