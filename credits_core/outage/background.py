"""Collecting in the background, for as long as an app runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from anyio import to_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from credits_core.async_client import AsyncCredits
    from credits_core.client import Credits
    from credits_core.outage.collecting import CollectReport
    from credits_core.outage.journal import OutageJournal

__all__ = ["acollecting", "collecting"]

EVERY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def acollecting(
    journal: OutageJournal | None, client: AsyncCredits, every: float = EVERY_SECONDS
) -> AsyncIterator[None]:
    """Charge meanwhile, every so many seconds, for what was served while the store was away."""
    if journal is None:
        yield
        return
    task = asyncio.get_running_loop().create_task(_acollect(journal, client, every))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


@contextmanager
def collecting(
    journal: OutageJournal | None, client: Credits, every: float = EVERY_SECONDS
) -> Iterator[None]:
    """Charge meanwhile, in a thread, for what was served while the store was away."""
    if journal is None:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(
        target=_collect, args=(journal, client, every, ended), name="credits: outage", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _acollect(journal: OutageJournal, client: AsyncCredits, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            if await to_thread.run_sync(_waits, journal):
                _told(await journal.collect(client))
        except Exception as error:  # noqa: BLE001 - the app goes on, and so does this
            _failed(error)


def _collect(journal: OutageJournal, client: Credits, every: float, ended: threading.Event) -> None:
    while not ended.wait(every):
        try:
            if _waits(journal):
                _told(journal.collect_sync(client))
        except Exception as error:  # noqa: BLE001 - the app goes on, and so does this
            _failed(error)


def _waits(journal: OutageJournal) -> bool:
    return bool(journal.pending)


def _told(report: CollectReport) -> None:
    if report.collected:
        _log.warning("charged after an outage: %s", report)


def _failed(error: Exception) -> None:
    _log.error("what was served in an outage was not collected: %r", error, exc_info=error)
