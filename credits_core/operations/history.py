"""The log a page at a time, for clients that come back for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.history import read_history
from credits_core.operations import AsyncOperations, Operations

if TYPE_CHECKING:
    from datetime import datetime

    from credits_core.history import HistoryPage


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
