"""The command `ailoop`: the second door, for what needs no test run.

Exit codes: 0 fine, 1 differences found or something refused, 2 the command cannot be carried out.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pytest_ailoop import redaction, text
from pytest_ailoop.cli import accept, cache, compare, init, pin, record, show
from pytest_ailoop.cli.console import version_words
from pytest_ailoop.errors import AiloopError

__all__ = ["main"]

COMMANDS = (init, show, compare, accept, pin, record, cache)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; faults are one line on standard error."""
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    if not hasattr(options, "run_command"):
        parser.print_help()
        return 2
    redaction.learn_environment()
    try:
        return int(options.run_command(options))
    except AiloopError as fault:
        return _complain(str(fault))
    except BrokenPipeError:
        # Whoever read us has enough (`ailoop show | head`); the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as fault:
        return _complain(f"{fault.filename or 'system'}: {fault.strerror or fault}")
    except KeyboardInterrupt:
        return 130


def _complain(problem: str) -> int:
    print(f"ailoop: {text.one_line(redaction.redact(problem), 600)}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ailoop", description="Look at, compare and accept runs of evals.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=version_words())
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for module in COMMANDS:
        module.add(commands)
    return parser
