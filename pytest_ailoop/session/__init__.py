"""One run from its item records: compared with the baselines, accepted if asked, and kept.

No pytest object comes in here; the pytest side and the command line both end a run by this
room. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from pytest_ailoop.session.live import Session
from pytest_ailoop.session.outcome import Outcome, settle

__all__ = ["Outcome", "Session", "settle"]
