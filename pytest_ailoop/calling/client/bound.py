"""A model with its parameters: what async and sync clients have in common. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ailoop.calling.client.request import Asked, PromptLike, build
from pytest_ailoop.calling.client.turn import Turn
from pytest_ailoop.data.call import Purpose
from pytest_ailoop.data.variant import ModelSpec

__all__ = ["Bound"]


class Bound:
    """A model with its parameters."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        defaults: Mapping[str, Any] | None = None,
        purpose: Purpose = "app",
        allow_no_key: bool = False,
    ) -> None:
        """Bind to *spec*; *defaults* are the variant's own request parameters.

        With *allow_no_key* a missing key is no fault here: recorded replies need none.
        """
        self.spec = spec
        self._defaults = dict(defaults or {})
        self._purpose = purpose
        self._allow_no_key = allow_no_key
        # Whoever has the client in hand may have changed it.
        self._handed_out = False

    @property
    def model(self) -> str:
        """The model's alias."""
        return self.spec.alias

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec.alias!r})"

    def _asked(self, prompt: PromptLike, **how: Any) -> Asked:
        return build(self.spec, prompt, defaults=self._defaults, **how)

    def _turn(self, asked: Asked) -> Turn[Any]:
        return Turn(self.spec, asked, self._purpose)
