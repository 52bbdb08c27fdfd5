"""Every switch and every table of the configuration, read once and frozen. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from pytest_ailoop.settings.config import read_config, resolve_model
from pytest_ailoop.settings.switches import AcceptKind, Config, Settings

__all__ = ["AcceptKind", "Config", "Settings", "read_config", "resolve_model"]
