"""Templates: the one module that knows Jinja2, sandboxed and without access to files.

Whoever imports it pays for Jinja2, so `load` does that once a prompt is there. What a template
prints is text as it stands: it is never read as a template again. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from pytest_ailoop.data.reply import text_of
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.prompts.place import fault
from pytest_ailoop.text import cut

__all__ = ["LONGEST", "Part", "compile_part", "says_nothing"]

LONGEST = 10_000_000
"""Characters one message may have; a runaway loop stops there."""
_LARGEST_POWER = 1_000
_FILE_NODES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_PLAIN = (str, int, float, list, tuple, dict)


class _Environment(ImmutableSandboxedEnvironment):
    """Also bounds repetition, and calls nothing but methods of plain values."""

    intercepted_binops = frozenset(["*", "**"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and not (_small(left) and _small(right)):
            raise SecurityError(f"** takes numbers up to {_LARGEST_POWER}")
        for many, times in ((left, right), (right, left)):
            repeats = isinstance(many, (str, list, tuple)) and isinstance(times, int)
            if repeats and len(many) * times > LONGEST:
                raise SecurityError(f"repetition beyond {LONGEST:,} elements")
        return super().call_binop(context, operator, left, right)

    def is_safe_callable(self, obj: Any) -> bool:
        ours = isinstance(obj, (Macro, LoopContext, jinja2.Undefined)) or obj is Namespace
        if ours or obj is self.globals["range"]:
            return True
        # Jinja's own message would show the object, and with it an address in memory.
        if not isinstance(getattr(obj, "__self__", None), _PLAIN):
            raise SecurityError("a template calls only methods of texts, numbers, lists, mappings")
        return True


def _small(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) <= _LARGEST_POWER


class _NotText(jinja2.TemplateRuntimeError):
    """A value that must not be printed."""


def _printed(value: Any) -> Any:
    """Return what stands in the prompt for a value that the template prints."""
    if isinstance(value, (str, jinja2.Undefined)):
        return value
    if value is None:
        raise _NotText("a printed value is None; write {{ name or '' }} where that may be")
    if isinstance(value, (Mapping, list, tuple)):
        return _json(value)
    if isinstance(value, (int, float)):
        return str(value)
    _refuse_unstable(value)
    return text_of(value)


def _refuse_unstable(value: Any) -> None:
    """Refuse what has no text of its own, or another one in each process."""
    kind = type(value)
    name = kind.__name__
    if isinstance(value, (bytes, bytearray)):
        raise _NotText(f"a printed value is {name}; decode it to a text first")
    if isinstance(value, (set, frozenset)):
        raise _NotText(f"a printed value is a {name}, which has no order; sort it into a list")
    if isinstance(value, Iterator):
        raise _NotText(f"a printed value is a {name}; end the expression with | list or | join")
    by_object = _inherits(kind, "__str__")
    if by_object and (callable(value) or _inherits(kind, "__repr__")):
        raise _NotText(f"a printed value is a {name}, which has no text of its own")


def _inherits(kind: type, method: str) -> bool:
    return getattr(kind, method) is getattr(object, method)


def _json(value: Any, indent: int | None = None) -> str:
    """Return *value* as JSON for a prompt: unlike Jinja's `tojson`, nothing is escaped for HTML."""
    if isinstance(value, jinja2.Undefined):
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, default=_nested)


def _nested(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, jinja2.Undefined):
        return str(value)
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else _printed(value)


def _environment() -> _Environment:
    made = _Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, finalize=_printed, cache_size=0
    )
    made.globals = {name: made.globals[name] for name in ("namespace", "range")}
    made.filters["tojson"] = _json
    # The same inputs give the same prompt.
    del made.filters["random"]
    return made


_ENVIRONMENT = _environment()


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The template of one message."""

    path: str
    line: int
    """File line of the template's first line."""
    source: str
    template: jinja2.Template
    variables: frozenset[str]
    """All names it reads from outside."""
    needed: Mapping[str, int]
    """Those it cannot do without, each with the line that reads it first."""

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text with *values* filled in.

        Raises `PromptError` with the line for whatever the template cannot do with them.
        """
        pieces, length = [], 0
        try:
            for piece in self.template.generate(values):
                pieces.append(piece)
                length += len(piece)
                if length > LONGEST:
                    raise _NotText(f"the message is longer than {LONGEST:,} characters")
            text = "".join(pieces)
            text.encode("utf-8")
        except Exception as error:
            raise fault(self.path, _line_of(error, self.line), _reason(error)) from None
        return text


def compile_part(source: str, *, path: str, line: int) -> Part:
    """Return the template of *source*, which begins on *line* of *path*.

    Raises `PromptError` with the line for a syntax error, an unknown filter, and a statement
    that would read another file.
    """
    try:
        tree = _ENVIRONMENT.parse(source)
        variables = frozenset(meta.find_undeclared_variables(tree))
        template = _ENVIRONMENT.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        problem = f"the template is not valid: {error.message}"
        if "end of template" in problem:
            problem += " (a block ends within its message, before the next role line)"
        raise fault(path, line + error.lineno - 1, problem) from None
    except RecursionError:
        raise fault(path, line, "the template is nested too deeply") from None
    for node in tree.find_all(_FILE_NODES):
        word = type(node).__name__.lower()
        raise fault(path, line + node.lineno - 1, f"a prompt cannot read other files ({word})")
    return Part(
        path=path,
        line=line,
        source=source,
        template=template,
        variables=variables,
        needed=_needed(tree, variables, line),
    )


def says_nothing(source: str, *, path: str, line: int) -> bool:
    """Return whether *source* is blank but for comments."""
    compile_part(source, path=path, line=line)
    outputs = _ENVIRONMENT.parse(source).body
    return all(
        isinstance(node, nodes.Output)
        and all(isinstance(one, nodes.TemplateData) and not one.data.strip() for one in node.nodes)
        for node in outputs
    )


def _needed(tree: nodes.Template, variables: frozenset[str], line: int) -> dict[str, int]:
    optional = set(_guarded(tree))
    found: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in variables - optional and node.ctx == "load":
            at = line + node.lineno - 1
            found[node.name] = min(at, found.get(node.name, at))
    return found


def _guarded(tree: nodes.Template) -> Iterator[str]:
    """Yield names that the template asks about (`is defined`) or gives a default."""
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        guards = node.name in ("defined", "undefined", "default", "d")
        if guards and isinstance(node.node, nodes.Name):
            yield node.node.name


def _line_of(error: Exception, first: int) -> int:
    """Return the file line of the innermost template frame: Jinja rewrites tracebacks to them."""
    line, trace = first, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = first + trace.tb_lineno - 1
        trace = trace.tb_next
    return line


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return f"a value holds {error.object[error.start]!r}, which is no character (a surrogate)"
    if isinstance(error, jinja2.TemplateRuntimeError):
        return cut(str(error), 300)
    return f"the template raised {type(error).__name__}: {cut(str(error), 300)}"
