"""What past charges would have cost under another price book."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.cursors import LogCursor
from credits_core.operations import AsyncOperations, Operations
from credits_core.pricing.repricing import Repricer, Repricing
from credits_core.pricing.used import Reader, read_used

if TYPE_CHECKING:
    from datetime import datetime

    from credits_core.plans import Plan
    from credits_core.pricing import PriceBook


class AsyncPastPrices(AsyncOperations):
    """What past charges would have cost under another price book. For async code."""

    async def reprice(
        self,
        user_id: str,
        book: PriceBook,
        *,
        start_time: int | datetime | None = None,
        end_time: int | datetime | None = None,
        at: int | datetime | None = None,
        used: Reader = read_used,
    ) -> Repricing:
        """Say what the charges of a period would have cost under another book; change nothing.

        The charges are those made from `start_time` to `end_time` (inclusive; None: no bound),
        net of what was given back since. Each is priced by the version of its own time, or all by
        that of the instant `at`. A part that was given back is given back of the new price.

        `used` answers what an entry was for; by default what the charge kept in its metadata,
        when it was a price of a book, or tokens that `CreditsLogger` charged. Where neither tells,
        the report says so, and how much that was.

        It reads the log from its end back to `start_time`, a page in memory at a time.
        """
        cursor = LogCursor(self._keys, user_id, start_time=start_time)
        repricer = Repricer(book, start_time=start_time, end_time=end_time, at=at, used=used)
        return await self._executor.run_plan(_repriced(cursor, repricer))


class PastPrices(Operations):
    """What past charges would have cost under another price book. For sync code."""

    def reprice(
        self,
        user_id: str,
        book: PriceBook,
        *,
        start_time: int | datetime | None = None,
        end_time: int | datetime | None = None,
        at: int | datetime | None = None,
        used: Reader = read_used,
    ) -> Repricing:
        """Say what the charges of a period would have cost under another book; change nothing.

        The charges are those made from `start_time` to `end_time` (inclusive; None: no bound),
        net of what was given back since. Each is priced by the version of its own time, or all by
        that of the instant `at`. A part that was given back is given back of the new price.

        `used` answers what an entry was for; by default what the charge kept in its metadata,
        when it was a price of a book, or tokens that `CreditsLogger` charged. Where neither tells,
        the report says so, and how much that was.

        It reads the log from its end back to `start_time`, a page in memory at a time.

        >>> from credits_core import Credits, PriceBook, require_credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> old = PriceBook.from_dict({"actions": {"image": 3}})
        >>> with require_credits(credits, "alice", old.priced("image", 4)):
        ...     pass
        >>> new = PriceBook.from_dict({"actions": {"image": 5}})
        >>> credits.reprice("alice", new).difference
        8
        """
        cursor = LogCursor(self._keys, user_id, start_time=start_time)
        repricer = Repricer(book, start_time=start_time, end_time=end_time, at=at, used=used)
        return self._executor.run_plan(_repriced(cursor, repricer))


def _repriced(cursor: LogCursor, repricer: Repricer) -> Plan[Repricing]:
    while not cursor.done:
        for entry in (yield from cursor.page()):
            repricer.take(entry)
    return repricer.report()
