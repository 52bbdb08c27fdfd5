"""The prompt as a test holds it, and what a case gives to it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from pytest_ailoop.data.case import Case
from pytest_ailoop.data.reply import Rendered
from pytest_ailoop.errors import PromptError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import suggestion

if TYPE_CHECKING:
    from pytest_ailoop.prompts.template import Part

__all__ = ["Prompt", "columns"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prompt:
    """A prompt file, read and checked."""

    name: str
    """The file's name without its suffixes: `terse` of `terse.prompt.md`."""
    path: str
    """The file, relative to the root folder, with `/`."""
    digest: str
    """Digest of the file's text, whatever its line ends."""
    text: str
    """The body's source."""
    parts: tuple[tuple[str, Part], ...] = field(repr=False)
    """Role and template of each message."""
    model: str | None = None
    """The model that the file suggests; counts only where the marker names none."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Model parameters from the file."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """OpenAI function tools from the file."""
    output_schema: Mapping[str, Any] | None = None
    """JSON Schema of the answer from the file."""

    @property
    def variables(self) -> frozenset[str]:
        """All names that the templates read."""
        return frozenset().union(*(part.variables for _, part in self.parts))

    @property
    def required(self) -> frozenset[str]:
        """The names that must be given: all but those the templates test for or give a default."""
        return frozenset().union(*(part.needed for _, part in self.parts))

    def render(self, case: Case | None = None, /, **values: Any) -> Rendered:
        """Return the messages with *values* filled in; *case* gives its columns beneath them.

        Texts stay as they are, also where they look like a template or a role line. Mappings,
        lists and pydantic models are printed as JSON, numbers as Python writes them. Names that
        the template does not read are left out.
        Raises `PromptError` with file and line for a name that is missing, and for a value that
        has no text: None, bytes, sets, iterators, bare objects.
        """
        if case is not None and not isinstance(case, Case):
            raise PromptError(
                f"{self.path}: render() takes a case, and values by keyword; "
                f"got {type(case).__name__} by position"
            )
        given = {**({} if case is None else columns(case)), **values}
        self._check(given)
        messages = tuple({"role": role, "content": part.render(given)} for role, part in self.parts)
        return Rendered(
            messages=messages,
            name=self.name,
            digest=self.digest,
            parameters=self.parameters,
            tools=self.tools,
            output_schema=self.output_schema,
        )

    def _check(self, given: Mapping[str, Any]) -> None:
        missing: dict[str, int] = {}
        for _, part in self.parts:
            for name, line in part.needed.items():
                if name not in given:
                    missing.setdefault(name, line)
        if missing:
            words = (self._words(name, line, given) for name, line in missing.items())
            raise PromptError("\n".join(words))

    def _words(self, name: str, line: int, given: Mapping[str, Any]) -> str:
        hint = suggestion(name, sorted(given.keys() - self.variables))
        has = f"it was given {', '.join(sorted(given))}" if given else "it was given nothing"
        return f"{self.path}:{line}: the prompt needs {name!r}; {has}{hint}"


def columns(case: Case) -> dict[str, Any]:
    """Return what *case* gives to a prompt by name: its row's columns, `id`, `input`, `expected`.

    Only what a template names is ever printed, so `expected` reaches a model only by a template
    that says so.
    """
    found = dict(case.metadata)
    found.update(_row(case.row))
    found.update(id=case.id, input=case.input)
    if case.expected is not None:
        found["expected"] = case.expected
    return found


def _row(row: Any) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return {name: value for name, value in row.items() if isinstance(name, str)}
    names = [*getattr(type(row), "model_fields", ()), *(getattr(row, "model_extra", None) or ())]
    return {name: getattr(row, name) for name in names}
