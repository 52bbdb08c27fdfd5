"""The house stands as docs/architecture.md says, and its door stays light."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_ailoop"
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)
#: What an idle plugin must not load; see docs/decisions/004-extras.md for what each costs.
HEAVY = {
    "asyncio",
    "genai_prices",
    "httpx2",
    "jinja2",
    "openai",
    "pydantic",
    "ruamel",
    "sqlite3",
    "syrupy",
}


def fresh_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in an interpreter that has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_import_contracts_are_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every import goes down a floor, and each SDK is known to its own module only."""
    cli = pytest.importorskip("importlinter.cli")
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    status = cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_nobody_imports_the_face() -> None:
    """The package's own modules take names from their rooms, so the face can import any room."""
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("pytest_ailoop", cache_dir=None)
    assert set() == graph.find_modules_that_directly_import("pytest_ailoop")


IMPORT_EACH_FIRST = """
import os, sys, traceback, warnings
# Other people's packages are loaded once, before warnings become errors: only the order of our
# own modules is in question.
import jinja2, openai, pydantic, pytest, ruamel.yaml, syrupy
warnings.simplefilter("error")
assert not any(name.startswith("pytest_ailoop") for name in sys.modules)
failed = []
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            __import__(name)
        except BaseException:
            print(f"importing {name} first:", file=sys.stderr)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(name)
sys.exit(bool(failed))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks one interpreter for each module")
def test_each_module_can_be_imported_first() -> None:
    """No module depends on another having been imported before it, and none warns on import."""
    result = fresh_python(IMPORT_EACH_FIRST, *MODULES)
    assert result.returncode == 0, result.stderr


IMPORT_THE_DOOR = """
import json, sys
import pytest
before = set(sys.modules)
import pytest_ailoop.plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_the_entry_point_loads_nothing_heavy() -> None:
    """A pytest run without evals pays for neither an SDK, a database, an event loop nor YAML."""
    result = fresh_python(IMPORT_THE_DOOR)
    assert result.returncode == 0, result.stderr
    loaded = json.loads(result.stdout)
    assert "pytest_ailoop.plugin" in loaded
    assert set() == HEAVY & {name.partition(".")[0] for name in loaded}


IMPORT_THE_FACE = """
import sys
before = set(sys.modules)
import pytest_ailoop
print(*sorted(name for name in set(sys.modules) - before if name.startswith("pytest_ailoop")))
"""


def test_the_face_loads_no_room() -> None:
    """`import pytest_ailoop` costs nothing until a name of it is used."""
    result = fresh_python(IMPORT_THE_FACE)
    assert "pytest_ailoop" == result.stdout.strip(), result.stderr


USE_THE_FACE_LAST = """
import importlib, pkgutil, types
import pytest_ailoop
for found in pkgutil.walk_packages(pytest_ailoop.__path__, "pytest_ailoop."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in pytest_ailoop.__all__:
    value = getattr(pytest_ailoop, name)
    assert not isinstance(value, types.ModuleType), f"{name} is a module"
"""


def test_the_face_gives_the_same_names_whatever_was_imported_before() -> None:
    """A room that is called like a name of the face (`expect`) does not take its place."""
    result = fresh_python(USE_THE_FACE_LAST)
    assert result.returncode == 0, result.stderr


def test_the_face_lists_its_names_once() -> None:
    """`__all__` has no doubles, and `dir()` shows all of it before any was used."""
    import pytest_ailoop

    names = pytest_ailoop.__all__
    assert len(names) == len(set(names))
    assert set(names) <= set(dir(pytest_ailoop))


def test_modules_are_not_rewritten_by_pytest() -> None:
    """pytest rewrites asserts in all modules of a plugin unless the docstring says not to."""
    docstrings = {
        path.relative_to(ROOT): ast.get_docstring(ast.parse(path.read_bytes())) or ""
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    assert [] == [
        str(path) for path, words in docstrings.items() if not words.endswith("PYTEST_DONT_REWRITE")
    ]


#: What turns data into code, and libraries that phone home or unpickle.
BARRED_CALLS = {"eval", "exec", "compile", "__import__", "pickle.loads", "marshal.loads"}
BARRED_CALLS |= {"os.system", "os.popen", "yaml.load", "subprocess.getoutput"}
BARRED_IMPORTS = {"pickle", "marshal", "shelve", "dill", "yaml", "requests", "urllib.request"}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _barred(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _dotted(node.func)
            # `shell=False` is fine; anything else may be true.
            shell = any(
                word.arg == "shell" and getattr(word.value, "value", True) for word in node.keywords
            )
            found += [f"{name}() in line {node.lineno}"] * (name in BARRED_CALLS or shell)
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not _only_reads_proxies(node):
            names += [node.module or ""]
        found += [f"import {name}" for name in names if name in BARRED_IMPORTS]
    return found


def _only_reads_proxies(node: ast.ImportFrom) -> bool:
    """Whether the module's one harmless function is imported: it reads the environment."""
    return [node.module, *(one.name for one in node.names)] == ["urllib.request", "getproxies"]


def test_data_is_never_code() -> None:
    """No module unpickles, evaluates, runs a shell or has a network client of its own."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
    found = {path.relative_to(ROOT).as_posix(): _barred(tree) for path, tree in trees.items()}
    # Of our own classes, when they are defined: what the library does for its dataclasses.
    (compiled,) = found.pop("pytest_ailoop/frozen.py")
    assert "exec() " == compiled.partition("in ")[0]
    assert {} == {name: what for name, what in found.items() if what}


@pytest.mark.parametrize(
    "code",
    [
        "eval(x)",
        "import pickle",
        "from yaml import load",
        "from urllib.request import getproxies, urlopen",
        "run(x, shell=True)",
    ],
)
def test_the_bar_on_code_sees_it(code: str) -> None:
    """What is barred is found where it stands."""
    assert len(_barred(ast.parse(code))) == 1
