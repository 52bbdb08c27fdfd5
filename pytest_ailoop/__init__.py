"""Evaluate software built on language models with plain pytest: the names a test imports.

Each name loads its room on first use, so that importing the package costs next to nothing;
nothing inside the package imports this module. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ailoop.calling.client import LLM, SyncLLM
    from pytest_ailoop.data.call import Call, Usage
    from pytest_ailoop.data.case import Case
    from pytest_ailoop.data.reply import Rendered, Reply, ToolCall
    from pytest_ailoop.data.score import Score
    from pytest_ailoop.data.variant import Variant
    from pytest_ailoop.errors import AiloopError
    from pytest_ailoop.expectations import expect, record
    from pytest_ailoop.gates.specs import (
        every_case,
        max_cost,
        mean,
        metric,
        no_regression,
        p95_latency,
        pass_rate,
    )
    from pytest_ailoop.plugin.fixtures import Model
    from pytest_ailoop.plugin.marker import ailoop
    from pytest_ailoop.prompts.load import Prompt
    from pytest_ailoop.recorder import Trace, wrap_context
    from pytest_ailoop.scoring.check import Check, Subject
    from pytest_ailoop.scoring.classification import classifies_as
    from pytest_ailoop.scoring.combine import all_of, any_of, negated, weighted
    from pytest_ailoop.scoring.judge import judge
    from pytest_ailoop.scoring.numbers import number
    from pytest_ailoop.scoring.structured import json_as
    from pytest_ailoop.scoring.text import contains, contains_any, equals, matches, one_of

__all__ = [
    "LLM",
    "AiloopError",
    "Call",
    "Case",
    "Check",
    "Model",
    "Prompt",
    "Rendered",
    "Reply",
    "Score",
    "Subject",
    "SyncLLM",
    "ToolCall",
    "Trace",
    "Usage",
    "Variant",
    "ailoop",
    "all_of",
    "any_of",
    "classifies_as",
    "contains",
    "contains_any",
    "equals",
    "every_case",
    "expect",
    "json_as",
    "judge",
    "matches",
    "max_cost",
    "mean",
    "metric",
    "negated",
    "no_regression",
    "number",
    "one_of",
    "p95_latency",
    "pass_rate",
    "record",
    "weighted",
    "wrap_context",
]

_ROOMS = {
    "calling.client": ("LLM", "SyncLLM"),
    "data.call": ("Call", "Usage"),
    "data.case": ("Case",),
    "data.reply": ("Rendered", "Reply", "ToolCall"),
    "data.score": ("Score",),
    "data.variant": ("Variant",),
    "errors": ("AiloopError",),
    "expectations": ("expect", "record"),
    "gates.specs": (
        "every_case",
        "max_cost",
        "mean",
        "metric",
        "no_regression",
        "p95_latency",
        "pass_rate",
    ),
    "plugin.fixtures": ("Model",),
    "plugin.marker": ("ailoop",),
    "prompts.load": ("Prompt",),
    "recorder": ("Trace", "wrap_context"),
    "scoring.check": ("Check", "Subject"),
    "scoring.classification": ("classifies_as",),
    "scoring.combine": ("all_of", "any_of", "negated", "weighted"),
    "scoring.judge": ("judge",),
    "scoring.numbers": ("number",),
    "scoring.structured": ("json_as",),
    "scoring.text": ("contains", "contains_any", "equals", "matches", "one_of"),
}
_WHERE = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> object:
    room = _WHERE.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found: object = getattr(importlib.import_module(f"{__name__}.{room}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
