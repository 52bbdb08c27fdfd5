"""What a call cost, and when that is not known."""

from __future__ import annotations

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop.calling.prices import cost_of
from pytest_ailoop.data.call import Usage

USAGE = Usage(input_tokens=1_000_000, output_tokens=100_000, cached_input_tokens=400_000)
OPENAI = "https://api.openai.com/v1/"


@pytest.mark.parametrize(
    ("model", "base_url", "dollars"),
    [
        ("gpt-4o", None, 0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10),
        ("gpt-4o", OPENAI, 0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10),
        ("gpt-4o-mini-2024-07-18", None, 0.6 * 0.15 + 0.4 * 0.075 + 0.1 * 0.6),
        ("openai/gpt-4o", "https://openrouter.ai/api/v1", 0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10),
    ],
)
def test_known_models_have_their_published_price(
    model: str, base_url: str | None, dollars: float
) -> None:
    """Cached input costs less than fresh input; dated names and other providers are found."""
    assert cost_of(USAGE, model, base_url=base_url) == pytest.approx(dollars)


@given(
    st.sampled_from(["gpt-4o", "gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "o3"]),
    st.integers(0, 300_000),
    st.integers(0, 50_000),
    st.floats(0, 1),
)
def test_the_table_is_asked_as_its_makers_do(
    model: str, asked: int, told: int, share: float
) -> None:
    """Tiers and cache prices give what genai-prices itself calculates."""
    cached = int(asked * share)
    theirs = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=asked, output_tokens=told, cache_read_tokens=cached), model
    )
    usage = Usage(input_tokens=asked, output_tokens=told, cached_input_tokens=cached)
    assert cost_of(usage, model) == float(theirs.total_price)


def test_writing_the_cache_costs_more() -> None:
    """Anthropic's price for a cache write, 1.25 times the input's, is applied."""
    usage = Usage(input_tokens=1_000_000, output_tokens=0, cache_write_tokens=100_000)
    plain = Usage(input_tokens=1_000_000, output_tokens=0)
    more = cost_of(usage, "claude-haiku-4-5")
    less = cost_of(plain, "claude-haiku-4-5")
    assert (more, less) == (pytest.approx(0.9 + 0.1 * 1.25), pytest.approx(1.0))


@pytest.mark.parametrize(
    ("usage", "model", "base_url"),
    [
        (USAGE, "smollm2-135m", None),
        (USAGE, None, None),
        (USAGE, "", None),
        (USAGE, "gpt-4o", "http://127.0.0.1:8080/v1"),
        (USAGE, "gpt-4o", "http://localhost:8080/v1"),
        (USAGE, "gpt-4o", "http://[::1]:8080/v1"),
        (USAGE, "gpt-4o", "https://llm.example.org/v1"),
        (USAGE, "no-such-model", OPENAI),
        (Usage(), "gpt-4o", None),
        (Usage(input_tokens=5), "gpt-4o", None),
        (Usage(output_tokens=5), "gpt-4o", None),
        (Usage(input_tokens=1, output_tokens=1, cached_input_tokens=2), "gpt-4o", None),
        (USAGE, "gpt-4o", "https://api.githubcopilot.com"),
    ],
    ids=[
        "unknown-model",
        "no-model",
        "empty-model",
        "loopback",
        "localhost",
        "loopback-v6",
        "gateway",
        "unknown-there",
        "no-usage",
        "no-output-count",
        "no-input-count",
        "contradiction",
        "listed-without-a-rate",
    ],
)
def test_what_is_not_known_has_no_price(
    usage: Usage, model: str | None, base_url: str | None
) -> None:
    """None, never 0: a local server that calls its model gpt-4o is not the vendor."""
    assert cost_of(usage, model, base_url=base_url) is None


@pytest.mark.parametrize(
    ("price", "dollars"),
    [
        ({"input": 1.0, "output": 2.0}, 1.0 + 0.2),
        ({"input": 1.0, "output": 2.0, "cached_input": 0.5}, 0.6 + 0.2 + 0.2),
        ({"input": 0.0, "output": 0.0}, 0.0),
        ({"input": 1.0}, None),
        ({"output": 1.0}, None),
        ({}, None),
    ],
)
def test_the_users_own_price_goes_first(price: dict[str, float], dollars: float | None) -> None:
    """It holds for any model at any address, is free where it says 0, and unknown where silent."""
    for model, base_url in (("gpt-4o", None), ("smollm2", "http://127.0.0.1:8080/v1")):
        found = cost_of(USAGE, model, price=price, base_url=base_url)
        assert found == (None if dollars is None else pytest.approx(dollars))


def test_own_price_of_an_embedding_needs_no_output_price() -> None:
    """What was not used need not be priced."""
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    assert cost_of(usage, "e", price={"input": 0.1}) == pytest.approx(0.1)


def test_a_contradiction_has_no_own_price_either() -> None:
    """More cached tokens than tokens is a fault of the server, not a negative price."""
    usage = Usage(input_tokens=1, output_tokens=1, cached_input_tokens=2)
    assert cost_of(usage, "m", price={"input": 1.0, "output": 1.0}) is None
