"""README and docs: their code is code, their links lead somewhere, their output is real.

Comments in the Markdown say what to do with the block that follows:

- `<!-- file: NAME -->` puts the block beside the page's tests under that name;
- `<!-- run: NAME -->` is a test file that passes (`<!-- run -->` where the name does not matter);
- `<!-- fails: NAME -->` is a test file that does not pass;
- `<!-- added: NAME -->` is added to the end of that file of the example, in the place `gated`;
- `<!-- output: PLACE: COMMAND -->` is what the command prints: each line stands in it, in order; a
  line `...` stands for any others. The place is `page` (the files above), `quickstart` (the
  example, run once), `changed` (the example after its tour) or `gated` (that with what was added);
- `<!-- command: NAME -->` is a line that `.ci/run` executes.

Replies that a page's tests need are recorded in `docs/recorded`, by the name of the test file;
those of a test that fails by a changed word are of the word before. `python tests/test_docs.py
FOLDER` writes each page's files there, to record them anew.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "docs" / "recorded"
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
QUIET = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:asyncio", "-p", "no:anyio")


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

    @property
    def word(self) -> str:
        """What the comment asks for."""
        return self.comment.partition(":")[0].strip()

    @property
    def rest(self) -> str:
        """What the comment says behind its first colon."""
        return self.comment.partition(":")[2].strip()

    @property
    def file(self) -> str | None:
        """The name that the block is a file by."""
        if self.word in ("run", "fails"):
            return self.rest or f"test_line_{self.line}.py"
        return self.rest if self.word == "file" else None


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
TOML = [block for block in BLOCKS if block.language == "toml"]
RUN = sorted({block.page for block in BLOCKS if block.word == "run"})
FAILS = [block for block in BLOCKS if block.word == "fails"]
OUTPUT = [block for block in BLOCKS if block.word == "output"]


def lay_out(page: Path, folder: Path) -> Path:
    """Write the files of a page, with the replies recorded for its tests."""
    for block in blocks_of(page):
        if block.file is not None:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.code, encoding="utf-8")
            recorded = RECORDED / f"{target.stem}.jsonl"
            if target.suffix == ".py" and recorded.exists():
                (folder / "__recordings__").mkdir(exist_ok=True)
                shutil.copy(recorded, folder / "__recordings__")
    (folder / "pytest.toml").touch()
    return folder


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run `pytest ...` or `ailoop ...` in *folder* as a reader does."""
    program, *arguments = shlex.split(command)
    module = {"pytest": "pytest", "ailoop": "pytest_ailoop"}[program]
    return subprocess.run(
        [sys.executable, "-m", module, *(QUIET if program == "pytest" else ()), *arguments],
        cwd=folder,
        env={
            **os.environ,
            "AILOOP_REPLIES": "replay",
            "COLUMNS": "80",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


class Places:
    """Folders to run commands in, each made once."""

    def __init__(self, base: Path) -> None:
        self._base = base

    @functools.cache  # noqa: B019 - lives as long as the module's tests
    def page(self, page: Path) -> Path:
        return lay_out(page, Path(tempfile.mkdtemp(dir=self._base)))

    @functools.cache  # noqa: B019
    def quickstart(self, changed: bool = False) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._base)) / "quickstart"
        left = shutil.ignore_patterns(".ailoop", "__pycache__", ".pytest_cache")
        shutil.copytree(ROOT / "examples" / "quickstart", folder, ignore=left)
        if changed:
            prompts = folder / "evals" / "prompts"
            shutil.copy(prompts / "next" / "described.prompt.md", prompts)
        self.run(folder, "pytest")
        return folder

    @functools.cache  # noqa: B019
    def gated(self, page: Path) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._base)) / "quickstart"
        shutil.copytree(self.quickstart(True), folder)
        for block in blocks_of(page):
            if block.word == "added":
                with (folder / block.rest).open("a", encoding="utf-8") as file:
                    file.write(f"\n{block.code}")
        return folder

    def of(self, block: Block) -> Path:
        place = block.rest.partition(":")[0]
        if place == "gated":
            return self.gated(block.page)
        return self.page(block.page) if place == "page" else self.quickstart(place == "changed")

    @functools.cache  # noqa: B019
    def run(self, folder: Path, command: str) -> subprocess.CompletedProcess[str]:
        return run(folder, command)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return Places(tmp_path_factory.mktemp("docs"))


def not_printed(wanted: str, printed: str) -> Iterator[str]:
    """Yield the lines of *wanted* that do not stand in *printed* behind the one before."""
    lines = iter(printed.splitlines())
    for line in wanted.splitlines():
        if line.strip() != "..." and line.rstrip() not in (one.rstrip() for one in lines):
            yield line
            return


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_blocks_compile(block: Block) -> None:
    """A reader can paste each Python block into a file."""
    compile("\n" * block.line + block.code, str(block.page), "exec", dont_inherit=True)


@pytest.mark.parametrize("block", TOML, ids=str)
def test_toml_blocks_parse(block: Block) -> None:
    """A reader can paste each TOML block into pyproject.toml."""
    tomllib.loads(block.code)


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_marked_blocks_run(page: Path, places: Places) -> None:
    """Each block of a page marked `run` passes as a test file beside the page's files."""
    names = [block.file for block in blocks_of(page) if block.word == "run"]
    result = places.run(places.page(page), f"pytest -q {' '.join(map(str, names))}")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("block", FAILS, ids=str)
def test_marked_blocks_fail(block: Block, places: Places) -> None:
    """A block marked `fails` is collected and run, and does not pass."""
    result = places.run(places.page(block.page), f"pytest -q {block.file}")
    assert result.returncode == 1, result.stdout + result.stderr


@pytest.mark.parametrize("block", OUTPUT, ids=str)
def test_marked_output_is_printed(block: Block, places: Places) -> None:
    """Output shown on a page is what the command prints today."""
    command = block.rest.partition(":")[2].strip()
    result = places.run(places.of(block), command)
    printed = result.stdout + result.stderr
    assert [] == list(not_printed(block.code, printed)), printed


def places_in(page: Path) -> set[str]:
    """Return the fragments that a page's headings make."""
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_exist(page: Path) -> None:
    """No link of a page leads to a file or a heading that is not there."""
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
    dead = []
    for target in sorted({match["target"] for match in LINK.finditer(prose)}):
        name, _, fragment = target.partition("#")
        if "://" in target:
            continue
        linked = page.parent / name if name else page
        if not linked.exists() or (fragment and fragment not in places_in(linked)):
            dead.append(target)
    assert [] == dead


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


if __name__ == "__main__":
    for with_tests in RUN:
        print(lay_out(with_tests, Path(sys.argv[1]) / with_tests.stem))
