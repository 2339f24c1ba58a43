"""Holds: credits set aside for work that is still to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from credits_core import commands
from credits_core.operations import AsyncOperations, Operations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from credits_core.models import Hold, Receipt


class AsyncHolds(AsyncOperations):
    """Holds: credits set aside for work that is still to be done. For async code."""

    async def hold(
        self,
        user_id: str,
        amount: int,
        action: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        expires_in: float | timedelta = 900,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Set credits aside for work whose cost is not known yet.

        They leave the balance at once; `settle` keeps what the work cost and gives the rest
        back, `release` gives all back, and so does the end of `expires_in` (seconds or a
        timedelta, up to 366 days) if nobody does either. An account has at most 1,000 open
        holds.

        `action`, `metadata` and `idempotency_key` are those of `deduct`. Raises
        `InsufficientCreditsError`, `LimitExceededError` (too many holds, a frozen account) and
        `IdempotencyConflictError`.
        """
        return await self._executor.run(
            commands.hold(
                self._keys,
                user_id,
                amount,
                action,
                metadata,
                expires_in=expires_in,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=await self._executor.now_ms(),
            )
        )

    async def extend(
        self,
        user_id: str,
        hold_id: str,
        amount: int = 0,
        *,
        expires_in: float | timedelta | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Give an open hold more credits, more time from now on, or both.

        `amount` is 0 or more, what it holds then at most 10^15; `expires_in` is seconds or a
        timedelta, up to 366 days. A job of two days renews its hold while it runs. A hold never
        ends earlier than it was told before.

        Raises `InsufficientCreditsError`, `LimitExceededError` when the account is frozen,
        `HoldClosedError` when the hold has ended and `HoldNotFoundError` when there is none.
        """
        return await self._executor.run(
            commands.extend(
                self._keys,
                user_id,
                hold_id,
                amount,
                expires_in=expires_in,
                idempotency_key=idempotency_key,
                now_ms=await self._executor.now_ms(),
            )
        )

    async def settle(
        self,
        user_id: str,
        hold_id: str,
        amount: int,
        *,
        shortfall: Literal["refuse", "take", "owe"] = "refuse",
        if_expired: Literal["refuse", "charge"] = "refuse",
        metadata: Mapping[str, Any] | None = None,
    ) -> Receipt:
        """End a hold: keep `amount` of it (0 keeps nothing) and give the rest back.

        What the work cost beyond the hold is taken from the balance. If that is not enough,
        `shortfall` says what happens: `"refuse"` raises `InsufficientCreditsError` and
        leaves the hold as it is, `"take"` takes what there is, `"owe"` takes the balance
        below its floor. A hold that has expired gave its credits back: `if_expired="charge"`
        charges the amount afresh. `metadata` is what the log says of the end.

        `amount` is 0 to 10^15, and the receipt's `amount` what the hold cost in the end. The same
        call again answers the same receipt; one with another amount, or after a release, raises
        `HoldClosedError`. Raises `HoldNotFoundError` when there is no such hold, and
        `LimitExceededError` when it cost more than it holds and the account is frozen.
        """
        return await self._executor.run(
            commands.settle(
                self._keys,
                user_id,
                hold_id,
                amount,
                shortfall=shortfall,
                if_expired=if_expired,
                metadata=metadata,
                now_ms=await self._executor.now_ms(),
            )
        )

    async def release(self, user_id: str, hold_id: str) -> Receipt:
        """End a hold and give all of it back; the receipt's `amount`, what it cost, is 0.

        Again it answers the same receipt. Raises `HoldClosedError` when the hold was settled
        or has expired, and `HoldNotFoundError` when there is none.
        """
        return await self._executor.run(
            commands.settle(
                self._keys,
                user_id,
                hold_id,
                None,
                shortfall="refuse",
                if_expired="refuse",
                now_ms=await self._executor.now_ms(),
            )
        )


class Holds(Operations):
    """Holds: credits set aside for work that is still to be done. For sync code."""

    def hold(
        self,
        user_id: str,
        amount: int,
        action: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        expires_in: float | timedelta = 900,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Set credits aside for work whose cost is not known yet.

        They leave the balance at once; `settle` keeps what the work cost and gives the rest
        back, `release` gives all back, and so does the end of `expires_in` (seconds or a
        timedelta, up to 366 days) if nobody does either. An account has at most 1,000 open
        holds.

        `action`, `metadata` and `idempotency_key` are those of `deduct`. Raises
        `InsufficientCreditsError`, `LimitExceededError` (too many holds, a frozen account) and
        `IdempotencyConflictError`.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> job = credits.hold("alice", 60, "training", expires_in=3600)
        >>> job.balance
        40
        >>> credits.settle("alice", job.id, 25).balance
        75
        """
        return self._executor.run(
            commands.hold(
                self._keys,
                user_id,
                amount,
                action,
                metadata,
                expires_in=expires_in,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.now_ms(),
            )
        )

    def extend(
        self,
        user_id: str,
        hold_id: str,
        amount: int = 0,
        *,
        expires_in: float | timedelta | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Give an open hold more credits, more time from now on, or both.

        `amount` is 0 or more, what it holds then at most 10^15; `expires_in` is seconds or a
        timedelta, up to 366 days. A job of two days renews its hold while it runs. A hold never
        ends earlier than it was told before.

        Raises `InsufficientCreditsError`, `LimitExceededError` when the account is frozen,
        `HoldClosedError` when the hold has ended and `HoldNotFoundError` when there is none.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> job = credits.hold("alice", 20, "training", expires_in=3600)
        >>> job = credits.extend("alice", job.id, 30, expires_in=7200)
        >>> job.amount, job.balance
        (50, 50)
        """
        return self._executor.run(
            commands.extend(
                self._keys,
                user_id,
                hold_id,
                amount,
                expires_in=expires_in,
                idempotency_key=idempotency_key,
                now_ms=self._executor.now_ms(),
            )
        )

    def settle(
        self,
        user_id: str,
        hold_id: str,
        amount: int,
        *,
        shortfall: Literal["refuse", "take", "owe"] = "refuse",
        if_expired: Literal["refuse", "charge"] = "refuse",
        metadata: Mapping[str, Any] | None = None,
    ) -> Receipt:
        """End a hold: keep `amount` of it (0 keeps nothing) and give the rest back.

        What the work cost beyond the hold is taken from the balance. If that is not enough,
        `shortfall` says what happens: `"refuse"` raises `InsufficientCreditsError` and
        leaves the hold as it is, `"take"` takes what there is, `"owe"` takes the balance
        below its floor. A hold that has expired gave its credits back: `if_expired="charge"`
        charges the amount afresh. `metadata` is what the log says of the end.

        `amount` is 0 to 10^15, and the receipt's `amount` what the hold cost in the end. The same
        call again answers the same receipt; one with another amount, or after a release, raises
        `HoldClosedError`. Raises `HoldNotFoundError` when there is no such hold, and
        `LimitExceededError` when it cost more than it holds and the account is frozen.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> job = credits.hold("alice", 20, "training")
        >>> receipt = credits.settle("alice", job.id, 25)
        >>> receipt.amount, receipt.balance
        (25, 75)
        >>> credits.settle("alice", job.id, 25).replayed
        True
        """
        return self._executor.run(
            commands.settle(
                self._keys,
                user_id,
                hold_id,
                amount,
                shortfall=shortfall,
                if_expired=if_expired,
                metadata=metadata,
                now_ms=self._executor.now_ms(),
            )
        )

    def release(self, user_id: str, hold_id: str) -> Receipt:
        """End a hold and give all of it back; the receipt's `amount`, what it cost, is 0.

        Again it answers the same receipt. Raises `HoldClosedError` when the hold was settled
        or has expired, and `HoldNotFoundError` when there is none.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> job = credits.hold("alice", 20, "training")
        >>> receipt = credits.release("alice", job.id)
        >>> receipt.amount, receipt.balance
        (0, 100)
        """
        return self._executor.run(
            commands.settle(
                self._keys,
                user_id,
                hold_id,
                None,
                shortfall="refuse",
                if_expired="refuse",
                now_ms=self._executor.now_ms(),
            )
        )
