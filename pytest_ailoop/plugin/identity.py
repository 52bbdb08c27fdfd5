"""What an item's result rests on, as one digest; and what a whole session's results do.

Code and other files are not part of it: they are facts of the journal. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ailoop import digest
from pytest_ailoop.data.record import plain
from pytest_ailoop.plugin import options
from pytest_ailoop.plugin.naming import cell_of, key_of, source_of

if TYPE_CHECKING:
    from pytest_ailoop.data.variant import ModelSpec, Variant
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.settings import Config

__all__ = ["KEY", "conditions", "identity_of", "key_digest"]

KEY = pytest.StashKey[str]()
"""On an item, once it was asked for."""


def key_digest(evaluation: Evaluation, item: pytest.Item) -> str:
    """Return the digest of the item's name across runs; *item* is an eval."""
    found = item.stash.get(KEY, None)
    if found is None:
        cell = cell_of(item)
        assert cell is not None
        key = key_of(evaluation, item, cell)
        group = _group_digest(evaluation, key.module, key.test, cell.variant)
        # A trial is a number, so that no case's id can be taken for a part of it.
        found = item.stash[KEY] = digest.digest_text(f"{group} {key.trial} {key.case}")
    return found


_GROUPS = pytest.StashKey[dict[tuple[str, str, int], tuple[str, "Variant"]]]()


def _group_digest(evaluation: Evaluation, module: str, test: str, variant: Variant) -> str:
    """Return the digest of what all cases of a test under one variant have in common."""
    known = evaluation.config.stash.setdefault(_GROUPS, {})
    # By the object: 1, 1.0 and True are equal. It is held, so no other takes its place in memory.
    name = module, test, id(variant)
    if name not in known:
        known[name] = digest.digest([module, test, plain(variant)]), variant
    return known[name][0]


def identity_of(evaluation: Evaluation, item: pytest.Item, used: Collection[str]) -> str:
    """Return the digest of what decides the item's result: case, prompt, models, judge, test.

    *used* are the names of the models that it asked. Each alias that stands for one of them, or
    is called so, counts: a test may name its judge itself.
    """
    cell = cell_of(item)
    assert cell is not None
    alias = None if cell.model is None else cell.model.alias
    return digest.digest(
        {
            "key": key_digest(evaluation, item),
            "case": cell.case_digest,
            "prompt": None if cell.prompt is None else cell.prompt.digest,
            "models": _models(evaluation, cell.model, (alias, *used)),
            "source": _source(source_of(item)),
        }
    )


@functools.lru_cache(maxsize=256)
def _source(source: str | None) -> str:
    return digest.digest_text(source or "")


_MODELS = pytest.StashKey[dict[tuple[str | None, ...], str]]()


def _models(evaluation: Evaluation, own: ModelSpec | None, names: tuple[str | None, ...]) -> str:
    """Return the digest of all models that *names* stand for; the same for many items."""
    known = evaluation.config.stash.setdefault(_MODELS, {})
    if names not in known:
        config = evaluation.settings.config
        own_spec = None if own is None else _spec(own)
        asked = [_spec(one) for one in _asked(config, names)]
        known[names] = digest.digest([own_spec, asked, config.judge])
    return known[names]


def _asked(config: Config, used: Collection[str | None]) -> list[ModelSpec]:
    found = [
        spec
        for alias, spec in config.models.items()
        if alias in used or spec.model in used or alias == config.judge
    ]
    return sorted(found, key=lambda spec: spec.alias)


def _spec(spec: ModelSpec) -> dict[str, Any]:
    """Limits are left out: how fast a model may be asked changes no answer."""
    return {
        "alias": spec.alias,
        "model": spec.model,
        "base_url": spec.base_url,
        "parameters": plain(dict(spec.parameters)),
        "price": None if spec.price is None else plain(dict(spec.price)),
    }


def conditions(config: pytest.Config) -> dict[str, Any]:
    """Return what results of any item may depend on, as JSON values by a name for people."""
    from pytest_ailoop.report.lineage import name_and_version, versions

    option = config.getoption
    plugins = [one for _, one in config.pluginmanager.list_plugin_distinfo()]
    addresses = [os.environ.get(name, "") for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE")]
    found = {
        "the mode of replies": options.replies(config),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "a package": versions(),
        "a plugin": dict(sorted(map(name_and_version, plugins))),
        # The address may hold a password.
        "OPENAI_BASE_URL": digest.digest(addresses),
        "--runxfail": bool(option("runxfail", False)),
        "-W": [str(one) for one in option("pythonwarnings", None) or ()],
        "-o": [str(one) for one in option("override_ini", None) or ()],
        "--assert": f"{option('assertmode', '')} {__debug__}",
    }
    for name in ("filterwarnings", "usefixtures", "xfail_strict"):
        found[name] = str(_ini(config, name))
    return found


def _ini(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (KeyError, ValueError):
        return None
