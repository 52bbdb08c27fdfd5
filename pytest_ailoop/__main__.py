"""`python -m pytest_ailoop` is the command `ailoop`. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import sys

from pytest_ailoop.cli import main

if __name__ == "__main__":
    sys.exit(main())
