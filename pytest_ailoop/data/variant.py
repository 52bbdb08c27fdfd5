"""A variant: one cell of model x prompt x other axes. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pytest_ailoop.frozen import dataclass

__all__ = ["ModelSpec", "Variant", "variant_from"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """A model as the configuration or the marker names it."""

    alias: str
    """The short name in ids, tables and baselines."""
    model: str
    """The name sent to the server."""
    base_url: str | None = None
    """Where it is served; None is the client's own default."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None is the client's default."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Default request parameters (`temperature`, `max_tokens`, ...)."""
    price: Mapping[str, float] | None = None
    """US dollars per million tokens (`input`, `output`, `cached_input`); None asks the table."""
    rpm: int | None = None
    """Requests that may go out in a minute, over all workers together; None is no limit."""
    tpm: int | None = None
    """Tokens that may be used in a minute, likewise."""
    concurrency: int | None = None
    """Calls in flight at once, likewise; None is the session's own limit."""
    timeout: float = 120.0
    """Seconds for one attempt, its whole reply included."""
    first_byte_timeout: float = 30.0
    """Seconds until a streamed reply begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One cell of the matrix, by the names a reader knows; empty where an axis is not used."""

    model: str | None = None
    """Alias of the model."""
    prompt: str | None = None
    """Name of the prompt file without its suffixes."""
    params: tuple[tuple[str, Any], ...] = ()
    """Further axes as (name, value), in the marker's order. Values are kept as JSON would give
    them back (a tuple is a list, a class is its name), so that a variant read from a file equals
    the one that was written."""

    def __post_init__(self) -> None:
        if self.params:
            kept = tuple((name, _json_like(value)) for name, value in self.params)
            object.__setattr__(self, "params", kept)

    def __hash__(self) -> int:
        # Values may be lists; equal variants have equal names, and that is enough for a hash.
        if not self.params:
            return hash((self.model, self.prompt))
        return hash((self.model, self.prompt, *(name for name, _ in self.params)))

    @property
    def label(self) -> str:
        """Short text for tables: `mini terse temperature=0`; `` for the empty variant."""
        parts = [part for part in (self.model, self.prompt) if part]
        return " ".join(parts + [f"{name}={value}" for name, value in self.params])

    def plain(self) -> dict[str, Any]:
        """Return the variant as a JSON object; the key that baselines are matched by."""
        found: dict[str, Any] = {}
        if self.model is not None:
            found["model"] = self.model
        if self.prompt is not None:
            found["prompt"] = self.prompt
        if self.params:
            found["params"] = dict(self.params)
        return found


def variant_from(data: Mapping[str, Any]) -> Variant:
    """Return the variant of `plain(variant)` or `variant.plain()`."""
    params = data.get("params") or ()
    if not params:
        return _without_params(data.get("model"), data.get("prompt"))
    pairs = params.items() if isinstance(params, Mapping) else params
    return Variant(
        model=data.get("model"),
        prompt=data.get("prompt"),
        params=tuple((name, value) for name, value in pairs),
    )


# Each record that comes in names one, nearly always the same.
@functools.lru_cache(maxsize=256, typed=True)
def _without_params(model: str | None, prompt: str | None) -> Variant:
    return Variant(model=model, prompt=prompt)


def _json_like(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _json_like(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_like(item) for item in value]
    return getattr(value, "__qualname__", None) or str(value)
