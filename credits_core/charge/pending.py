"""Charges that are not done with: what could not be settled at once is tried in the background.

While the store is away a refund, a settle or a release is tried again for two minutes, in a
task or a thread, and then logged as an error. What cannot be closed here is the end of the
whole process: then a hold expires, and a fixed price stays charged.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakSet

from credits_core.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from credits_core.async_client import AsyncCredits
    from credits_core.client import Credits

__all__ = ["AsyncPending", "Pending", "adrain", "drain"]

PAUSES: tuple[float, ...] = (0.2, 0.5, 1, 2, 4, 8, 15, 30, 60)
"""Seconds between the tries while the store is away: two minutes in all."""

DRAIN_SECONDS: Final = 5.0

_KEPT: Final = "_pending_charges"
"""Where a client keeps them: they live as long as it."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class AsyncPending:
    """The charges of an async client that are not done with."""

    __slots__ = ("open", "tasks")

    def __init__(self) -> None:
        self.open = 0
        self.tasks: set[asyncio.Task[Any]] = set()

    @staticmethod
    def of(client: AsyncCredits) -> AsyncPending:
        """What is pending of a client, which keeps it."""
        found: AsyncPending | None = vars(client).get(_KEPT)
        if found is None:
            found = vars(client)[_KEPT] = AsyncPending()
        return found

    def start(self, work: Coroutine[Any, Any, T], what: str) -> asyncio.Task[T]:
        """Do `work` in the background; `what` names it in the log if it comes to nothing."""
        # Held here: the loop itself keeps only weak references to its tasks. Its name is what is
        # told of it when the loop ends before it does.
        task = asyncio.get_running_loop().create_task(work, name=what)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            _log.error("broken off, look whether the user was charged: %s", task.get_name())
        elif (error := task.exception()) is not None:
            _log.error("%s: %r", task.get_name(), error, exc_info=error)


class Pending:
    """The charges of a sync client that are not done with."""

    __slots__ = ("__weakref__", "lock", "open", "threads")

    def __init__(self) -> None:
        self.open = 0
        self.lock = threading.Lock()
        self.threads: set[threading.Thread] = set()
        _all.add(self)

    @staticmethod
    def of(client: Credits) -> Pending:
        """What is pending of a client, which keeps it."""
        found: Pending | None = vars(client).get(_KEPT)
        return vars(client).setdefault(_KEPT, Pending()) if found is None else found

    def alive(self) -> list[threading.Thread]:
        """What the background is at; not what the parent of a fork was."""
        return [thread for thread in tuple(self.threads) if thread.is_alive()]

    def start(self, work: Callable[[], object], what: str) -> None:
        """Do `work` in the background; `what` names it in the log if it comes to nothing."""

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - nobody is left to raise it to
                _log.error("%s: %r", what, error, exc_info=error)
            finally:
                with self.lock:
                    self.threads.discard(thread)

        # The process may end while it waits for the store: it is given a few seconds at exit.
        thread = threading.Thread(target=run, name=what, daemon=True)
        with self.lock:
            self.threads.add(thread)
        thread.start()


async def ainsist(step: Callable[[], Awaitable[T]]) -> T:
    """Try until the store answers; after two minutes let the error out, to be logged."""
    for pause in PAUSES:
        try:
            return await step()
        except BackendError:
            await asyncio.sleep(pause)
    return await step()


def insist(step: Callable[[], T]) -> T:
    """Try until the store answers; after two minutes let the error out, to be logged."""
    for pause in PAUSES:
        try:
            return step()
        except BackendError:
            time.sleep(pause)
    return step()


async def adrain(client: AsyncCredits, seconds: float | None = None) -> None:
    """Wait until every charge of an async client is done with, before the client is closed.

    Waits for blocks that are still open and for what is tried in the background, at most so
    many seconds; what is left then is logged and abandoned. By default it waits five seconds, and
    at least as long as it takes to find out about a charge that was cancelled on its way.
    """
    pending = AsyncPending.of(client)
    seconds = _long_enough(client) if seconds is None else seconds
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (pending.open or pending.tasks) and loop.time() < deadline:  # noqa: ASYNC110 - once
        await asyncio.sleep(0.01)
    for task in tuple(pending.tasks):
        task.cancel()
    await asyncio.sleep(0)


def drain(client: Credits, seconds: float | None = None) -> None:
    """Wait until every charge of a sync client is done with, before the client is closed.

    Waits for blocks that are still open and for what is tried in the background, at most so
    many seconds; what is left then is logged. By default it waits five seconds, and at least a
    second longer than a call may take. See `adrain`.

    >>> from credits_core import Credits, require_credits
    >>> with Credits.from_url("memory://", auto_initialize=True) as credits:
    ...     with require_credits(credits, "alice", 10, "chat_message"):
    ...         pass
    ...     drain(credits)
    """
    _drain(Pending.of(client), _long_enough(client) if seconds is None else seconds)


def _long_enough(client: AsyncCredits | Credits) -> float:
    patience = client._executor.timeout  # noqa: SLF001 - a charge is of the client's own house
    return max(DRAIN_SECONDS, patience + 1)


def _drain(pending: Pending, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (pending.open or pending.alive()) and time.monotonic() < deadline:
        time.sleep(0.01)
    for thread in pending.alive():
        _log.error("broken off, look whether the user was charged: %s", thread.name)


_all: WeakSet[Pending] = WeakSet()


@atexit.register
def _at_exit() -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    for pending in tuple(_all):
        pending.open = 0  # blocks that are open now are of threads that will not go on
        _drain(pending, max(0.0, deadline - time.monotonic()))
