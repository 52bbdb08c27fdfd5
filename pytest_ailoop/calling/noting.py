"""What a call's bytes tell: who answered what, with which tokens, at which price.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any

from pytest_ailoop.calling.budget import Price
from pytest_ailoop.calling.identity import Identity, Request
from pytest_ailoop.data.call import Usage

__all__ = ["facts_of_call", "price_of"]


def facts_of_call(
    identity: Identity,
    request: Request,
    base_url: str,
    reply: Any,
    content_type: str,
    error: str | None,
) -> dict[str, Any]:
    """Return the fields of a `Call` that follow from request and reply."""
    from pytest_ailoop.calling.parse import facts_of

    if not request.is_model:  # A tool's own service costs no tokens.
        return {"usage": Usage(input_tokens=0, output_tokens=0), "cost": 0.0}
    asked = request.body if isinstance(request.body, dict) else None
    facts = facts_of(request.endpoint, asked, reply, content_type)
    return {
        "model_asked": facts.model_asked,
        "model_answered": facts.model_answered,
        "finish_reason": facts.finish_reason,
        "usage": facts.usage,
        "prompt_text": facts.prompt_text,
        "reply_text": facts.reply_text,
        "tool_calls": facts.tool_calls,
        "cost": None if error is not None else _cost(identity, facts, base_url),
    }


def price_of(identity: Identity, request: Request, base_url: str) -> Price:
    """Return whether the price of what *request* asks for is known."""
    from pytest_ailoop.calling.prices import price_known

    spec = identity.spec_of(request.model, base_url + "/")
    return price_known(
        request.model,
        output=not request.endpoint.endswith("/embeddings"),
        price=spec.price if spec is not None else None,
        base_url=base_url,
    )


def _cost(identity: Identity, facts: Any, base_url: str) -> float | None:
    from pytest_ailoop.calling.prices import cost_of

    spec = identity.spec_of(facts.model_asked, base_url + "/")
    model = facts.model_answered or facts.model_asked
    if model is None:
        return None
    price = spec.price if spec is not None else None
    return cost_of(facts.usage, model, price=price, base_url=base_url)
