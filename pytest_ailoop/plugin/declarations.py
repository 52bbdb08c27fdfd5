"""Every option of the command line and every ini key: a row each. Loaded in every pytest run.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["ACCEPT", "POLICIES", "REPLIES", "SPLITS", "STOPS", "add"]

REPLIES = ("auto", "replay", "record", "live")
SPLITS = ("dev", "test", "all")
ACCEPT = ("new", "improved", "regressed", "prune")
POLICIES = ("warn", "fail", "more")
STOPS = ("never", "settled")

_NUMBER: dict[str, Any] = {"type": int, "metavar": "N"}
_SWITCH: dict[str, Any] = {"action": "store_true", "default": None}

_OPTIONS: dict[str, dict[str, Any]] = {
    "replies": {
        "choices": REPLIES,
        "help": "where replies come from: auto = recording, else local cache, else live and stored "
        "(default); replay = recordings only, never the network (default where CI is set); "
        "record = live, and the recordings are rewritten; live = always ask",
    },
    "split": {
        "choices": SPLITS,
        "help": "which cases run: dev (default), the held-out test split, or all",
    },
    "tag": {
        "action": "append",
        "metavar": "TAG",
        "help": "only cases that bear TAG; repeat for more, !TAG leaves cases out",
    },
    "sample": {
        "metavar": "N|P%",
        "help": "only N cases, or P percent, of each test: seeded, stratified by tags",
    },
    "seed": {**_NUMBER, "help": "seed of the sample (default 0)"},
    "case": {
        "action": "append",
        "metavar": "ID",
        "help": "only the case with this id; repeat for more",
    },
    "trials": {
        "metavar": "N|auto",
        "help": "repeat every case N times, whatever it says; auto: as many rounds of gated tests "
        "as their verdict takes",
    },
    "max-trials": {**_NUMBER, "help": "at most N rounds of trials for auto and more (default 5)"},
    "stop": {
        "choices": STOPS,
        "help": "when gated tests end: never before all their cases ran (default), or once their "
        "verdict is settled: the other cases are not run",
    },
    "accept": {
        "metavar": "KINDS",
        "help": "write these kinds of change into the baseline: a comma-separated list of "
        f"{', '.join(ACCEPT)} (--snapshot-update accepts all of them)",
    },
    "force": {
        **_SWITCH,
        "help": "accept into the baseline although CI is set, or a gate could not tell",
    },
    "inconclusive": {
        "choices": POLICIES,
        "help": "what a gate does that has too little data: warn (default), fail, or more "
        "(further trials of all cases, up to --ailoop-max-trials)",
    },
    "verdict-file": {
        "metavar": "PATH",
        "help": "write the verdict on the run to PATH as JSON: passed, failed, inconclusive (could "
        "not tell) or invalid (could not run), with reasons",
    },
    "concurrency": {
        **_NUMBER,
        "help": "at most N model calls in flight at once, over all workers (default 32)",
    },
    "lookahead": {
        **_NUMBER,
        "help": "at most N items started before their turn (default 4 x concurrency; with -x or "
        "--maxfail the concurrency); 0 runs each in its own turn",
    },
    "max-cost": {
        "metavar": "USD",
        "help": "start no further call once the run has cost this many US dollars",
    },
    "max-calls": {**_NUMBER, "help": "make at most N live calls in this run"},
    "max-time": {
        "metavar": "TIME",
        "help": "start no further call after this time: seconds, or 90s, 10m, 2h",
    },
    "plan": {
        **_SWITCH,
        "help": "run nothing; print items, calls, tokens and price for each model",
    },
    "resume": {
        **_SWITCH,
        "help": "go on with the interrupted run: keep its finished items, run the others",
    },
}
"""What pytest is told of each, by name: of `--ailoop-<name>`."""

_BUDGETS = ("max-cost", "max-calls", "max-time")
_RUNS = ("replies", "split", "seed", "trials", "max-trials", "stop", "concurrency", "lookahead")
_IN_FILES = (*_RUNS, "inconclusive", *_BUDGETS)


def add(parser: pytest.Parser) -> None:
    """Declare options and ini keys; every name starts with `ailoop`."""
    group = parser.getgroup("ailoop", "LLM evaluation (ailoop)")
    for name, how in _OPTIONS.items():
        group.addoption(f"--ailoop-{name}", **how)
    for name in _IN_FILES:
        parser.addini(f"ailoop_{name.replace('-', '_')}", f"default of --ailoop-{name}", default="")
