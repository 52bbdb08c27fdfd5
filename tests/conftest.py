"""What holds for the whole suite: no network but loopback, and none of the caller's switches."""

from __future__ import annotations

import compileall
import gc
import ipaddress
import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest

import pytest_ailoop

# On a CI service the same examples each time: a new one found there fails a change that did not
# cause it. No deadlines: a busy machine is no fault of the code.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("repeatable" if os.environ.get("CI") else "local")

# Switches of the machine the suite runs on (a CI service, a developer's shell) must not decide
# what the tests see; each test sets what it means.
for _name in list(os.environ):
    if _name.startswith(("AILOOP_", "GITHUB_", "OPENAI_")) or _name in {
        "CI",
        "COLUMNS",
        "FORCE_COLOR",
        "NO_COLOR",
        "PYTEST_ADDOPTS",
        "PY_COLORS",
    }:
        del os.environ[_name]

# What a shell starts in the background ignores Ctrl-C, and so does all that is started from there.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Hundreds of processes are started here, and all import the package: it is compiled once, even
# where the caller wants no bytecode. None is kept of what tests write: a file that is written anew
# within a second, as long as it was, would be taken for the old one.
compileall.compile_dir(Path(pytest_ailoop.__file__).parent, quiet=2)
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

_THRESHOLDS = gc.get_threshold()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays to the end: some hundred thousand objects.

    Tests that look for garbage, and sessions inside of this process, spent more time on going
    through those than on all else.
    """
    sys.dont_write_bytecode = True
    gc.collect()
    gc.freeze()
    # Python goes through all when a quarter is new; of the little that is left that is often.
    gc.set_threshold(*_THRESHOLDS[:2], 50)


def pytest_unconfigure() -> None:
    gc.unfreeze()
    gc.set_threshold(*_THRESHOLDS)


def _is_loopback(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to resolve or reach any host beyond this machine.

    An audit hook rather than a patched `socket.connect`: the package under test patches that
    itself, and both must be able to stand and fall alone.
    """
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_loopback(host):
        raise RuntimeError(f"a test tried to reach {host!r}; only loopback is allowed")


sys.addaudithook(_guard)
