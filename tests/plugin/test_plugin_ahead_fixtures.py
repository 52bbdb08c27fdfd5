"""Fixtures, classes and the order of items, as bodies that run ahead see them."""

from __future__ import annotations

from tests.fakes.crowd import gather, notes


def test_classes(project, workers):
    """Each item has a `self` of its own, with class attributes and methods, its parents', too."""
    gather(project, 4)
    project.eval(
        """
from crowd import Crowd, note

crowd = Crowd(MANY)

class Base:
    word = "base"
    seen = []

    @staticmethod
    def helped(case):
        return case.id.upper()

    @pytest.mark.ailoop("cases.jsonl")
    async def test_it(self, case):
        assert not hasattr(self, "mine")
        self.mine = case.id
        await crowd.meet()
        assert self.mine == case.id
        assert self.helped(case) == case.id.upper()
        note(type(self).__name__, self.word, case.id)

class TestOne(Base):
    pass

class TestTwo(Base):
    word = "two"

    @classmethod
    def setup_class(cls):
        cls.ready = True

    @pytest.mark.ailoop("cases.jsonl")
    def test_sync(self, case):
        assert self.ready
        assert not hasattr(self, "mine")
        self.mine = case.id
""".replace("MANY", "2" if workers else "4")
    )
    project.run(*workers).assert_outcomes(passed=12)
    cases = [f"c{n:02}" for n in range(4)]
    expected = [f"{kind} {case}" for kind in ("TestOne base", "TestTwo two") for case in cases]
    assert sorted(expected) == sorted(notes(project))


SCOPES = """
from crowd import Crowd, note

crowd = Crowd(MANY)

@pytest.fixture(scope="session")
def session_wide():
    note("session up")
    yield "s"
    note("session down")

@pytest.fixture(scope="package")
def package_wide(session_wide):
    return session_wide + "p"

@pytest.fixture(scope="module")
def module_wide(package_wide):
    note("module up")
    yield package_wide + "m"
    note("module down")

@pytest.fixture(scope="module", autouse=True)
def unasked():
    pass

class TestIt:
    @pytest.fixture(scope="class")
    def class_wide(self, module_wide):
        note("class up")
        yield module_wide + "c"
        note("class down")

    @pytest.mark.ailoop("cases.jsonl")
    async def test_it(self, case, class_wide):
        await crowd.meet()
        note("body", case.id)
        assert class_wide == "spmc"
"""


def test_wider_fixtures(project, workers):
    """Fixtures of all scopes are set up once before the bodies and torn down after them."""
    gather(project, 4)
    project.eval(SCOPES.replace("MANY", "2" if workers else "4"))
    project.run(*workers).assert_outcomes(passed=4)
    if not workers:
        found = list(notes(project))
        assert ["session up", "module up", "class up"] == found[:3]
        assert ["class down", "module down", "session down"] == found[-3:]
        assert 10 == len(found)


BARRIERS = """
from crowd import note, three

class Wide:
    up = False

@pytest.fixture(scope="module", params=["x", "y"])
def wide(request):
    note("up", request.param)
    Wide.up = request.param
    yield request.param
    Wide.up = False
    note("down", request.param)

@pytest.mark.ailoop("cases.jsonl")
async def test_before(case):
    note("before", Wide.up)
    await three.meet()
    assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, wide):
    note("body", wide, Wide.up)
    assert wide == Wide.up
"""


def test_parametrized_wider_fixtures(project):
    """No body begins before its fixture is set up with its parameter, or after it is torn down."""
    gather(project, 3)
    project.eval(BARRIERS)
    project.run().assert_outcomes(passed=9)
    expected = ["before False"] * 3
    for name in ("x", "y"):
        expected += [f"up {name}", *[f"body {name} {name}"] * 3, f"down {name}"]
    assert expected == list(notes(project))


def test_a_fixture_of_the_next_module(project):
    """Bodies of the next module begin after the fixtures of the one before are torn down."""
    gather(project, 3)
    text = """
from crowd import note, three

@pytest.fixture(scope="module", autouse=True)
def wide():
    note("up NAME")
    yield
    note("down NAME")

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await three.meet()
    note("body NAME")
    assert case
"""
    project.eval(text.replace("NAME", "a"), "test_a.py")
    project.eval(text.replace("NAME", "b"), "test_b.py")
    project.run().assert_outcomes(passed=6)
    expected = [line for n in "ab" for line in (f"up {n}", *[f"body {n}"] * 3, f"down {n}")]
    assert expected == list(notes(project))


def test_none_begins_before_a_teardown_that_stands_before_it(project):
    """Bodies that ask for nothing begin after the fixtures of the class before are torn down."""
    gather(project, 3)
    project.eval(
        """
from crowd import note, three

class TestOne:
    @pytest.fixture(scope="class", autouse=True)
    def wide(self):
        note("up")
        yield
        note("down")

    @pytest.mark.ailoop("cases.jsonl")
    async def test_it(self, case):
        await three.meet()
        note("inside")
        assert case

@pytest.mark.ailoop("cases.jsonl")
async def test_after(case):
    note("after")
    assert case
"""
    )
    project.run().assert_outcomes(passed=6)
    assert ["up", *["inside"] * 3, "down", *["after"] * 3] == list(notes(project))


def test_modules_without_fixtures_run_on(project):
    """Where nothing of a wider scope stands between, the bodies of two modules overlap."""
    gather(project, 2)
    text = """
from crowd import four

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await four.meet()
    assert case
"""
    project.eval(text, "test_a.py")
    project.eval(text, "test_b.py")
    project.run().assert_outcomes(passed=4)


def test_setup_functions_of_the_module(project):
    """`setup_module` comes before all bodies; `setup_method` lets its items wait for their turn."""
    gather(project, 3)
    project.eval(
        """
from crowd import note, three

def setup_module():
    note("module up")

def teardown_module():
    note("module down")

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case):
    await three.meet()
    note("body")
    assert case

class TestSetup:
    def setup_method(self):
        note("method up")
        self.ready = True

    def teardown_method(self):
        note("method down")

    @pytest.mark.ailoop("cases.jsonl")
    async def test_it(self, case):
        note("body of method")
        assert self.ready
"""
    )
    project.run().assert_outcomes(passed=6)
    turn = ["method up", "body of method", "method down"]
    assert ["module up", *["body"] * 3, *turn * 3, "module down"] == list(notes(project))


def test_x_tears_down_after_the_bodies(project):
    """With `-x` bodies under way end before the fixtures that they use are torn down."""
    gather(project, 8)
    project.eval(
        """
import asyncio
from crowd import note

@pytest.fixture(scope="module")
def wide():
    yield "up"
    note("down")

@pytest.mark.ailoop("cases.jsonl")
async def test_it(case, wide):
    try:
        await asyncio.sleep(30 if case.id > "c01" else 0.2)
    finally:
        note("over", case.id)
    assert case.id != "c01"
"""
    )
    project.run("-x").assert_outcomes(passed=1, failed=1)
    assert "down" == notes(project)[-1]
    assert {f"over c{n:02}" for n in range(8)} == set(notes(project)[:-1])
