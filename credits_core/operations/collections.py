"""Charges for work that has been done already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core import commands
from credits_core.operations import AsyncOperations, Operations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.models import Receipt


class AsyncCollections(AsyncOperations):
    """Charges for work that has been done already. For async code."""

    async def collect(
        self,
        user_id: str,
        amount: int,
        action: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str,
    ) -> Receipt:
        """Charge for work that has been done already: all of it, or what there is.

        Where the account has less than `amount` above its floor, that is taken, and the
        receipt's `amount` says how much. Where it has nothing, the receipt says
        `created=False`, and nothing is kept. It is charged once a key, which is kept for 30
        days or more; a `deduct` of the same amount and action with the same key counts, also
        one whose outcome was unknown.

        Raises `LimitExceededError` when the account is frozen, and `IdempotencyConflictError`
        when the key was used for something else.
        """
        return await self._executor.run(
            commands.collect(
                self._keys,
                user_id,
                amount,
                action,
                metadata,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=await self._executor.now_ms(),
            )
        )


class Collections(Operations):
    """Charges for work that has been done already. For sync code."""

    def collect(
        self,
        user_id: str,
        amount: int,
        action: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str,
    ) -> Receipt:
        """Charge for work that has been done already: all of it, or what there is.

        Where the account has less than `amount` above its floor, that is taken, and the
        receipt's `amount` says how much. Where it has nothing, the receipt says
        `created=False`, and nothing is kept. It is charged once a key, which is kept for 30
        days or more; a `deduct` of the same amount and action with the same key counts, also
        one whose outcome was unknown.

        Raises `LimitExceededError` when the account is frozen, and `IdempotencyConflictError`
        when the key was used for something else.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> receipt = credits.collect("alice", 130, "video", idempotency_key="job-1")
        >>> receipt.amount, receipt.balance
        (100, 0)
        >>> credits.collect("alice", 10, "image", idempotency_key="job-2").created
        False
        """
        return self._executor.run(
            commands.collect(
                self._keys,
                user_id,
                amount,
                action,
                metadata,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.now_ms(),
            )
        )
