"""Whether a client still waits for its answer: under ASGI Django drops the work of one that left.

It cancels what is under way. An answer that is there by then it lets go of without closing it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from asgiref.sync import sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["SCOPE_KEY", "Connection", "loop_runs"]

SCOPE_KEY: Final = "credits_django.connection"
"""Where the `Connection` of a request stands in its ASGI scope."""

T = TypeVar("T")

_log = logging.getLogger(__name__)

_at_work: set[asyncio.Task[Any]] = set()
"""What nobody may await any more; a loop keeps weak references only."""


class Connection:
    """The client of one request, and what ends its answer: once, whoever comes to it first."""

    __slots__ = ("_end", "_lock", "lost")

    def __init__(self) -> None:
        self.lost = False
        """Whether nobody waits for an answer any more."""
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None

    async def answered(self, work: Coroutine[Any, Any, T]) -> T:
        """Make the answer, to its end also when the client leaves meanwhile."""
        try:
            return await asyncio.shield(_start(work))
        except asyncio.CancelledError:
            self.leave()
            raise

    def ends_by(self, end: Callable[[], None]) -> None:
        """An answer is there: `end` ends it when it is closed, or dropped."""
        with self._lock:
            self._end = end
        if self.lost:
            self.leave()

    def close(self) -> None:
        """End the answer."""
        with self._lock:
            end, self._end = self._end, None
        if end is not None:
            end()

    def leave(self) -> None:
        """Nobody waits any more: what is there ends, and what is still made when it is there."""
        self.lost = True
        if self._end is None:
            return
        if loop_runs():
            _start(self._aclose())
        else:
            self.close()

    async def _aclose(self) -> None:
        try:
            await sync_to_async(self.close, thread_sensitive=False)()
        except Exception as error:  # noqa: BLE001 - nobody is left to raise it to
            _log.error("an answer that nobody took: %r", error, exc_info=error)


def loop_runs() -> bool:
    """Whether this is async code."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    task = asyncio.get_running_loop().create_task(work)
    _at_work.add(task)
    task.add_done_callback(_at_work.discard)
    return task
