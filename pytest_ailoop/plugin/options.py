"""What switches say: command line before environment before ini, and wrong values refused.

Loaded in every pytest run: nothing of this package is imported here but what is as light.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_ailoop.ci import in_ci
from pytest_ailoop.plugin.declarations import ACCEPT, POLICIES, REPLIES, SPLITS, STOPS

if TYPE_CHECKING:
    from pytest_ailoop.settings import Config, Settings

__all__: list[str] = []

# syrupy takes any file below __snapshots__ that it does not know for a left-over and deletes it on
# update, unless its last suffix is among the ignored ones.
BASELINE_SUFFIX = "ailoop"
BEGAN = pytest.StashKey[float]()
"""On the config: when the session began, by the controller's `time.monotonic()`."""
LOADED = pytest.StashKey[int]()
"""On the config: when the first code of the project was loaded, nanoseconds since 1970."""
LOST = pytest.StashKey[list[tuple[pytest.Collector, str]]]()
"""On the config: what could not be collected, or skipped itself as a whole, and why."""
UID = pytest.StashKey[str]()
"""On the config of a controller: what xdist calls the session."""


def _refuse(message: str) -> NoReturn:
    raise pytest.UsageError(f"ailoop: {message}")


def _value(config: pytest.Config, name: str) -> tuple[str | None, str]:
    """Return the value of a switch and where it was given: command line, environment, ini."""
    given = getattr(config.option, f"ailoop_{name}", None)
    if given is not None:
        return str(given), f"--ailoop-{name.replace('_', '-')}"
    variable = f"AILOOP_{name.upper()}"
    if os.environ.get(variable):
        return os.environ[variable], variable
    ini = config.getini(f"ailoop_{name}")
    return (str(ini), f"ailoop_{name} in {_ini_name(config)}") if ini else (None, "")


def _ini_name(config: pytest.Config) -> str:
    return config.inipath.name if config.inipath else "the configuration"


def _one_of(value: str, where: str, known: tuple[str, ...]) -> str:
    if value in known:
        return value
    import difflib  # only where something is wrong: it costs every run 1 ms

    close = difflib.get_close_matches(value, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    _refuse(f"{where}: expected one of {', '.join(known)}, got {value!r}{hint}")


def _number(value: str | None, where: str, least: int) -> int | None:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if int(value) >= least:
            return int(value)
    _refuse(f"{where}: expected a whole number of at least {least}, got {value!r}")


def _dollars(value: str | None, where: str) -> float | None:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if 0 <= float(value.removeprefix("$")) < float("inf"):
            return float(value.removeprefix("$"))
    _refuse(f"{where}: expected US dollars such as 0.50, got {value!r}")


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def _duration(value: str | None, where: str) -> float | None:
    if value is None:
        return None
    number = value.rstrip("smh")
    with contextlib.suppress(KeyError, ValueError):
        if 0 < float(number) < float("inf"):
            return float(number) * _SECONDS[value[len(number) :]]
    _refuse(f"{where}: expected a time such as 90s, 10m or 2h, got {value!r}")


_LEAST = {"seed": 0, "trials": 1, "max_trials": 1, "concurrency": 1, "lookahead": 0, "max_calls": 0}


def _count(config: pytest.Config, name: str) -> int | None:
    value, where = _value(config, name)
    if name == "trials" and value is not None:
        if value == "auto":
            return None
        with contextlib.suppress(ValueError):
            return _number(str(int(value)), where, _LEAST[name])
        _refuse(f"{where}: expected a whole number of at least 1, or auto, got {value!r}")
    return _number(value, where, _LEAST[name])


def runs_nothing(config: pytest.Config) -> bool:
    """Return whether the session only looks: no test body runs, so nothing can be missing."""
    looks = ["collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test"]
    looks.append("ailoop_plan")
    return any(config.getoption(name, False) for name in looks)


def resumes(config: pytest.Config) -> bool:
    """Return whether finished items of an interrupted run are to be kept."""
    return bool(config.getoption("ailoop_resume", False)) and not runs_nothing(config)


def replies(config: pytest.Config) -> str:
    """Return the mode of replies: what was asked for, else what is usual here."""
    value, where = _value(config, "replies")
    if value is not None:
        return _one_of(value, where, REPLIES)
    return "replay" if in_ci() else "auto"


def accepted(config: pytest.Config) -> tuple[str, ...]:
    """Return the kinds of change that this run may write into the baseline."""
    given = config.getoption("ailoop_accept", None)
    if given:
        words = [word.strip() for word in given.split(",") if word.strip()]
        return tuple(_one_of(word, "--ailoop-accept", ACCEPT) for word in words)
    return ACCEPT if config.getoption("update_snapshots", False) else ()


def verdict_file(config: pytest.Config) -> str | None:
    """Return where the verdict is to be written; None where it is not asked for."""
    given: str | None = config.getoption("ailoop_verdict_file", None)
    return None if not given or hasattr(config, "workerinput") or runs_nothing(config) else given


def _sample(config: pytest.Config) -> str | None:
    given: str | None = config.getoption("ailoop_sample", None)
    if given is None:
        return None
    digits = given.removesuffix("%")
    with contextlib.suppress(ValueError):
        most = 100.0 if given.endswith("%") else float("inf")
        if 0 < float(digits) <= most and (given.endswith("%") or digits.isdecimal()):
            return given
    _refuse(f"--ailoop-sample: expected a number of cases or a percentage like 10%, got {given!r}")


def check(config: pytest.Config) -> None:
    """Refuse bad values at the start, whether or not an eval is selected."""
    replies(config)
    accepted(config)
    _sample(config)
    for name in _LEAST:
        _count(config, name)
    _dollars(*_value(config, "max_cost"))
    _duration(*_value(config, "max_time"))
    for name, known in (("split", SPLITS), ("inconclusive", POLICIES), ("stop", STOPS)):
        value, where = _value(config, name)
        if value is not None:
            _one_of(value, where, known)


def settings_of(config: pytest.Config, tables: Config) -> Settings:
    """Return all switches of this session, frozen, with the configuration *tables*."""
    from pytest_ailoop.settings import Settings

    mode = replies(config)
    split, _ = _value(config, "split")
    chosen: dict[str, Any] = {"replies": mode, "split": split or "dev", "accept": accepted(config)}
    policy, _ = _value(config, "inconclusive")
    if policy is not None:
        chosen["inconclusive"] = policy
    stop, _ = _value(config, "stop")
    chosen["stop"] = stop or "never"
    chosen["auto_trials"] = _value(config, "trials")[0] == "auto"
    chosen["max_trials"] = _count(config, "max_trials") or 5
    concurrency = _count(config, "concurrency")
    if concurrency is not None:
        chosen["concurrency"] = concurrency
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        chosen["workers"] = workers = int(worker.get("workercount", 1))
        # A worker that stands in for a crashed one bears a new number.
        number = int(str(worker["workerid"]).lstrip("gw") or 0)
        chosen["worker"], chosen["stands_in"] = number % workers, number >= workers
        chosen["session"] = str(worker["testrunuid"])
        began = worker.get("ailoop_began")
    else:
        chosen["session"] = config.stash.get(UID, "")
        began = config.stash.get(BEGAN, None)
    return Settings(
        root=config.rootpath,
        ci=in_ci(),
        tags=tuple(config.getoption("ailoop_tag", None) or ()),
        sample=_sample(config),
        seed=_count(config, "seed") or 0,
        cases=tuple(config.getoption("ailoop_case", None) or ()),
        trials=_count(config, "trials"),
        lookahead=_count(config, "lookahead"),
        max_cost=_dollars(*_value(config, "max_cost")),
        max_calls=_count(config, "max_calls"),
        max_time=_duration(*_value(config, "max_time")),
        plan=bool(config.getoption("ailoop_plan", False)),
        began=began,
        resume=bool(config.getoption("ailoop_resume", False)),
        force=bool(config.getoption("ailoop_force", False)),
        config=tables,
        **chosen,
    )


def hide_baselines_from_syrupy(config: pytest.Config) -> None:
    """Keep syrupy from taking baseline files for unused snapshots."""
    if hasattr(config.option, "ignore_file_extensions"):
        ignored = list(config.option.ignore_file_extensions or ())
        if BASELINE_SUFFIX not in ignored:
            config.option.ignore_file_extensions = [*ignored, BASELINE_SUFFIX]


def collects_all(config: pytest.Config) -> bool:
    """Return whether all that there is is collected: no path, no node id, no `--lf`."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        return bool(worker.get("ailoop_all"))  # Workers are always given paths.
    given = config.args_source is pytest.Config.ArgsSource.ARGS
    whole = config.invocation_params.dir == config.rootpath and not given
    return whole and not any(config.getoption(one, None) for one in ("lf", "ignore", "ignore_glob"))


def ignored(config: pytest.Config) -> list[str]:
    """Return the arguments of the command line by which paths are left out of collecting.

    What the configuration leaves out belongs to no run, and makes none a part.
    """
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        return list(worker.get("ailoop_ignored", ()))
    given = [str(one) for one in config.invocation_params.args]
    pairs = zip(given, [*given[1:], ""], strict=True)
    return [one if "=" in one else f"{one}={after}" for one, after in pairs if _ignores(one)]


def _ignores(argument: str) -> bool:
    return argument.partition("=")[0] in ("--ignore", "--ignore-glob")
