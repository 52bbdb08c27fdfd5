"""From the `gates` tables of the configuration to gates. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_ailoop.data.gate import GateSpec
from pytest_ailoop.errors import ConfigError
from pytest_ailoop.gates import specs

__all__ = ["configured"]


def configured(tables: Mapping[str, Mapping[str, Any]]) -> list[GateSpec]:
    """Return the gates of validated *tables* by name, each with the tests that it is over.

    Raises `ConfigError` that names table and key for a value out of its range, and for a table
    that asks for nothing.
    """
    found: list[GateSpec] = []
    for name, table in tables.items():
        tests, together = tuple(table.get("tests", ("*",))), bool(table.get("together"))
        if not tests:
            raise ConfigError(f"gates.{name}: 'tests' names none; leave it out for all")
        if together and table.get("inconclusive") == "more":
            raise ConfigError(
                f"gates.{name}: inconclusive = 'more' draws trials of one test, and 'together' "
                "makes the gate one over several; take 'warn' or 'fail'"
            )
        made = [
            replace(one, tests=tests, together=together, name=f"{name}: {one.name}")
            for one in _made(name, table)
        ]
        if not made:
            raise ConfigError(
                f"gates.{name}: it asks for nothing; give it one of {', '.join(specs.KINDS)}"
            )
        found += made
    return found


def _made(name: str, table: Mapping[str, Any]) -> Iterator[GateSpec]:
    shared = {key: table[key] for key in _SHARED if table.get(key) is not None}
    asked = {kind: table[kind] for kind in _MAKERS if table.get(kind) not in (None, False, {})}
    for key in shared:
        if asked and not any(key in _ARGUMENTS[kind] for kind in asked):
            raise ConfigError(f"gates.{name}: {key!r} means nothing to {', '.join(asked)}")
    for kind, value in asked.items():
        allowed = {key: shared[key] for key in _ARGUMENTS[kind] if key in shared}
        try:
            yield from _MAKERS[kind](value, allowed)
        except ValueError as fault:
            raise ConfigError(f"gates.{name}: {kind!r}: {fault}") from None


_SHARED = ("tag", "reduce", "fixed", "confidence", "inconclusive")

_MOST = ("tag", "fixed", "confidence", "inconclusive")

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "pass_rate": ("reduce", *_MOST),
    "mean": _MOST,
    "metric": _MOST,
    "no_regression": ("tag", "confidence", "inconclusive"),
    "every_case": ("tag",),
    "max_cost": ("inconclusive",),
    "p95_latency": _MOST,
}

_Maker = Callable[[Any, dict[str, Any]], Iterator[GateSpec]]


def _one(make: Callable[..., GateSpec]) -> _Maker:
    def made(value: Any, options: dict[str, Any]) -> Iterator[GateSpec]:
        yield make(value, **options)

    return made


def _each(make: Callable[..., GateSpec]) -> _Maker:
    def made(value: Any, options: dict[str, Any]) -> Iterator[GateSpec]:
        for name, bar in value.items():
            yield make(name, bar, **options)

    return made


def _no_regression(value: Any, options: dict[str, Any]) -> Iterator[GateSpec]:
    margins = value if isinstance(value, Mapping) else {None: value}
    for score, margin in margins.items():
        asked = margin if isinstance(margin, Mapping) else {"margin": margin}
        yield specs.no_regression(score=score, **asked, **options)


def _every_case(value: Any, options: dict[str, Any]) -> Iterator[GateSpec]:
    yield specs.every_case(**options)


_MAKERS: dict[str, _Maker] = {
    "pass_rate": _one(specs.pass_rate),
    "mean": _each(specs.mean),
    "metric": _each(specs.metric),
    "no_regression": _no_regression,
    "every_case": _every_case,
    "max_cost": _one(specs.max_cost),
    "p95_latency": _one(specs.p95_latency),
}
