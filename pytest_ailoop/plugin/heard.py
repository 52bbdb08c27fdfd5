"""Whether a test can hear of the axes that its marker crosses it with. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import errors

if TYPE_CHECKING:
    from pytest_ailoop.plugin.marker import Marked

__all__ = ["refuse_unheard"]

_PACKAGE = Path(__file__).parents[1]


def refuse_unheard(metafunc: pytest.Metafunc, marked: Marked) -> None:
    """Refuse an axis of which nothing reaches the test: its variants would all be the same.

    Raises `UsageError`. A test or fixture of the user's that takes `request` may ask for any of
    our fixtures; further axes are arguments, not fixtures, which nothing can ask for.
    """
    names = set(metafunc.fixturenames)
    for axis, ways in _ways(marked, "llm" in names).items():
        if not names & ways and (axis.startswith("params=") or not _may_ask(metafunc)):
            takes = " nor ".join(f"`{one}`" for one in sorted(ways, key=lambda one: one == "llm"))
            raise errors.UsageError(
                f"{metafunc.definition.nodeid}: marker ailoop: {axis} reaches nothing: the test "
                f"takes {'neither ' if len(ways) > 1 else 'no '}{takes}, so its items would all "
                "be the same; take it as an argument, or leave it out of the marker"
            )


def _ways(marked: Marked, has_llm: bool) -> dict[str, set[str]]:
    """Return the fixtures by which a test may hear of each axis."""
    found = {f"params={{{name!r}: ...}}": {name, "llm"} for name in marked.params or {}}
    if marked.dataset is not None:
        found["dataset="] = {"case"}
    if marked.model:
        found["model="] = {"model", "llm"}
    if marked.prompt:
        # Without a model axis, `llm` asks the model that the prompt's front matter names.
        by_llm = has_llm and not marked.model
        found["prompt="] = {"prompt", "llm"} if by_llm else {"prompt"}
    return found


def _may_ask(metafunc: pytest.Metafunc) -> bool:
    info = metafunc.definition._fixtureinfo
    asking = [info.argnames] if "request" in info.argnames else []
    asking += [
        one.argnames
        for fixtures in info.name2fixturedefs.values()
        for one in fixtures
        if "request" in one.argnames and _is_users(one, metafunc.config.rootpath)
    ]
    return bool(asking)


def _is_users(fixture: Any, root: Path) -> bool:
    code = getattr(fixture.func, "__code__", None)
    path = Path(code.co_filename) if code is not None else root
    outside = "site-packages" in path.parts or not path.is_relative_to(root)
    return not outside and not path.is_relative_to(_PACKAGE)
