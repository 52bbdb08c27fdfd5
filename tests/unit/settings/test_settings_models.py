"""Models by alias and by name, and what their tables may say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import UsageError
from pytest_ailoop.settings import Config, read_config, resolve_model
from tests.unit.settings.files import refusal


@pytest.mark.parametrize(
    "parameters",
    ["{max_tokens = 1}", "{prompt_cache_key = 'a'}", "{max_completion_tokens = 2}", "{user = 'u'}"],
)
def test_ordinary_parameters_are_no_keys(tmp_path: Path, parameters: str) -> None:
    """Request parameters whose names contain `token` or `key` are taken."""
    (tmp_path / "ailoop.toml").write_text(f"[models.m]\nparameters = {parameters}")
    assert read_config(tmp_path).models["m"].parameters


def test_two_aliases_may_share_a_model(tmp_path: Path) -> None:
    """The same model name at two servers makes two models."""
    (tmp_path / "ailoop.toml").write_text(
        "[models.a]\nmodel = 'm'\nbase_url = 'http://a.test'\n"
        "[models.b]\nmodel = 'm'\nbase_url = 'http://b.test'\n"
    )
    models = read_config(tmp_path).models
    assert [models[name].base_url for name in "ab"] == ["http://a.test", "http://b.test"]


def test_a_name_is_an_alias_first() -> None:
    """`resolve_model` gives the alias's model, and takes any other name as the model itself."""
    mini = ModelSpec(alias="mini", model="gpt-5-mini")
    config = Config(models={"mini": mini})
    assert resolve_model("mini", config) is mini
    assert resolve_model("gpt-5", config) == ModelSpec(alias="gpt-5", model="gpt-5")


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_what_is_no_model_name_is_refused(name: object) -> None:
    """An empty or foreign value is a usage error that shows it."""
    with pytest.raises(UsageError) as caught:
        resolve_model(name, Config())  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"expected a model name or an alias of [tool.ailoop.models], got {name!r}"
    )


@pytest.mark.parametrize(
    ("text", "loaded"), [("", "[]"), ("[tool.ailoop.models.m]\nrpm = 1\n", "['tomllib']")]
)
def test_what_is_dear_is_not_imported(tmp_path: Path, text: str, loaded: str) -> None:
    """Reading a configuration takes a TOML reader, and without one not even that; no pydantic."""
    (tmp_path / "pyproject.toml").write_text(text)
    code = (
        "import sys; from pathlib import Path; before = set(sys.modules);"
        "from pytest_ailoop.settings import read_config;"
        f"read_config(Path({str(tmp_path)!r}));"
        "print(sorted({'pydantic', 'tomllib', 'asyncio'} & set(sys.modules) - before))"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert loaded == found.stdout.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gates.g]\nevery_case = 1", "[gates.g]: 'every_case': expected true or false, got 1"),
        ("[gates.g]\npass_rate = true", "[gates.g]: 'pass_rate': expected a number, got True"),
        ("[models.m]\nrpm = true", "[models.m]: 'rpm': expected a whole number, got True"),
        ("[models.m]\nparameters = 1", "[models.m]: 'parameters': expected a table"),
        ("[gates.g]\ntests = 'a'", "[gates.g]: 'tests': expected a list, got 'a'"),
        (
            "[gates.g]\nmean = {'' = 1}",
            "[gates.g.mean]: '': expected a name, got an empty or unprin",
        ),
        ("[gates.g]\nmean = {a = '1'}", "[gates.g.mean]: 'a': expected a number, got '1'"),
        (
            "[[accepted_failures]]\ncase = 'a'\nreason = 'b'\nowner = 'c'\n"
            "expires = 2030-12-31T00:00:00",
            "[accepted_failures[0]]: 'expires': expected a date without quotes",
        ),
    ],
)
def test_values_of_a_wrong_kind_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """Nothing is converted: a yes is no number, a moment no day, a text no list."""
    assert refusal(tmp_path, text).startswith(f"ailoop.toml {message}")


@pytest.mark.parametrize(("said", "first_byte"), [("20", 20.0), ("30", 30.0), ("500", 30.0)])
def test_a_stream_begins_within_the_timeout(tmp_path: Path, said: str, first_byte: float) -> None:
    """Where only `timeout` is given, the first byte has half a minute, and no more than that."""
    (tmp_path / "ailoop.toml").write_text(f"[models.m]\ntimeout = {said}\n")
    assert first_byte == read_config(tmp_path).models["m"].first_byte_timeout


def test_gates_and_accepted_failures_are_kept(tmp_path: Path) -> None:
    """Gates keep what was said alone, and an accepted failure its last day."""
    (tmp_path / "ailoop.toml").write_text(
        "[gates.release]\ntests = ['evals/*']\npass_rate = 0.9\n"
        "[[accepted_failures]]\ncase = 'a'\nreason = 'b'\nowner = 'c'\nexpires = 2030-12-31\n"
    )
    config = read_config(tmp_path)
    assert {"release": {"tests": ["evals/*"], "pass_rate": 0.9}} == config.gates
    (entry,) = config.accepted_failures
    assert ("a", ("*",), "2030-12-31") == (entry.case, entry.tests, entry.expires)
