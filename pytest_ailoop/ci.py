"""Whether this is a run of continuous integration. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os

__all__ = ["in_ci"]


def in_ci() -> bool:
    """Return whether the `CI` variable is set to something true."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")
