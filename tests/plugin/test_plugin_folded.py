"""Items that share what is equal: everybody sees what pytest gave them, and writes to one alone."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

_EVAL = """
@pytest.mark.slow
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    assert case.input
"""

_LOOK = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    items = session.items
    one = items[1]
    words = [word for word in one.keywords if word not in one.parent.keywords]
    spec = one.callspec
    told = (
        words,
        dict(one.keywords)["test_it[b]"],
        "slow" in one.keywords and one.keywords["slow"] is one.own_markers[1],
        [*spec.params], [*spec.params.values()], spec.indices, spec.id, spec.marks,
        one.nodeid, len(one.stash), one.extra_keyword_matches,
    )
    slot = type(one.keywords).__mro__[1]._markers
    shared = [{id(slot.__get__(each.keywords)) for each in items}]
    shared.append({id(each.stash._storage) for each in items})
    shared.append({id(each.extra_keyword_matches) for each in items})
    shared.append({id(each.id.names) for each in items})
    same = [each.id.params is each.callspec.params["_ailoop_cell"].id for each in items]
    for each in told:
        print("TOLD", each)
    print("TOLD", [len(each) for each in shared], same)
"""

_WRITE = """
import pytest

KEY, OTHER = pytest.StashKey(), pytest.StashKey()

def pytest_itemcollected(item):
    if "[b]" in item.name:
        item.extra_keyword_matches.add("special")

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    one = items[1]
    one.add_marker("fast")
    one.keywords.update(word=1)
    one.stash[KEY] = "noted"
    one.callspec.params["more"] = 2

def tell(items, words):
    for one in items:
        has = ["fast" in one.keywords, "word" in one.keywords, one.stash.get(KEY, None)]
        print("TOLD", words, one.name, *has, one.callspec.params.get("more"))

def pytest_runtest_setup(item):
    with pytest.raises(KeyError):
        del item.stash[OTHER]
    item.extra_keyword_matches.add("later")
    item.stash.setdefault(OTHER, 3)
    tell([item], "runs")

@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    items = terminalreporter._session.items
    tell(items, "ends")
    print("TOLD", [one.stash[OTHER] for one in items], [*items[0].extra_keyword_matches])
"""


def told(project: Project, conftest: str, *args: str) -> list[str]:
    project.rows([{"id": name, "input": "x"} for name in "abc"])
    project.write("pytest.ini", "[pytest]\nmarkers =\n    slow: s\n    fast: f\n")
    project.eval(_EVAL)
    project.write("conftest.py", conftest)
    result = project.run_apart("-s", *args)
    lines = [line[line.index("TOLD") + 5 :] for line in result.outlines if "TOLD" in line]
    assert lines, result.stdout.str()
    return lines


def test_a_folded_item_shows_what_pytest_gave_it(project: Project) -> None:
    """Keywords stand in their order, parameters are there; items hold one of each for all."""
    found = told(project, _LOOK)
    assert found[:3] == ["['test_it[b]', 'ailoop', 'slow', 'pytestmark', 'b']", "True", "True"]
    assert found[3:8] == [
        "['_ailoop_cell']",
        "[<Cell b>]",
        "{'_ailoop_cell': 1}",
        "b",
        "[]",
    ]
    assert found[8:] == [
        "test_eval.py::test_it[b]",
        "0",
        "frozenset()",
        "[1, 1, 1, 1] [True, True, True]",
    ]


def test_what_a_plugin_writes_on_an_item_is_on_it_alone(project: Project) -> None:
    """Marks, keywords, notes and parameters stay as they were put there, to the end."""
    found = told(project, _WRITE)
    plain, written = "False False None None", "True True noted 2"
    lines = [("a", plain), ("b", written), ("c", plain)]
    assert found[:-1] == [
        f"{when} test_it[{name}] {words}" for when in ("runs", "ends") for name, words in lines
    ]
    assert found[-1] == "[3, 3, 3] ['later']"


def test_further_words_select_items(project: Project) -> None:
    """`-k` sees what a plugin gave an item to be found by."""
    found = told(project, _WRITE.replace("items[1]", "items[-1]"), "-k", "special")
    assert [line.split()[1] for line in found if line.startswith("runs")] == ["test_it[b]"]


_SIZED = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case, size):
    assert case.input
"""


@pytest.mark.parametrize("when", ["tryfirst", "trylast"])
def test_a_plugin_may_parametrize_evals_too(project: Project, when: str) -> None:
    """Cells are crossed with parameters from before and from after ours."""
    project.rows([{"id": name, "input": "x"} for name in "abc"])
    project.eval(_SIZED)
    project.write(
        "conftest.py",
        f"import pytest\n\n@pytest.hookimpl({when}=True)\n"
        "def pytest_generate_tests(metafunc):\n"
        '    metafunc.parametrize("size", [1, 2])\n',
    )
    result = project.run_apart("-v")
    ids = [line.split("[")[1].split("]")[0] for line in result.outlines if "PASSED" in line]
    first = when == "tryfirst"
    assert ids == (
        [f"{size}-{name}" for size in (1, 2) for name in "abc"]
        if first
        else [f"{name}-{size}" for name in "abc" for size in (1, 2)]
    )


_PLACES = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    print("PLACE", item.location == pytest.Item.location.func(item), *item.location)

class Other(pytest.Function):
    def reportinfo(self):
        return self.path, 5, f"other {self.name}"

def pytest_pycollect_makeitem(collector, name, obj):
    if name == "test_other":
        return list(map(change, collector._genfunctions(name, obj)))

def change(item):
    item.__class__ = Other
    return item
"""

_PLACED = """
def marked(function):
    return pytest.mark.ailoop(dataset="cases.jsonl")(function)

@marked
def test_it(case): ...

@marked
async def test_it_too(case): ...

@marked
def test_other(case): ...

def test_plain(): ...

class TestIt:
    @marked
    def test_it(self, case): ...
"""


def test_items_stand_where_pytest_would_find_them(project: Project) -> None:
    """File, line and name of each case are those that pytest computes; a plugin's own stay."""
    project.write("conftest.py", _PLACES)
    project.eval(_PLACED)
    result = project.run("-s")
    lines = [line.partition("PLACE ")[2] for line in result.outlines if "PLACE" in line]
    assert 13 == len(lines)
    assert {"True"} == {line.split()[0] for line in lines}
    assert {"5"} == {line.split()[2] for line in lines if "other" in line}
    assert 5 == len({line.split()[2] for line in lines})
