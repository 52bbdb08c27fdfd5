"""Beside what pytest itself offers: fixtures of all scopes, marks on values, classes."""

from __future__ import annotations

MARK = '@pytest.mark.ailoop(dataset="cases.jsonl")\n'


def test_fixtures_of_every_scope(project, workers):
    """The user's fixtures of all scopes are set up once for theirs and may take ours."""
    project.write(
        "conftest.py",
        """
import pytest

made = []

@pytest.fixture(params=["session", "package", "module", "class"], scope="session")
def unused(request):
    return request.param

@pytest.fixture(scope="session")
def of_session():
    made.append("session")

@pytest.fixture(scope="module")
def of_module(of_session):
    made.append("module")

@pytest.fixture(scope="class")
def of_class(of_module):
    made.append("class")

@pytest.fixture
def of_function(of_class, case, trial):
    made.append(f"{case.id}{trial}")
    yield made
    assert made.pop() == f"{case.id}{trial}"

@pytest.fixture(autouse=True)
def always(request):
    request.node.user_data = 1
""",
    )
    project.eval(
        """
class TestIt:
    @pytest.mark.usefixtures("of_class")
    @pytest.mark.ailoop(dataset="cases.jsonl", trials=2)
    def test_it(self, case, trial, of_function, request):
        assert request.node.user_data == 1
        assert of_function == ["session", "module", "class", f"{case.id}{trial}"]
"""
    )
    project.run(*workers, "-W", "error").assert_outcomes(passed=6)


def test_methods_and_setup(project):
    """Classes with xunit setup, static methods and inheritance are evaluated like any."""
    project.eval(
        f"""
def setup_module(module):
    module.ready = ["module"]

def setup_function(function):
    ready.append(function.__name__)

class Base:
    @classmethod
    def setup_class(cls):
        cls.order = ["class"]

    def setup_method(self, method):
        self.order = [*type(self).order, method.__name__]

    def teardown_method(self):
        del self.order

    {MARK}    def test_inherited(self, case):
        assert self.order == ["class", "test_inherited"]
        assert ready[0] == "module"

class TestOne(Base):
    pass

class TestTwo(Base):
    pass

class TestOuter:
    class TestInner:
        {MARK}        @staticmethod
        def test_static(case):
            assert case

{MARK}def test_function(case):
    assert ready[-1] == "test_function"
"""
    )
    project.run().assert_outcomes(passed=12)
    assert {row["key"]["test"] for row in project.results()} == {
        "TestOne::test_inherited",
        "TestTwo::test_inherited",
        "TestOuter::TestInner::test_static",
        "test_function",
    }


def test_parametrize_beside_the_marker(project):
    """Indirect values, marks on values and stacked parametrize keep their meaning."""
    project.eval(
        f"""
@pytest.fixture
def shouted(request):
    return request.param.upper()

{MARK}@pytest.mark.parametrize("shouted", ["a", "b"], indirect=True)
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(1, id="one"),
        pytest.param(2, marks=pytest.mark.skip(reason="later")),
        pytest.param(3, marks=pytest.mark.xfail),
    ],
)
def test_it(case, shouted, number):
    assert shouted in "AB"
    assert number == 1
"""
    )
    result = project.run()
    result.assert_outcomes(passed=6, skipped=6, xfailed=6)
    tests = {row["key"]["test"]: row["outcome"] for row in project.results()}
    assert tests == {
        "test_it[one-a]": "passed",
        "test_it[one-b]": "passed",
        "test_it[2-a]": "skipped",
        "test_it[2-b]": "skipped",
        "test_it[3-a]": "xfailed",
        "test_it[3-b]": "xfailed",
    }


def test_our_fixtures_by_request(project):
    """`request.getfixturevalue` gives our fixtures, and `request.node` is the eval's item."""
    project.eval(
        """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_it(request):
    case = request.getfixturevalue("case")
    assert request.node.name == f"test_it[{case.id}-m]"
    assert request.getfixturevalue("model") == "m"
    assert type(request.getfixturevalue("llm")) is SyncLLM
    assert request.getfixturevalue("trial") == 1
    assert request.getfixturevalue("trace").calls == ()
    assert request.node.get_closest_marker("ailoop").kwargs["model"] == "m"
"""
    )
    project.run("-W", "error").assert_outcomes(passed=3)


def test_pytests_own_fixtures(project):
    """tmp_path, monkeypatch, capsys, caplog and recwarn work in evals, and are an item's own."""
    project.eval(
        f"""
import logging, os, warnings

{MARK}def test_it(case, tmp_path, monkeypatch, capsys, caplog, recwarn, record_property):
    assert not list(tmp_path.iterdir())
    (tmp_path / "left").write_text("x")
    assert "EVAL_CASE" not in os.environ
    monkeypatch.setenv("EVAL_CASE", case.id)
    monkeypatch.chdir(tmp_path)
    print(case.id)
    expect(capsys.readouterr().out.strip()).to(equals(case.id))
    logging.getLogger("app").warning("seen")
    assert caplog.messages == ["seen"]
    warnings.warn("mind")
    assert [str(one.message) for one in recwarn] == ["mind"]
    record_property("mine", case.id)
"""
    )
    result = project.run("--junit-xml=out.xml", "-o", "junit_family=xunit1")
    result.assert_outcomes(passed=3)
    assert 'name="mine" value="sun"' in (project.path / "out.xml").read_text("utf-8")


def test_the_users_fixtures_win(project):
    """A conftest's `case`, `model`, `prompt`, `llm`, `trial` or `trace` is the one taken."""
    project.write(
        "conftest.py",
        """
import pytest

@pytest.fixture
def case(case):
    return f"case {case.id}"

@pytest.fixture
def model():
    return "my model"

@pytest.fixture(scope="session")
def prompt():
    return "my prompt"

@pytest.fixture
def llm(case, model):
    return lambda text: f"{model} on {case}: {text}"

@pytest.fixture(params=["x", "y"])
def trial(request):
    return request.param

@pytest.fixture
def trace():
    return []
""",
    )
    project.eval(
        """
@pytest.mark.ailoop(dataset="cases.jsonl", model=["m", "n"])
def test_it(case, model, prompt, llm, trial, trace):
    assert (model, prompt, trace) == ("my model", "my prompt", [])
    assert trial in "xy"
    expect(llm("hi")).to(equals(f"my model on {case}: hi"))

def test_ordinary(model, prompt, trace):
    assert (model, prompt, trace) == ("my model", "my prompt", [])

@pytest.mark.ailoop
def test_without_data(llm_of_mine, model):
    assert model == "my model"

@pytest.fixture
def llm_of_mine():
    return 1
"""
    )
    project.run("-W", "error").assert_outcomes(passed=14)
    assert len(project.results()) == 13


def test_a_case_of_the_users_needs_no_data_set(project):
    """Where the project brings its own `case`, a marker without a data set is no fault."""
    project.write("conftest.py", "import pytest\n@pytest.fixture\ndef case():\n    return 'mine'\n")
    project.eval("@pytest.mark.ailoop\ndef test_it(case):\n    assert case == 'mine'\n")
    project.run().assert_outcomes(passed=1)
