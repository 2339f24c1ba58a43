"""What a log tells: a page at a time, and added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.history import read_history
from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.usage import read_usage
from credits_core.usage import days_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from credits_core.history import HistoryPage
    from credits_core.usage import Usage


class AsyncHistory(AsyncOperations):
    """The log a page at a time. For async code."""

    async def get_history(
        self,
        user_id: str,
        *,
        limit: int = 50,
        start_time: int | datetime | None = None,
        end_time: int | datetime | None = None,
        cursor: str | None = None,
    ) -> HistoryPage:
        """A page of transactions, newest first, 1 to 1000 of them, and the cursor of the next.

        `start_time` and `end_time` are inclusive: ms since the epoch or aware datetimes. Give
        them again with the `cursor`, which is the `next_cursor` of the page before, None for the
        first. Nothing is left out or comes twice while others write, entries of one instant
        included.
        """
        return await self._executor.run_plan(
            read_history(
                self._keys,
                user_id,
                limit=limit,
                start_time=start_time,
                end_time=end_time,
                cursor=cursor,
            )
        )

    async def usage(
        self,
        user_id: str,
        days: int | None = None,
        *,
        start: date | None = None,
        end: date | None = None,
    ) -> Usage:
        """What an account spent and earned, a day of UTC and an action, without loading its log.

        Of the last `days` (1 to 366, by default 7, today included), of those that end on `end`,
        or of those from `start` to `end`, both included. What a hold did counts on the day on
        which it was made. The log is read page by page, from now back to the first of the days.
        """
        first, last = days_of(days, start, end, await self._executor.now_ms())
        return await self._executor.run_plan(read_usage(self._keys, user_id, first, last))


class History(Operations):
    """The log a page at a time. For sync code."""

    def get_history(
        self,
        user_id: str,
        *,
        limit: int = 50,
        start_time: int | datetime | None = None,
        end_time: int | datetime | None = None,
        cursor: str | None = None,
    ) -> HistoryPage:
        """A page of transactions, newest first, 1 to 1000 of them, and the cursor of the next.

        `start_time` and `end_time` are inclusive: ms since the epoch or aware datetimes. Give
        them again with the `cursor`, which is the `next_cursor` of the page before, None for the
        first. Nothing is left out or comes twice while others write, entries of one instant
        included.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> for amount in (1, 2, 3):
        ...     _ = credits.deduct("alice", amount, "chat")
        >>> page = credits.get_history("alice", limit=2)
        >>> [entry.amount for entry in page.transactions]
        [-3, -2]
        >>> page = credits.get_history("alice", limit=2, cursor=page.next_cursor)
        >>> [entry.amount for entry in page.transactions], page.next_cursor
        ([-1, 100], None)
        """
        return self._executor.run_plan(
            read_history(
                self._keys,
                user_id,
                limit=limit,
                start_time=start_time,
                end_time=end_time,
                cursor=cursor,
            )
        )

    def usage(
        self,
        user_id: str,
        days: int | None = None,
        *,
        start: date | None = None,
        end: date | None = None,
    ) -> Usage:
        """What an account spent and earned, a day of UTC and an action, without loading its log.

        Of the last `days` (1 to 366, by default 7, today included), of those that end on `end`,
        or of those from `start` to `end`, both included. What a hold did counts on the day on
        which it was made. The log is read page by page, from now back to the first of the days.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> video = credits.hold("alice", 50, "video")
        >>> _ = credits.settle("alice", video.id, 30)
        >>> usage = credits.usage("alice", 30)
        >>> usage.total.earned, usage.total.spent, usage.actions["video"].spent, len(usage.days)
        (100, 30, 30, 30)
        """
        first, last = days_of(days, start, end, self._executor.now_ms())
        return self._executor.run_plan(read_usage(self._keys, user_id, first, last))
