"""A configuration file in a folder, and what refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ailoop.errors import ConfigError
from pytest_ailoop.settings import read_config


def refusal(tmp_path: Path, text: str | bytes, name: str = "ailoop.toml") -> str:
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path)
    return str(caught.value)
