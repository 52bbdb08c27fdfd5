"""README and docs: their code is code, their links lead somewhere, their commands are one line.

Comments in the Markdown say what to do with the block that follows:

`<!-- run -->` runs a Python block as a test file, `<!-- file: NAME -->` puts a block beside it
under that name first, `<!-- command: NAME -->` marks a line that `.ci/run` executes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*.md"),
        *ROOT.glob("examples/*/*.md"),
    ]
)
BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^>]*?) -->\n)?^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced code block with what stood above it."""

    page: Path
    line: int
    comment: str
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page=page,
            line=text.count("\n", 0, match.start("code")),
            comment=match["comment"] or "",
            language=match["language"],
            code=match["code"],
        )
        for match in BLOCK.finditer(text)
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
RUN = [block for block in PYTHON if block.comment == "run"]
TOML = [block for block in BLOCKS if block.language == "toml"]


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_blocks_compile(block: Block) -> None:
    """A reader can paste each Python block into a file."""
    compile("\n" * block.line + block.code, str(block.page), "exec", dont_inherit=True)


@pytest.mark.parametrize("block", TOML, ids=str)
def test_toml_blocks_parse(block: Block) -> None:
    """A reader can paste each TOML block into pyproject.toml."""
    tomllib.loads(block.code)


@pytest.mark.parametrize("block", RUN, ids=str)
def test_marked_blocks_run(block: Block, tmp_path: Path) -> None:
    """A block marked `run` passes as a test file beside the page's marked files."""
    for other in blocks_of(block.page):
        name = other.comment.removeprefix("file: ")
        if name != other.comment:
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(other.code, encoding="utf-8")
    (tmp_path / "pytest.toml").touch()
    (tmp_path / "test_block.py").write_text(block.code, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_block.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_exist(page: Path) -> None:
    """No link of a page leads to a file that is not there."""
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
    targets = {match["target"].partition("#")[0] for match in LINK.finditer(prose)}
    local = {target for target in targets if target and "://" not in target}
    assert [] == [target for target in sorted(local) if not (page.parent / target).exists()]


@pytest.mark.parametrize("name", ["quickstart", "tests"])
def test_readme_commands_are_one_line_each(name: str) -> None:
    """`.ci/run` takes the two commands from the README as they stand."""
    found = [
        block.code
        for block in BLOCKS
        if block.page == ROOT / "README.md" and block.comment == f"command: {name}"
    ]
    assert 1 == len(found)
    assert 1 == found[0].count("\n")
