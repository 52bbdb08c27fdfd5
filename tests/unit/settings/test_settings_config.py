"""The tables of ailoop.toml and pyproject.toml as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ConfigError
from pytest_ailoop.settings import Config, read_config

FULL = """
judge = "mini"

[models.mini]
model = "gpt-5-mini"
base_url = "https://example.test/v1"
api_key_env = "MY_KEY"
parameters = { temperature = 0, max_tokens = 100, stop = ["\\n"], extra_body = { top_k = 3 } }
price = { input = 0.25, output = 2, cached_input = 0.025 }
rpm = 500
tpm = 30000
concurrency = 8
timeout = 60
first_byte_timeout = 2.5

[models."local-1.7b"]

[recordings]
ignore_fields = ["user", "metadata.request_id"]
passthrough = ["localhost", "127.0.0.1:8080", "[::1]:80"]
"""


EXPECTED = Config(
    models={
        "mini": ModelSpec(
            alias="mini",
            model="gpt-5-mini",
            base_url="https://example.test/v1",
            api_key_env="MY_KEY",
            parameters={
                "temperature": 0,
                "max_tokens": 100,
                "stop": ["\n"],
                "extra_body": {"top_k": 3},
            },
            price={"input": 0.25, "output": 2.0, "cached_input": 0.025},
            rpm=500,
            tpm=30000,
            concurrency=8,
            timeout=60.0,
            first_byte_timeout=2.5,
        ),
        "local-1.7b": ModelSpec(alias="local-1.7b", model="local-1.7b"),
    },
    judge="mini",
    ignore_fields=("user", "metadata.request_id"),
    passthrough=("localhost", "127.0.0.1:8080", "[::1]:80"),
)


def in_pyproject(text: str) -> str:
    return (
        text.replace("\njudge", "\n[tool.ailoop]\njudge")
        .replace("\n[m", "\n[tool.ailoop.m")
        .replace("\n[r", "\n[tool.ailoop.r")
    )


def test_ailoop_toml_is_read_whole(tmp_path: Path) -> None:
    """Every documented key of ailoop.toml arrives in the Config."""
    (tmp_path / "ailoop.toml").write_text(FULL)
    assert read_config(tmp_path) == EXPECTED


def test_pyproject_tables_mean_the_same(tmp_path: Path) -> None:
    """The same tables below [tool.ailoop] give the same Config."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n' + in_pyproject(FULL))
    assert read_config(tmp_path) == EXPECTED


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"pyproject.toml": "[project]\nname = 'x'\n"},
        {"pyproject.toml": "[project]\nname = 'ailoop-user'\n[tool.other]\na = 1\n"},
        {"pyproject.toml": "[tool.ailoop]\n"},
        {"ailoop.toml": ""},
        {"pyproject.toml": "[project]\ndependencies = ['pytest-ailoop']\n", "ailoop.toml": ""},
    ],
)
def test_nothing_configured_is_the_default(tmp_path: Path, files: dict[str, str]) -> None:
    """No file, no table and an empty table are all the default Config."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert read_config(tmp_path) == Config()


def test_a_broken_pyproject_without_our_table_is_not_our_fault(tmp_path: Path) -> None:
    """A pyproject.toml that never mentions ailoop is not parsed."""
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert read_config(tmp_path) == Config()


def test_both_files_are_refused(tmp_path: Path) -> None:
    """Two places that configure are refused, both named."""
    (tmp_path / "pyproject.toml").write_text("[tool.ailoop]\n")
    (tmp_path / "ailoop.toml").write_text("")
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path)
    assert str(caught.value) == (
        "both pyproject.toml ([tool.ailoop]) and ailoop.toml configure ailoop; keep one"
    )
