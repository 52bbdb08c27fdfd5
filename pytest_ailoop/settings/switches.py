"""The switches of a session; their defaults stand here and nowhere else. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from pytest_ailoop.data.call import Mode
from pytest_ailoop.data.gate import AcceptedFailure, Policy
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.frozen import dataclass

__all__ = ["AcceptKind", "Config", "Settings"]

AcceptKind = Literal["new", "improved", "regressed", "prune"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The `[tool.ailoop]` tables (or `ailoop.toml`), validated."""

    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    """By alias."""
    judge: str | None = None
    """Alias or name of the model that judges where `judge(..., model=)` does not say."""
    ignore_fields: tuple[str, ...] = ()
    """Dotted request fields that do not count in a request's address (`metadata.request_id`)."""
    passthrough: tuple[str, ...] = ()
    """Hosts (`host` or `host:port`) whose calls are neither recorded nor barred."""
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Gates by name, as their tables say; `gates.specs` makes specs of them."""
    file: str = field(default="pyproject.toml", compare=False)
    """Where the tables stand, relative to the root."""
    slices: tuple[str, ...] = ()
    """Keys of metadata by whose values cases are sliced in reports."""
    accepted_failures: tuple[AcceptedFailure, ...] = ()
    """Cases that may fail for now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What one session works by."""

    root: Path
    """pytest's root folder; all stored paths are relative to it."""
    replies: Mode = "auto"
    ci: bool = False
    """Whether the `CI` environment variable is set."""
    split: Literal["dev", "test", "all"] = "dev"
    tags: tuple[str, ...] = ()
    """A case must bear one of them; `!tag` bars it."""
    sample: str | None = None
    """`20` or `10%`."""
    seed: int = 0
    cases: tuple[str, ...] = ()
    trials: int | None = None
    """Overrides marker and row."""
    auto_trials: bool = False
    """Whether gated tests get as many rounds of trials as their verdict takes."""
    max_trials: int = 5
    """Most rounds of trials, where their number is not fixed."""
    stop: Literal["never", "settled"] = "never"
    """When gated tests end that do not say it themselves."""
    inconclusive: Policy = "warn"
    """What gates do that cannot tell, and do not say themselves what to do then."""
    accept: tuple[AcceptKind, ...] = ()
    """What the run's end writes into the baseline; empty writes nothing."""
    force: bool = False
    """Accept under CI too."""
    concurrency: int = 32
    """Model calls in flight at once, over all workers together."""
    lookahead: int | None = None
    """Items started before their turn and not yet reported; 0 runs each in its own turn, None is
    four times the concurrency, or the concurrency alone where the first failures end the run."""
    max_cost: float | None = None
    """US dollars after which no call starts."""
    max_calls: int | None = None
    """Live calls after which none starts."""
    max_time: float | None = None
    """Seconds after which no call starts."""
    plan: bool = False
    """Tell what the run would ask and cost, and run nothing."""
    resume: bool = False
    """Keep the finished items of the interrupted run before."""
    worker: int = 0
    """This process's number among `workers`, from 0."""
    stands_in: bool = False
    """Whether this worker took the place of one that crashed."""
    workers: int = 1
    """Processes that share limits and budgets."""
    session: str = ""
    """What the processes of one session have in common; empty where there is one process."""
    began: float | None = None
    """When the session began, by `time.monotonic()` of its controller; None is now."""
    config: Config = field(default_factory=Config)

    @property
    def selects(self) -> bool:
        """Whether a part of the cases was asked for, other than the default split."""
        return bool(self.tags or self.sample or self.cases or self.split != "dev")

    @property
    def folder(self) -> Path:
        """The git-ignored working folder."""
        return self.root / ".ailoop"
