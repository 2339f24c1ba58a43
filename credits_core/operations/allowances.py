"""Allowances: the credits of a subscription, once a period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from credits_core import commands, periods
from credits_core.operations import AsyncOperations, Operations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.models import Receipt
    from credits_core.periods import Period


class AsyncAllowances(AsyncOperations):
    """Allowances: the credits of a subscription, once a period. For async code."""

    async def grant_allowance(
        self,
        user_id: str,
        name: str,
        amount: int,
        period: Period,
        *,
        rollover: Literal["none", "all"] | int = "none",
        priority: int = 0,
        metadata: Mapping[str, Any] | None = None,
    ) -> Receipt:
        """Grant the credits of a plan for a period, once, however often it is asked.

        A webhook, a cron job and the first request of a month may all ask: the first grants,
        the others answer its receipt with `replayed=True`. A plan is known by its `name`
        (1 to 64 characters), a period by its start; one that begins before the latest that
        was granted grants nothing (`created=False`). A period that lies ahead is granted at
        once, and those before it are past from then on.

        What is left at the end of the period is lost (`rollover="none"`), stays
        (`"all"`), or stays up to so many credits, the rest going when the next period is
        granted.

        Raises `IdempotencyConflictError` when the period was granted with another amount,
        `LimitExceededError`, and `InvalidRequestError` when the period is over.
        """
        periods.check(period)
        return await self._executor.run(
            commands.renew(
                self._keys,
                user_id,
                name,
                amount,
                period,
                rollover=rollover,
                priority=priority,
                metadata=metadata,
                sign_up=self._sign_up,
                now_ms=await self._executor.now_ms(),
            )
        )


class Allowances(Operations):
    """Allowances: the credits of a subscription, once a period. For sync code."""

    def grant_allowance(
        self,
        user_id: str,
        name: str,
        amount: int,
        period: Period,
        *,
        rollover: Literal["none", "all"] | int = "none",
        priority: int = 0,
        metadata: Mapping[str, Any] | None = None,
    ) -> Receipt:
        """Grant the credits of a plan for a period, once, however often it is asked.

        A webhook, a cron job and the first request of a month may all ask: the first grants,
        the others answer its receipt with `replayed=True`. A plan is known by its `name`
        (1 to 64 characters), a period by its start; one that begins before the latest that
        was granted grants nothing (`created=False`). A period that lies ahead is granted at
        once, and those before it are past from then on.

        What is left at the end of the period is lost (`rollover="none"`), stays
        (`"all"`), or stays up to so many credits, the rest going when the next period is
        granted.

        Raises `IdempotencyConflictError` when the period was granted with another amount,
        `LimitExceededError`, and `InvalidRequestError` when the period is over.

        >>> from datetime import UTC, datetime
        >>> from credits_core import Credits, Period
        >>> credits = Credits.from_url("memory://")
        >>> month = Period.monthly(since=datetime(2026, 1, 31, tzinfo=UTC))
        >>> credits.grant_allowance("alice", "pro", 1000, month).balance
        1000
        >>> credits.grant_allowance("alice", "pro", 1000, month).replayed
        True
        """
        periods.check(period)
        return self._executor.run(
            commands.renew(
                self._keys,
                user_id,
                name,
                amount,
                period,
                rollover=rollover,
                priority=priority,
                metadata=metadata,
                sign_up=self._sign_up,
                now_ms=self._executor.now_ms(),
            )
        )
