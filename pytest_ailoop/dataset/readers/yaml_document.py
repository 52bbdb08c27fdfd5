"""A YAML 1.2 document: a list of mappings, or a mapping with a list `cases`.

The value is built here from the parser's events, not by the library's constructor: nesting and
aliases are then bounded before anything grows, each row keeps its line, and no tag makes an
object. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_ailoop.dataset.readers.source import Source
from pytest_ailoop.dataset.values import DEEP, MAX_DEPTH, shown
from pytest_ailoop.text import cut, suggestion

__all__ = ["MAX_ALIASED", "mapping_of", "read"]

MAX_ALIASED = 100_000
"""Values that the aliases of one file may stand for, all together."""

_TAG = "tag:yaml.org,2002:"


def read(source: Source) -> Iterator[tuple[int, Any]]:
    """Yield each element of the list with the line it starts on."""
    build = _built(source)
    rows = build.root
    if rows is None:
        return
    if isinstance(rows, dict):
        if "cases" not in rows:
            hint = suggestion("cases", list(rows))
            raise source.fault(f"expected a list of mappings, or a mapping with 'cases'{hint}", 1)
        rows = rows["cases"]
    if not isinstance(rows, list):
        raise source.fault(f"expected a list of mappings, got {shown(rows)}", 1)
    yield from zip(build.lines[id(rows)], rows, strict=True)


def mapping_of(source: Source) -> Any:
    """Return the one value of a file that is a single row."""
    return _built(source).root


def _built(source: Source) -> _Build:
    from ruamel.yaml import YAML

    # A new one for each file: parser and resolver keep state.
    yaml = YAML(typ="safe", pure=True)
    build = _Build(source, yaml.resolver)
    for event in _events(source, yaml):
        getattr(build, type(event).__name__, _nothing)(event)
    return build


def _nothing(event: Any) -> None:
    """Stream and document ends say nothing about the value."""


def _events(source: Source, yaml: Any) -> Iterator[Any]:
    from ruamel.yaml.error import MarkedYAMLError

    document = source.text()
    try:
        yield from yaml.parse(document)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = error.problem or error.context
        raise source.fault(f"not valid YAML at column {column}: {problem}", line) from None
    except Exception as error:
        # The scanner lets ValueError, IndexError and its own ReaderError out for some input.
        at = getattr(error, "position", None)
        line = document.count("\n", 0, at) + 1 if isinstance(at, int) else 1
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise source.fault(f"not valid YAML: {problem}", line) from None


class _Open:
    """A list or mapping whose end has not come yet."""

    def __init__(self, value: Any, event: Any) -> None:
        self.value, self.anchor = value, event.anchor
        self.line = event.start_mark.line + 1
        self.key: str | None = None
        self.merges: list[dict[str, Any]] = []
        self.merging = False
        self.lines: list[int] = []
        self.size = 1


class _Build:
    """Puts the value together; method names are those of the events."""

    def __init__(self, source: Source, resolver: Any) -> None:
        self.source, self.resolver = source, resolver
        self.root: Any = None
        self.lines: dict[int, list[int]] = {}
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = self._documents = 0

    def DocumentStartEvent(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._fault(event, "one document a file; join them, or split the file")
        if event.version not in (None, (1, 2)):
            raise self._fault(event, "data sets are YAML 1.2; remove the %YAML line")

    def SequenceStartEvent(self, event: Any) -> None:
        self._start([], event)

    def MappingStartEvent(self, event: Any) -> None:
        self._start({}, event)

    def SequenceEndEvent(self, event: Any) -> None:
        self._end()

    def MappingEndEvent(self, event: Any) -> None:
        self._end()

    def ScalarEvent(self, event: Any) -> None:
        inside = self._open[-1] if self._open else None
        if inside is not None and inside.key is None and isinstance(inside.value, dict):
            self._key(inside, event)
            return
        value = self._scalar(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, event.start_mark.line + 1, 1)

    def AliasEvent(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if found is None:
            raise self._fault(event, f"the alias *{event.anchor} has no anchor before it")
        value, size = found
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise self._fault(event, f"aliases stand for more than {MAX_ALIASED:,} values")
        if self._open and self._open[-1].key is None and isinstance(self._open[-1].value, dict):
            raise self._fault(event, "an alias cannot be a key")
        self._add(value, event.start_mark.line + 1, size)

    def _start(self, value: Any, event: Any) -> None:
        self._refuse_tag(event)
        if self._open and self._open[-1].key is None and isinstance(self._open[-1].value, dict):
            raise self._fault(event, "a key must be text, got a list or mapping")
        # One level for the list of rows, two where it stands under "cases".
        if len(self._open) >= MAX_DEPTH + 2:
            raise self._fault(event, DEEP)
        self._open.append(_Open(value, event))

    def _end(self) -> None:
        done = self._open.pop()
        if done.merges:
            merged: dict[str, Any] = {}
            for one in reversed(done.merges):
                merged.update(one)
            done.value = merged | done.value
        if isinstance(done.value, list):
            self.lines[id(done.value)] = done.lines
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size)
        self._add(done.value, done.line, done.size)

    def _add(self, value: Any, line: int, size: int) -> None:
        if not self._open:
            self.root = value
            return
        inside = self._open[-1]
        inside.size += size
        if isinstance(inside.value, list):
            inside.value.append(value)
            inside.lines.append(line)
        elif inside.merging:
            self._merge(inside, value, line)
        else:
            inside.value[inside.key] = value
        inside.key, inside.merging = None, False

    def _merge(self, inside: _Open, value: Any, line: int) -> None:
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise self.source.fault("<< takes a mapping or a list of mappings", line)
        inside.merges.extend(parts)

    def _key(self, inside: _Open, event: Any) -> None:
        if event.implicit[0] and event.value == "<<":
            inside.key, inside.merging = "<<", True
            return
        key = self._scalar(event, as_key=True)
        if key in inside.value:
            raise self._fault(event, "the key stands twice in one mapping; keep one", key)
        inside.key = key

    def _scalar(self, event: Any, *, as_key: bool = False) -> Any:
        self._refuse_tag(event)
        written = event.value
        if event.tag or not event.implicit[0]:
            return written
        from ruamel.yaml.nodes import ScalarNode

        kind = str(self.resolver.resolve(ScalarNode, written, event.implicit)).removeprefix(_TAG)
        if kind == "str":
            return written
        if as_key:
            raise self._fault(event, f"a key must be text, got {written}; quote it")
        if kind == "null":
            return None
        if kind == "bool":
            return written.lower() == "true"
        return self._number(event, written, kind)

    def _number(self, event: Any, written: str, kind: str) -> Any:
        """Return the number where it is written as it is read: `1.10` and `012` may be text."""
        try:
            value = int(written) if kind == "int" else float(written)
        except ValueError:
            value = None
        if kind not in ("int", "float") or value is None:
            name = {"timestamp": "a date", "int": "a number", "float": "a number"}.get(kind, kind)
            raise self._fault(event, f"{written} reads as {name} in YAML; quote it to keep text")
        if str(value) != written:
            raise self._fault(
                event,
                f"{written} reads as the number {value}; quote it to keep text,"
                " or write the number in that form",
            )
        return value

    def _refuse_tag(self, event: Any) -> None:
        if event.tag and str(event.tag) != f"{_TAG}str":
            raise self._fault(
                event, f"tags are not read, got {str(event.tag).replace(_TAG, '!!')}; remove it"
            )

    def _fault(self, event: Any, problem: str, key: str | None = None) -> Exception:
        """Return the fault at *event*, with the field path and the row's `id` where known."""
        line = event.start_mark.line + 1
        frames = self._open[:]
        if frames and isinstance(frames[0].value, dict) and frames[0].key == "cases":
            del frames[0]
        if frames and isinstance(frames[0].value, list):
            del frames[0]
        path = ""
        for frame in frames:
            if isinstance(frame.value, list):
                path += f"[{len(frame.value)}]"
            else:
                name = frame.key if frame.key is not None else key
                path += f".{name}" if path and name else name or ""
        row = frames[0].value if frames else None
        own = row.get("id") if isinstance(row, dict) else None
        case_id = own if isinstance(own, str) else None
        return self.source.fault(problem, line, field=cut(path, 40) or None, case_id=case_id)
