"""What the fixtures hand out. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

import pytest

from pytest_ailoop import recorder
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.plugin.evaluation import EVALUATION

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_ailoop.calling.client import LLM, SyncLLM
    from pytest_ailoop.data.cell import Cell
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.prompts.load import Prompt
    from pytest_ailoop.recorder import Trace

__all__ = [
    "HOME",
    "Model",
    "client_for",
    "client_of",
    "model_of",
    "outside_of_evals",
    "prompt_of",
    "trace_of",
]

HOME = "pytest_ailoop.plugin"
"""The module that our fixtures are functions of."""


class Model(str):
    """The variant's model: the name to send, with what the configuration says of it."""

    spec: ModelSpec

    def __new__(cls, spec: ModelSpec) -> Self:
        self = super().__new__(cls, spec.model)
        self.spec = spec
        return self

    @property
    def alias(self) -> str:
        """The short name in ids and tables."""
        return self.spec.alias

    @property
    def base_url(self) -> str | None:
        """Where it is served, or None for the client's default."""
        return self.spec.base_url

    @property
    def api_key_env(self) -> str | None:
        """Name of the variable that holds its key, or None for the client's default."""
        return self.spec.api_key_env

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its default request parameters."""
        return self.spec.parameters


def outside_of_evals(request: pytest.FixtureRequest) -> NoReturn:
    """Say that a fixture of an eval was asked for by an ordinary test."""
    ours = ("case", "llm", "model", "prompt", "trace", "trial")
    name = next((name for name in ours if name in request.fixturenames), "case")
    pytest.fail(
        f"fixture {name!r} belongs to evals: mark the test with "
        "@pytest.mark.ailoop(dataset=...) to have it",
        pytrace=False,
    )


def _missing(axis: str) -> NoReturn:
    pytest.fail(
        f"the test takes `{axis}`, but its marker has no {axis}=; "
        f"write @pytest.mark.ailoop(..., {axis}=[...])",
        pytrace=False,
    )


def model_of(cell: Cell) -> Model:
    """Return the variant's model."""
    if cell.model is None:
        _missing("model")
    return Model(cell.model)


def prompt_of(cell: Cell) -> Prompt:
    """Return the variant's prompt."""
    if cell.prompt is None:
        _missing("prompt")
    prompt: Prompt = cell.prompt
    return prompt


def client_of(request: pytest.FixtureRequest, cell: Cell) -> LLM | SyncLLM:
    """Return the client for the variant's model, fit for the kind of test function."""
    notebook = recorder.current()
    is_async = notebook is None or notebook.is_async
    evaluation = request.config.stash[EVALUATION]
    return client_for(evaluation, cell, request.fixturenames, is_async=is_async)


def client_for(
    evaluation: Evaluation, cell: Cell, taken: Collection[str], *, is_async: bool
) -> LLM | SyncLLM:
    """Return the client for the variant's model; axes that the test takes are not sent."""
    from pytest_ailoop.calling.client import LLM, SyncLLM

    spec = cell.model or _model_of_prompt(evaluation, cell)
    defaults = {name: value for name, value in cell.params.items() if name not in taken}
    return (LLM if is_async else SyncLLM)(spec, defaults=defaults, allow_no_key=True)


def _model_of_prompt(evaluation: Any, cell: Cell) -> ModelSpec:
    """Return the model that a prompt's front matter names, where the marker has no model axis."""
    from pytest_ailoop.settings import resolve_model

    name = getattr(cell.prompt, "model", None)
    if name is None:
        _missing("model")
    return resolve_model(name, evaluation.settings.config)


def trace_of() -> Trace:
    """Return a view of the running item."""
    notebook = recorder.current()
    if notebook is None:
        pytest.fail("fixture 'trace' works only while an eval runs", pytrace=False)
    return recorder.Trace(notebook)
