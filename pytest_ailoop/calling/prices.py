"""What a call cost: the user's own price, else the offline table of genai-prices.

The table is the one in the installed package; nothing is ever downloaded. What it does not know
costs None, never 0. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pytest_ailoop.calling.identity import is_loopback
from pytest_ailoop.data.call import Usage

__all__ = ["cost_of", "price_known"]

_MILLION = 1_000_000


def cost_of(
    usage: Usage,
    model: str | None,
    *,
    price: Mapping[str, float] | None = None,
    base_url: str | None = None,
) -> float | None:
    """Return the cost of a call in US dollars, None where it is not known.

    *price* is US dollars per million tokens (`input`, `output`, `cached_input`, `cache_write`) and
    goes before the table; the two of the cache are the input's where they are left out. With
    *base_url* the table is asked for that provider's price. An address that it does not list (a
    server on this machine, a gateway) has no price, whatever the model is called there.
    """
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    if price is not None:
        return _priced(usage, price)
    return _listed(usage, model, base_url or None) if model else None


def price_known(
    model: str | None,
    *,
    output: bool = True,
    price: Mapping[str, float] | None = None,
    base_url: str | None = None,
) -> Literal["known", "free", "unknown"]:
    """Return what is known of a call's cost before it is made; `free` is known to be 0.

    Without *output* the model generates nothing (embeddings).
    """
    usage = Usage(input_tokens=1000, output_tokens=1000 if output else 0)
    cost = cost_of(usage, model, price=price, base_url=base_url)
    if cost is None:
        return "unknown"
    return "known" if cost else "free"


def _priced(usage: Usage, price: Mapping[str, float]) -> float | None:
    counts = _counts(usage)
    if counts is None:
        return None
    total = 0.0
    for kind, tokens in counts.items():
        rate = price.get(kind, None if kind == "output" else price.get("input"))
        if tokens and rate is None:
            return None
        total += tokens * (rate or 0.0)
    return total / _MILLION


def _counts(usage: Usage) -> dict[str, int] | None:
    """Return tokens by kind of price, none counted twice; None where they contradict each other."""
    cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    fresh = (usage.input_tokens or 0) - cached - written
    if fresh < 0:
        return None
    output = usage.output_tokens or 0
    return {"input": fresh, "output": output, "cached_input": cached, "cache_write": written}


@functools.lru_cache(maxsize=4096)
def _listed(usage: Usage, model: str, base_url: str | None) -> float | None:
    entry = _entry(model, base_url)
    if entry is None:
        return None
    import genai_prices

    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        found = entry.model.calc_price(tokens, entry.provider)
    except ValueError:  # more cached tokens than tokens, and the like
        return None
    rates = found.model_price
    for rate, count in (("input_mtok", usage.input_tokens), ("output_mtok", usage.output_tokens)):
        # The table adds nothing for what it has no rate for; that would pass for free.
        if count and getattr(rates, rate, None) is None:
            return None
    return float(found.total_price)


@functools.lru_cache(maxsize=1024)
def _entry(model: str, base_url: str | None) -> Any:
    """Return the table's entry (`.model`, `.provider`), None where there is none."""
    if base_url is not None and is_loopback(urlsplit(base_url).hostname or ""):
        return None  # No provider's; and the table's import costs more than a small run.
    import genai_prices

    try:
        return genai_prices.calc_price(genai_prices.Usage(), model, provider_api_url=base_url)
    except LookupError:
        return None
