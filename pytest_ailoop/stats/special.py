"""Tails and quantiles of the beta, binomial and Student's t distribution, without a library.

Each is good to about ten digits, in the tails, too, and for counts up to a million: what would
cancel is taken in Loader's form ("Fast and Accurate Computation of Binomial Probabilities", 2000),
and each tail is computed for itself, never as 1 minus the other. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import math

from pytest_ailoop.stats import guards

__all__ = [
    "beta_quantile",
    "beta_tails",
    "binomial_cdf",
    "binomial_log_pmf",
    "binomial_pmf",
    "binomial_tail",
    "t_cdf",
    "t_quantile",
]

_TINY = 1e-300
_STEPS = 1_000_000
"""More than the continued fraction needs for parameters of 1e10 (about the root of them)."""


def beta_tails(x: float, y: float, a: float, b: float) -> tuple[float, float]:
    """Return I_x(a, b) and its complement, *y* being 1 - x, given apart so as not to be rounded.

    The regularised incomplete beta function: the probability that a Beta(a, b) value lies at or
    below *x*. Continued fraction of DLMF 8.17.22 by Lentz's method. Raises `ValueError` unless
    0 <= x <= 1, and unless a and b are above 0.
    """
    guards.share("x", x)
    guards.share("y", y)
    _refuse_parameters(a, b)
    if x == 0 or y == 0:
        return (0.0, 1.0) if x == 0 else (1.0, 0.0)
    # The logarithm of what is near 1 is taken from what is near 0, which has all its digits.
    log_x = math.log(x) if x < 0.5 else math.log1p(-y)
    log_y = math.log(y) if y < 0.5 else math.log1p(-x)
    low, high = _log_tails(log_x, log_y, x, y, a, b)
    return math.exp(low), math.exp(high)


def beta_quantile(q: float, a: float, b: float) -> float:
    """Return the x with I_x(a, b) = q.

    Newton's method for the logarithm of the nearer tail over the logit of x, where it is concave.
    Raises `ValueError` unless 0 < q < 1, and unless a and b are above 0.
    """
    logit = _logit_quantile(q, a, b)
    # The larger of x and 1 - x by division, so that nothing overflows.
    small = math.exp(-abs(logit))
    return (small if logit < 0 else 1.0) / (1 + small)


def binomial_log_pmf(k: int, n: int, p: float) -> float:
    """Return the logarithm of the probability of exactly *k* successes in *n*; -inf where it is 0.

    Raises `ValueError` unless 0 <= k <= n and 0 <= p <= 1.
    """
    guards.share("p", p)
    if not 0 <= k <= n:
        raise ValueError(f"k lies between 0 and n, got k={k!r}, n={n!r}")
    if p in (0, 1):
        return 0.0 if k == n * p else -math.inf
    if k == 0:
        return n * math.log1p(-p)
    if k == n:
        return n * math.log(p)
    return _log_term(k, n - k, p, 1 - p)


def binomial_pmf(k: int, n: int, p: float) -> float:
    """Return the probability of exactly *k* successes in *n*."""
    return math.exp(binomial_log_pmf(k, n, p))


def binomial_cdf(k: int, n: int, p: float) -> float:
    """Return the probability of *k* or fewer successes in *n*: I_{1-p}(n-k, k+1) (DLMF 8.17.5).

    A *k* below 0 gives 0, one of *n* or above 1. Raises `ValueError` unless 0 <= p <= 1.
    """
    guards.share("p", p)
    guards.whole("n", n)
    if not 0 <= k < n:
        return float(k >= n)
    return beta_tails(1 - p, p, n - k, k + 1)[0]


def binomial_tail(k: int, n: int, p: float) -> float:
    """Return the probability of *k* or more successes in *n*: I_p(k, n-k+1) (DLMF 8.17.5).

    A *k* of 0 or below gives 1, one above *n* 0. Raises `ValueError` unless 0 <= p <= 1.
    """
    guards.share("p", p)
    guards.whole("n", n)
    if not 0 < k <= n:
        return float(k <= 0)
    return beta_tails(p, 1 - p, k, n - k + 1)[0]


def t_cdf(t: float, df: float) -> float:
    """Return the probability that Student's t with *df* degrees of freedom is at or below *t*.

    `I_{df/(df+t²)}(df/2, 1/2) / 2` for t <= 0 (DLMF 8.17.2); precise in the far lower tail, for the
    upper one take `t_cdf(-t, df)`. Raises `ValueError` unless df > 0.
    """
    _refuse_parameters(df, 1)
    square = t * t
    if math.isinf(square):
        return float(t > 0)
    lower, upper = beta_tails(df / (df + square), square / (df + square), df / 2, 0.5)
    return lower / 2 if t <= 0 else 0.5 + upper / 2


@functools.lru_cache(maxsize=4096)
def t_quantile(q: float, df: float) -> float:
    """Return the value below which Student's t with *df* degrees of freedom lies with chance *q*.

    Raises `ValueError` unless 0 < q < 1 and df > 0.
    """
    guards.inner("q", q)
    _refuse_parameters(df, 1)
    if q == 0.5:
        return 0.0
    logit = _logit_quantile(2 * min(q, 1 - q), df / 2, 0.5)
    return math.copysign(math.sqrt(df) * math.exp(-logit / 2), q - 0.5)


def _refuse_parameters(a: float, b: float) -> None:
    if not (0 < a < math.inf and 0 < b < math.inf):
        raise ValueError(f"parameters are finite and above 0, got {a!r} and {b!r}")


def _logit_quantile(q: float, a: float, b: float) -> float:
    guards.inner("q", q)
    _refuse_parameters(a, b)
    if q > 0.5:
        return -_lower_logit(1 - q, b, a)
    return _lower_logit(q, a, b)


def _lower_logit(q: float, a: float, b: float) -> float:
    """Return the logit of the quantile for a *q* of one half or less."""
    target = math.log(q)
    t = math.log(a / b) - math.sqrt(-2 * target * (1 / a + 1 / b))
    for _ in range(100):
        # log(1 + e^t) without overflow; x and 1 - x each to full precision.
        log_x = -math.log1p(math.exp(-t)) if t > -30 else t
        log_y = -math.log1p(math.exp(t)) if t < 30 else -t
        x, y = math.exp(log_x), math.exp(log_y)
        low, _high = _log_tails(log_x, log_y, x, y, a, b)
        slope = math.exp(_log_density(log_x, log_y, x, y, a, b) - low)
        step = (target - low) / slope
        t += step
        if abs(step) <= 1e-13 * max(1.0, abs(t)):
            break
    return t


def _log_tails(
    log_x: float, log_y: float, x: float, y: float, a: float, b: float
) -> tuple[float, float]:
    """Return the logarithms of both tails: the smaller one first hand, the other from it."""
    density = _log_density(log_x, log_y, x, y, a, b)
    if x * (a + b + 2) < a + 1:
        low = min(0.0, density + math.log(_fraction(x, a, b) / a))
        return low, _log_complement(low)
    high = min(0.0, density + math.log(_fraction(y, b, a) / b))
    return _log_complement(high), high


def _log_complement(log_p: float) -> float:
    if log_p == 0:
        return -math.inf
    return math.log1p(-math.exp(log_p)) if log_p < -0.7 else math.log(-math.expm1(log_p))


def _log_density(log_x: float, log_y: float, x: float, y: float, a: float, b: float) -> float:
    """Return log(x^a y^b / B(a, b)): the density of the beta distribution over the logit."""
    if min(a, b) < 1 or min(x, y) < _TINY:
        return a * log_x + b * log_y - _log_beta(a, b)
    return math.log(a * b / (a + b)) + _log_term(a, b, x, y)


def _log_beta(a: float, b: float) -> float:
    small, large, total = min(a, b), max(a, b), a + b
    if large < 10:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(total)
    # log(Γ(large)/Γ(total)) by Stirling's series: the difference of two lgamma would cancel.
    ratio = (large - 0.5) * math.log1p(-small / total) - small * math.log(total) + small
    return math.lgamma(small) + ratio + _stirling(large) - _stirling(total)


def _log_term(a: float, b: float, x: float, y: float) -> float:
    """Return log(Γ(n+1)/(Γ(a+1)Γ(b+1)) x^a y^b), n = a + b, in Loader's form."""
    n = a + b
    fit = _deviance(a, n * x) + _deviance(b, n * y)
    error = _stirling(n) - _stirling(a) - _stirling(b)
    return error - fit + 0.5 * math.log(n / (2 * math.pi * a * b))


def _stirling(z: float) -> float:
    """Return log Γ(z+1) less Stirling's approximation to it."""
    if z < 15:
        return math.lgamma(z + 1) - (z + 0.5) * math.log(z) + z - 0.5 * math.log(2 * math.pi)
    s = 1 / (z * z)
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - s / 1188) * s) * s) * s) / z


def _deviance(k: float, mean: float) -> float:
    """Return k log(k/mean) + mean - k, without the cancellation near k = mean."""
    gap = k - mean
    if abs(gap) >= 0.1 * (k + mean):
        return k * math.log(k / mean) - gap
    v = gap / (k + mean)
    total, term, square = gap * v, 2 * k * v, v * v
    for odd in range(3, 1000, 2):
        term *= square
        before = total
        total += term / odd
        if total == before:
            break
    return total


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function (modified Lentz)."""
    c = 1.0
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away(1 + even * d)
        c = _away(1 + even / c)
        found *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away(1 + odd * d)
        c = _away(1 + odd / c)
        step = d * c
        found *= step
        if abs(step - 1) < 1e-15:
            break
    return found


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
