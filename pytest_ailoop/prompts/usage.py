"""How a test function's source renders its prompt, so that what is missing shows before it runs.

The source is read, never run; where it cannot tell, it says nothing. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Sequence

from pytest_ailoop.data.case import Case
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.prompts.prompt import Prompt, columns

__all__ = ["RenderCall", "lacking", "render_calls"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderCall:
    """One `prompt.render(...)` as it is written."""

    line: int
    """1-based, within the source that was read."""
    names: frozenset[str]
    """The keywords."""
    with_case: bool = False
    """Whether `case` is given by position."""
    open: bool = False
    """Whether more may be given than can be seen: `**values`, or something else by position."""


def render_calls(source: str) -> tuple[RenderCall, ...]:
    """Return the calls of `prompt.render` in a test function's *source*, in order.

    Empty for source that is not Python and where `prompt` is assigned, passed on or read in
    another way, so that its calls may be elsewhere.
    """
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    known = {id(node.value) for node in attributes}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    if any(node.id == "prompt" and id(node) not in known for node in names):
        return ()
    return tuple(sorted(_calls(tree), key=lambda call: call.line))


def _calls(tree: ast.AST) -> Iterator[RenderCall]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_render(node.func):
            with_case = [isinstance(one, ast.Name) and one.id == "case" for one in node.args]
            yield RenderCall(
                line=node.lineno,
                names=frozenset(word.arg for word in node.keywords if word.arg),
                with_case=with_case == [True],
                open=with_case not in ([], [True]) or any(not word.arg for word in node.keywords),
            )


def _is_render(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "render"
        and isinstance(node.value, ast.Name)
        and node.value.id == "prompt"
    )


def lacking(prompt: Prompt, calls: Sequence[RenderCall], case: Case) -> tuple[str, ...]:
    """Return the names that *prompt* requires and that none of *calls* gives it for *case*, sorted.

    One call that fits is enough: which one a prompt takes is the test's own affair. Without
    calls nothing is known to be missing.
    """
    if not calls or any(call.open for call in calls):
        return ()
    left = []
    for call in calls:
        given = call.names | (columns(case).keys() if call.with_case else set())
        left.append(sorted(prompt.required - given))
    fewest = min(left, key=len)
    return tuple(fewest)
