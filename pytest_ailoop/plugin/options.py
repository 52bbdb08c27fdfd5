"""Command line, environment and ini keys, and what must happen before any eval is known.

Loaded in every pytest run: no import of this package here but inside functions. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from pytest_ailoop.settings import Config, Settings

__all__: list[str] = []

REPLIES = ("auto", "replay", "record", "live")
SPLITS = ("dev", "test", "all")
ACCEPT = ("new", "improved", "regressed", "prune")
# syrupy takes any file below __snapshots__ that it does not know for a left-over and deletes it on
# update, unless its last suffix is among the ignored ones.
BASELINE_SUFFIX = "ailoop"
BEGAN = pytest.StashKey[float]()
"""On the config: when the session began, by the controller's `time.monotonic()`."""
LOADED = pytest.StashKey[int]()
"""On the config: when the first code of the project was loaded, nanoseconds since 1970."""
UID = pytest.StashKey[str]()
"""On the config of a controller: what xdist calls the session."""
STAND_IN = "no-key-needed-in-replay"


def add(parser: pytest.Parser) -> None:
    """Declare options and ini keys; every name starts with `ailoop`."""
    group = parser.getgroup("ailoop", "LLM evaluation (ailoop)")
    option = group.addoption
    option(
        "--ailoop-replies",
        choices=REPLIES,
        help="where replies come from: auto = recording, else local cache, else live and stored "
        "(default); replay = recordings only, never the network (default where CI is set); "
        "record = live, and the recordings are rewritten; live = always ask",
    )
    option(
        "--ailoop-split",
        choices=SPLITS,
        help="which cases run: dev (default), the held-out test split, or all",
    )
    option(
        "--ailoop-tag",
        action="append",
        metavar="TAG",
        help="only cases that bear TAG; repeat for more, !TAG leaves cases out",
    )
    option(
        "--ailoop-sample",
        metavar="N|P%",
        help="only N cases, or P percent, of each test: seeded, stratified by tags",
    )
    option(
        "--ailoop-seed",
        type=int,
        metavar="N",
        help="seed of the sample (default 0)",
    )
    option(
        "--ailoop-case",
        action="append",
        metavar="ID",
        help="only the case with this id; repeat for more",
    )
    option(
        "--ailoop-trials", type=int, metavar="N", help="repeat every case N times, whatever it says"
    )
    option(
        "--ailoop-accept",
        metavar="KINDS",
        help="write these kinds of change into the baseline: a comma-separated list of "
        f"{', '.join(ACCEPT)} (--snapshot-update accepts all of them)",
    )
    option(
        "--ailoop-force",
        action="store_true",
        default=None,
        help="accept into the baseline although CI is set",
    )
    option(
        "--ailoop-concurrency",
        type=int,
        metavar="N",
        help="at most N model calls in flight at once, over all workers (default 32)",
    )
    option(
        "--ailoop-lookahead",
        type=int,
        metavar="N",
        help="at most N items started before their turn (default 4 x concurrency; with -x or "
        "--maxfail the concurrency); 0 runs each in its own turn",
    )
    option(
        "--ailoop-max-cost",
        metavar="USD",
        help="start no further call once the run has cost this many US dollars",
    )
    option(
        "--ailoop-max-calls", type=int, metavar="N", help="make at most N live calls in this run"
    )
    option(
        "--ailoop-max-time",
        metavar="TIME",
        help="start no further call after this time: seconds, or 90s, 10m, 2h",
    )
    option(
        "--ailoop-plan",
        action="store_true",
        default=None,
        help="run nothing; print items, calls, tokens and price for each model",
    )
    option(
        "--ailoop-resume",
        action="store_true",
        default=None,
        help="go on with the interrupted run: keep its finished items, run the others",
    )
    ini = parser.addini
    ini("ailoop_replies", "default of --ailoop-replies", default="")
    ini("ailoop_split", "default of --ailoop-split", default="")
    ini("ailoop_seed", "default of --ailoop-seed", default="")
    ini("ailoop_trials", "default of --ailoop-trials", default="")
    for name in ("concurrency", "lookahead", "max-cost", "max-calls", "max-time"):
        ini(f"ailoop_{name.replace('-', '_')}", f"default of --ailoop-{name}", default="")


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


_LEAST = {"seed": 0, "trials": 1, "concurrency": 1, "lookahead": 0, "max_calls": 0}


def _count(config: pytest.Config, name: str) -> int | None:
    return _number(*_value(config, name), _LEAST[name])


def in_ci() -> bool:
    """Return whether the `CI` variable is set to something true."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def runs_nothing(config: pytest.Config) -> bool:
    """Return whether the session only looks: no test body runs, so nothing can be missing."""
    looks = ["collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test"]
    looks.append("ailoop_plan")
    return any(config.getoption(name, False) for name in looks)


def resumes(config: pytest.Config) -> bool:
    """Return whether finished items of an interrupted run are to be kept."""
    return bool(config.getoption("ailoop_resume", False)) and not runs_nothing(config)


def replies(config: pytest.Config) -> tuple[str, bool]:
    """Return the mode of replies, and whether it was asked for rather than a default."""
    value, where = _value(config, "replies")
    if value is not None:
        return _one_of(value, where, REPLIES), True
    return ("replay" if in_ci() else "auto"), False


def accepted(config: pytest.Config) -> tuple[str, ...]:
    """Return the kinds of change that this run may write into the baseline."""
    given = config.getoption("ailoop_accept", None)
    if given:
        words = [word.strip() for word in given.split(",") if word.strip()]
        return tuple(_one_of(word, "--ailoop-accept", ACCEPT) for word in words)
    return ACCEPT if config.getoption("update_snapshots", False) else ()


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
    value, where = _value(config, "split")
    if value is not None:
        _one_of(value, where, SPLITS)


def settings_of(config: pytest.Config, tables: Config) -> Settings:
    """Return all switches of this session, frozen, with the configuration *tables*."""
    from pytest_ailoop.settings import Settings

    mode, asked = replies(config)
    split, _ = _value(config, "split")
    chosen: dict[str, Any] = {"replies": mode, "split": split or "dev", "accept": accepted(config)}
    concurrency = _count(config, "concurrency")
    if concurrency is not None:
        chosen["concurrency"] = concurrency
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        chosen["workers"] = workers = int(worker.get("workercount", 1))
        # A worker that stands in for a crashed one bears a new number.
        chosen["worker"] = int(str(worker["workerid"]).lstrip("gw") or 0) % workers
        chosen["session"] = str(worker["testrunuid"])
        began = worker.get("ailoop_began")
    else:
        chosen["session"] = config.stash.get(UID, "")
        began = config.stash.get(BEGAN, None)
    return Settings(
        root=config.rootpath,
        replies_given=asked,
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


_stood_in = pytest.StashKey[list[str]]()


def _set_keys(config: pytest.Config, names: tuple[str, ...]) -> list[str]:
    missing = [name for name in names if not os.environ.get(name)]
    for name in missing:
        os.environ[name] = STAND_IN
    return missing


def stand_in_for_missing_keys(config: pytest.Config) -> None:
    """Set a stand-in key for the whole session where replay was asked for in so many words.

    `OpenAI()` raises without a key even if nothing is ever sent. Where replay is only CI's
    default, the environment of other tests stays as it is; see `keys_for_import`.
    """
    option = getattr(config.known_args_namespace, "ailoop_replies", None)
    asked = option or os.environ.get("AILOOP_REPLIES") or config.getini("ailoop_replies")
    if asked == "replay":
        config.stash[_stood_in] = _set_keys(config, ("OPENAI_API_KEY",))


def give_back_keys(config: pytest.Config) -> None:
    """Undo `stand_in_for_missing_keys`."""
    for name in config.stash.get(_stood_in, []):
        if os.environ.get(name) == STAND_IN:
            del os.environ[name]


@contextlib.contextmanager
def stand_in_keys(config: pytest.Config, names: tuple[str, ...]) -> Iterator[None]:
    """Set a stand-in for each missing key while the code inside runs."""
    missing = _set_keys(config, names)
    try:
        yield
    finally:
        for name in missing:
            if os.environ.get(name) == STAND_IN:
                del os.environ[name]


def keys_for_import(collector: pytest.Collector) -> contextlib.AbstractContextManager[None]:
    """Return what gives a module that mentions ailoop a key while it is imported in replay."""
    if not isinstance(collector, pytest.Module) or os.environ.get("OPENAI_API_KEY"):
        return contextlib.nullcontext()
    if replies(collector.config)[0] != "replay" or not _mentions_us(collector):
        return contextlib.nullcontext()
    return stand_in_keys(collector.config, ("OPENAI_API_KEY",))


def _mentions_us(module: pytest.Module) -> bool:
    try:
        return b"ailoop" in module.path.read_bytes()
    except OSError:
        return False
