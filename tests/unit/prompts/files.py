"""A prompt file in a folder, read."""

from __future__ import annotations

from pathlib import Path

from pytest_ailoop.prompts.load import Prompt, load_prompt


def load(tmp_path: Path, text: str | bytes, name: str = "p.prompt.md") -> Prompt:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    (tmp_path / name).write_bytes(raw)
    return load_prompt(name, base=tmp_path, root=tmp_path)
