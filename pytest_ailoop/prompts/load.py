"""Finds and reads prompt files. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytest_ailoop.digest import digest_text
from pytest_ailoop.errors import PromptError
from pytest_ailoop.prompts.body import Message, messages_in, read_messages, split_front
from pytest_ailoop.prompts.head import Head, read_head
from pytest_ailoop.prompts.place import Key, Place, fault
from pytest_ailoop.prompts.prompt import Prompt
from pytest_ailoop.text import cut, suggestion

__all__ = ["Prompt", "load_prompt"]

_TEMPLATES = (".md", ".txt", ".jinja", ".jinja2", ".j2")
_LISTS = (".yml", ".yaml")
_MOST = 20_000


def load_prompt(path: str | Path, *, base: Path, root: Path) -> Prompt:
    """Return the prompt in the file *path*, relative to *base*, checked and compiled.

    `.md`, `.txt` and `.jinja` files are optional YAML front matter between `---` lines, then a
    template with role lines; `.yml` and `.yaml` files have a list `messages:`.
    Raises `PromptError` with file and line for a missing or undecodable file, another suffix,
    unknown keys, values of the wrong kind, and faults of the template.
    """
    found = Path(os.path.normpath(base / path))
    shown = _relative(found, root)
    text = _read(found, shown, base)
    if found.suffix.lower() in _LISTS:
        data, place = _yaml(text, shown, 1)
        head, messages = read_messages(data, place)
        body = "\n\n".join(f"{one.role}:\n{one.source}" for one in messages)
    else:
        head, body, messages = _template_file(text, shown)
    return _prompt(found, shown, text, head, body, messages)


def _prompt(
    found: Path, shown: str, text: str, head: Head, body: str, messages: list[Message]
) -> Prompt:
    from pytest_ailoop.prompts.template import compile_part, says_nothing

    if not messages[0].role:
        lead = messages.pop(0)
        if not says_nothing(lead.source, path=shown, line=lead.line):
            words = "text before the first role line belongs to no message; put a role above it"
            raise fault(shown, lead.line, words)
    parts = [(one.role, compile_part(one.source, path=shown, line=one.line)) for one in messages]
    return Prompt(
        name=_name(found),
        path=shown,
        digest=digest_text(text),
        text=body,
        parts=tuple(parts),
        model=head.model,
        parameters=head.parameters,
        tools=head.tools,
        output_schema=head.output_schema,
    )


def _template_file(text: str, shown: str) -> tuple[Head, str, list[Message]]:
    front, body, line = split_front(text, shown)
    head = Head()
    if front is not None:
        data, place = _yaml(front, shown, 2)
        head = read_head(data, place)
    return head, body, messages_in(body, shown, line)


def _name(path: Path) -> str:
    """Return the file's name without the suffixes that say what it is."""
    name = path.name
    for suffix in (path.suffix, ".prompt", *_TEMPLATES, ".prompt"):
        if name.lower().endswith(suffix.lower()) and len(name) > len(suffix):
            name = name[: -len(suffix)]
    return name


def _relative(path: Path, root: Path) -> str:
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # another drive
        return path.name


def _read(path: Path, shown: str, base: Path) -> str:
    """Return the file's text with `\\n` line ends."""
    if path.suffix.lower() not in (*_TEMPLATES, *_LISTS) and path.is_file():
        known = ", ".join((*_TEMPLATES, *_LISTS))
        raise PromptError(f"{shown}: a prompt file ends in one of {known}")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PromptError(f"{shown}: {_absent(path, base, error)}") from None
    return _decoded(raw, shown).replace("\r\n", "\n").replace("\r", "\n")


def _absent(path: Path, base: Path, error: OSError) -> str:
    if path.is_dir():
        return "a folder; a prompt is one file"
    if path.exists():
        return f"cannot be read: {error.strerror}"
    if not path.parent.is_dir():
        return f"no such prompt file: the folder {path.parent.name!r} does not exist"
    names = sorted(
        one.name for one in path.parent.iterdir() if one.suffix.lower() in (*_TEMPLATES, *_LISTS)
    )
    same = [name for name in names if _name(Path(name)) == path.name]
    hint = f"; did you mean {same[0]!r}?" if same else suggestion(path.name, names)
    return f"no such prompt file{hint} (looked for from the test module's folder)"


def _decoded(raw: bytes, shown: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise fault(shown, 1, "the file is UTF-16; save it as UTF-8")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise fault(
            shown, 1, "the file begins with a byte order mark; save it as UTF-8 without BOM"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        words = f"not UTF-8: byte 0x{raw[error.start]:02x}; save the file as UTF-8"
        raise fault(shown, line, words) from None
    if "\0" in text:
        raise fault(shown, text.count("\n", 0, text.index("\0")) + 1, "a NUL character")
    return text


def _yaml(text: str, shown: str, line: int) -> tuple[Any, Place]:
    """Return a YAML document that begins on *line*, with the lines of its values."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(text)
        lines: dict[tuple[Key, ...], int] = {}
        _mark(node, (), lines, line)
        place = Place(path=shown, line=line, lines=lines)
        return YAML(typ="safe", pure=True).load(text), place
    except MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        words = f"not YAML: {cut(str(error.problem).splitlines()[0], 160)}"
        raise fault(shown, line + (at.line if at else 0), words) from None
    except (_TooMuch, RecursionError):
        raise fault(shown, line, "the YAML is nested too deeply or too large") from None
    except (YAMLError, ValueError, TypeError) as error:
        words = f"not YAML: {cut(str(error).splitlines()[0], 160)}"
        row = text.count("\n", 0, getattr(error, "position", 0))
        raise fault(shown, line + row, words) from None


class _TooMuch(Exception):
    """Aliases of aliases: a few lines that mean gigabytes, or a document that contains itself."""


def _mark(node: Any, keys: tuple[Key, ...], lines: dict[tuple[Key, ...], int], line: int) -> None:
    """Note the line of each value below *node*; a block text begins below its `|`."""
    if len(lines) > _MOST:
        raise _TooMuch
    if node is None:
        return
    block = getattr(node, "style", None) in ("|", ">")
    lines.setdefault(keys, line + node.start_mark.line + block)
    if node.id == "mapping":
        for key, value in node.value:
            # The key's line: an empty or wrong value may be marked below it.
            at = (*keys, str(key.value))
            if value.id != "scalar" or value.style not in ("|", ">"):
                lines[at] = line + key.start_mark.line
            _mark(value, at, lines, line)
    elif node.id == "sequence":
        for index, value in enumerate(node.value):
            _mark(value, (*keys, index), lines, line)
