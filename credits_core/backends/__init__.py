"""Backends: the smallest thing that can carry calls to a store.

A backend of your own needs `execute` and `close` (or `aclose`), and `concurrency` on the
async side; retry, deadlines and merging stand above it. `execute` never raises for what
happens on the way: it answers each call with its reply or a `Failure`, in order, within
about `timeout` seconds, and tries nothing twice by itself. A failure says that nothing was
executed only where that is sure.

An async one may say `min_flight`, how many calls are worth a flight. Then of calls that wait
together half leave first, if they are as many, so that the store and the app work at the same
time; without it they leave together, as where a flight costs much by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Call, Failure, Reply

__all__ = ["AsyncBackend", "Backend"]


@runtime_checkable
class Backend(Protocol):
    """Carries calls for sync code; threads share it."""

    braces: bool
    """Whether user ids are written in braces, one cluster slot an account."""

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call, in order, within about `timeout` seconds."""
        ...

    def close(self) -> None:
        """Close what this backend opened, and only that."""
        ...


@runtime_checkable
class AsyncBackend(Protocol):
    """Carries calls for async code, on one event loop."""

    braces: bool
    """Whether user ids are written in braces, one cluster slot an account."""

    concurrency: int
    """How many flights may be on their way at once."""

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call, in order, within about `timeout` seconds."""
        ...

    async def aclose(self) -> None:
        """Close what this backend opened, and only that."""
        ...
