"""The end of all connections, those of openai's clients and our own. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from pytest_ailoop.calling.client.connections import close_async, close_sync
from pytest_ailoop.calling.client.server import close_async_pools, close_pools

__all__ = ["close_blocking_clients", "close_clients"]


async def close_clients(*, blocking: bool = True) -> None:
    """Close what clients have open on the running loop, and with *blocking* the sync ones too.

    To be awaited before a loop is closed: connections left open on it warn when they are collected.
    """
    await close_async()
    await close_async_pools()
    if blocking:
        close_blocking_clients()


def close_blocking_clients() -> None:
    """Close the connections of all sync clients; the next call opens new ones."""
    close_sync()
    close_pools()
