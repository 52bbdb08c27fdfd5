"""Numbers as a reader wants them: short, and never a guess. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from pytest_ailoop.data.money import Money

__all__ = ["Money", "count", "dollars", "interval", "money", "number", "percent", "seconds"]


def percent(value: float | None) -> str:
    """Return `79%`; never 0% or 100% for what is only near; `n/a` for None."""
    if value is None:
        return "n/a"
    if 0 < value < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= value < 1 else f"{value * 100:.0f}%"


def interval(rate: float | None, low: float | None, high: float | None) -> str:
    """Return `79% [64, 89]`: a rate with its interval in percent."""
    if rate is None or low is None or high is None:
        return percent(rate)
    return f"{percent(rate)} [{low * 100:.0f}, {high * 100:.0f}]"


def seconds(value: float | None) -> str:
    """Return `0.8s`, `12s`, `3m20s`; `-` for None."""
    if value is None:
        return "-"
    if value < 0.0995:
        return f"{value * 1000:.0f}ms"
    if value < 9.95:
        return f"{value:.1f}s"
    whole = round(value)
    return f"{whole}s" if whole < 120 else f"{whole // 60}m{whole % 60:02d}s"


def count(value: int) -> str:
    """Return `950`, `12.3k`, `4.5M`."""
    if value < 1000:
        return str(value)
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        scaled = value / size
        if scaled < 999.5:
            return f"{scaled:.1f}{unit}" if scaled < 99.95 else f"{scaled:.0f}{unit}"
    return f"{value:.2g}"


def dollars(value: float) -> str:
    """Return `$0.0123`, `$1.25`; an amount is never shown as less than it has digits for."""
    if value == 0:
        return "$0"
    if value < 0.0001:
        return "<$0.0001"
    return f"${value:.4f}" if value < 1 else f"${value:,.2f}"


def money(value: Money) -> str:
    """Return a sum; `>=` before it where some prices are unknown, `n/a` where all are, `-` for
    no call at all."""
    if not value.priced and not value.unknown:
        return "-"
    if not value.priced:
        return "n/a"
    return (">=" if value.unknown else "") + dollars(value.known)


def number(value: float | None) -> str:
    """Return a score: 3 significant decimals, no trailing zeros; `n/a` for None."""
    if value is None:
        return "n/a"
    text = f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1e6 else f"{value:.6g}"
    return text if text not in ("", "-0") else "0"
