"""How much is asked of a model's server at once, and how often again. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from pytest_ailoop.calling.limits.gate import Limits
from pytest_ailoop.calling.limits.lane import Lane, Ticket

__all__ = ["Lane", "Limits", "Ticket"]
