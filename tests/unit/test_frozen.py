"""The short way to frozen classes gives what the standard library's `dataclass` gives."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import pickle
import sys
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from pytest_ailoop import frozen

T = TypeVar("T")


def _classes(dataclass: Any) -> dict[str, Any]:
    """Return classes of the usual form, made by *dataclass*."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Case:
        """Required, default and factory."""

        id: str
        tags: tuple[str, ...] = ()
        facts: dict[str, int] = dataclasses.field(default_factory=dict)

        @property
        def shout(self) -> str:
            return self.id.upper()

    @dataclass(frozen=True, slots=True)
    class Point:
        """By position."""

        x: float
        y: float = 2.0

    @dataclass(frozen=True, slots=True)
    class Alone(Generic[T]):
        """One field."""

        value: T

    return {"Case": Case, "Point": Point, "Alone": Alone}


OURS, THEIRS = _classes(frozen.dataclass), _classes(dataclasses.dataclass)
#: Pickle looks for classes by their names.
Pickled = frozen.dataclass(frozen=True, slots=True)(
    type("Pickled", (), {"__annotations__": {"x": "int"}, "__module__": __name__, "__doc__": "-"})
)
GIVEN = (
    ("Case", (), {"id": "a"}),
    ("Case", (), {"id": "a", "tags": ("b",), "facts": {"c": 1}}),
    ("Point", (1,), {}),
    ("Point", (1,), {"y": 3}),
    ("Alone", ("v",), {}),
)
old = pytest.mark.skipif(sys.version_info >= (3, 13), reason="the library's own there")


@pytest.mark.parametrize(("name", "values", "named"), GIVEN)
def test_objects_are_as_the_librarys(name, values, named):
    """Shown, asked, compared and replaced alike."""
    mine, theirs = (classes[name](*values, **named) for classes in (OURS, THEIRS))
    assert repr(theirs) == repr(mine)
    assert dataclasses.asdict(theirs) == dataclasses.asdict(mine)
    assert OURS[name](*values, **named) == mine
    assert (mine == theirs, theirs == mine) == (False, False)
    first = dataclasses.fields(mine)[0].name
    changed = dataclasses.replace(mine, **{first: "z"})
    assert ("z", False) == (getattr(changed, first), changed == mine)
    assert (mine, mine) == (copy.copy(mine), copy.deepcopy(mine))


@pytest.mark.parametrize("name", OURS)
def test_classes_tell_of_themselves_as_the_librarys(name):
    """Signature, fields, slots, parameters and what a pattern may match."""
    mine, theirs = OURS[name], THEIRS[name]
    assert str(inspect.signature(theirs)) == str(inspect.signature(mine))
    assert theirs.__slots__ == mine.__slots__
    assert theirs.__match_args__ == mine.__match_args__
    assert repr(theirs.__dataclass_params__) == repr(mine.__dataclass_params__)
    assert repr(dataclasses.fields(theirs)) == repr(dataclasses.fields(mine))
    assert theirs.__init__.__qualname__ == mine.__init__.__qualname__
    assert theirs.__init__.__annotations__ == mine.__init__.__annotations__
    assert theirs.__doc__ == mine.__doc__


@pytest.mark.parametrize("name", OURS)
def test_what_is_not_allowed_is_told_alike(name):
    """No field is set or deleted, none comes to it, and wrong arguments are named."""
    ((_, values, named), *_) = (one for one in GIVEN if one[0] == name)
    for what in (
        lambda one: setattr(one, dataclasses.fields(one)[0].name, 1),
        lambda one: delattr(one, dataclasses.fields(one)[0].name),
        lambda one: type(one)(),
        lambda one: type(one)(*values, **named, other=1),
        lambda one: type(one)(1, 2, 3, 4, 5),
    ):
        told = []
        for classes in (THEIRS, OURS):
            with pytest.raises((TypeError, dataclasses.FrozenInstanceError)) as caught:
                what(classes[name](*values, **named))
            told.append((caught.type, str(caught.value)))
        assert told[0] == told[1]


def test_a_factory_is_asked_for_each():
    """No two objects share what was made for one."""
    first, second = OURS["Case"](id="a"), OURS["Case"](id="a")
    first.facts["b"] = 1
    assert ({"b": 1}, {}) == (first.facts, second.facts)


def test_equality_and_hash_are_of_the_fields():
    """NaN is itself, as in a tuple; what cannot be hashed says so."""
    for classes in (THEIRS, OURS):
        point, alone = classes["Point"], classes["Alone"]
        assert {point(1), point(1.0), point(2)} == {point(1), point(2)}
        assert (alone(math.nan), True) == (alone(math.nan), hash(alone(1)) == hash(alone(1.0)))
        with pytest.raises(TypeError, match="unhashable type: 'dict'"):
            hash(classes["Case"](id="a"))


def test_only_a_subclass_has_more():
    """A plain class below has attributes of its own; the fields stay as they are."""
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        OURS["Point"](1).name = "mine"
    one = type("Below", (OURS["Point"],), {})(1)
    one.name = "mine"
    del one.name
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.x = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.x


def test_rings_are_shown():
    """An object that holds itself is not shown for ever."""
    shown = []
    for classes in (THEIRS, OURS):
        one = classes["Alone"]([])
        one.value.append(one)
        shown.append(repr(one))
    assert shown[0] == shown[1]


def test_objects_are_pickled():
    """As the library's frozen classes with slots are."""
    assert Pickled(1) == pickle.loads(pickle.dumps(Pickled(1)))


def test_after_its_init_a_class_is_asked():
    """`__post_init__` is called with all fields there."""

    @frozen.dataclass(frozen=True, slots=True)
    class Checked:
        """Positive."""

        x: int

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError(self.x)

    assert 1 == Checked(1).x
    with pytest.raises(ValueError, match="-1"):
        Checked(-1)


@old
def test_the_usual_form_takes_the_short_way():
    """Its `__init__` fills slots and calls nobody's `__setattr__`."""
    for one in OURS.values():
        assert any(name.startswith("_set_") for name in one.__init__.__code__.co_freevars)


UNUSUAL: dict[str, dict[str, Any]] = {
    "not frozen": {"how": {"slots": True}},
    "no slots": {"how": {"frozen": True}},
    "an option": {"how": {"frozen": True, "slots": True, "order": True}},
    "off": {"how": {"frozen": True, "slots": True, "kw_only": True, "repr": False}},
    "its own": {"there": {"__eq__": lambda self, other: True}},
    "of the class": {"notes": {"y": "ClassVar[int]"}, "there": {"y": 1}},
    "a field left out": {
        "notes": {"y": "int"},
        "there": {"y": dataclasses.field(compare=False, default=1)},
    },
    "nothing": {"notes": {}, "plain": True},
    "not text": {"notes": {"y": ClassVar[int]}, "there": {"y": 1}},
}


@pytest.mark.parametrize("which", UNUSUAL)
def test_other_forms_are_the_librarys(which):
    """What the short way does not know is not tried."""
    given = UNUSUAL[which]
    notes = {} if given.get("plain") else {"x": "int"}
    space = {
        "__annotations__": {**notes, **given.get("notes", {})},
        "__module__": __name__,
        "__doc__": "-",
        **given.get("there", {}),
    }
    how = given.get("how", {"frozen": True, "slots": True})
    made = [
        dataclass(**how)(type("Other", (), copy.copy(space)))
        for dataclass in (frozen.dataclass, dataclasses.dataclass)
    ]
    codes = [one.__init__.__code__.co_code for one in made]
    assert codes[0] == codes[1]
    assert repr(made[0].__dataclass_params__) == repr(made[1].__dataclass_params__)


def test_a_class_below_a_frozen_one_is_the_librarys():
    """It has the fields of both."""

    @frozen.dataclass(frozen=True, slots=True)
    class Above:
        """First."""

        x: int

    @frozen.dataclass(frozen=True, slots=True)
    class Below(Above):
        """Second."""

        y: int = 2

    assert "Below(x=1, y=2)" == repr(Below(1)).rpartition(".")[2]
    assert (Below(1), False) == (Below(1, 2), Below(1) == Above(1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Below(1).x = 3
