"""Credits from one account to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.transfers import merge, transfer

if TYPE_CHECKING:
    from credits_core.models import Receipt


class AsyncTransfers(AsyncOperations):
    """Credits from one account to another. For async code."""

    async def transfer(
        self, from_user: str, to_user: str, amount: int, *, idempotency_key: str
    ) -> Receipt:
        """Move 1 to 10^15 credits from one account to another, once a key (1 to 255 characters).

        What came from an expiring grant arrives as one, with the same expiry. The receipt is
        that of the account that pays. The two accounts may lie on two nodes, so that this
        takes two steps: after a crash, or an `OutcomeUnknownError`, the same call with the
        same key completes it; the key is kept for ever. A transfer that the other account
        refuses is given back.

        Raises `InsufficientCreditsError`, `LimitExceededError` and
        `IdempotencyConflictError`.
        """
        await self._executor.now_ms()
        return await self._executor.run_plan(
            transfer(
                self._keys,
                from_user,
                to_user,
                amount,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.clock.now_ms,
            )
        )

    async def merge_accounts(self, from_user: str, into_user: str) -> Receipt:
        """Move all the credits of one account into another: of a trial into a new account.

        Expiring grants keep their expiry. Open holds stay where they are and settle there;
        what comes back from them moves with the next merge. After a crash, or an
        `OutcomeUnknownError`, the same call completes it. The receipt is that of the account
        that gains; where there was nothing to move it says `created=False`.

        Raises `LimitExceededError` when the first account is frozen, or the balance of the other
        would pass 2^53-1.
        """
        await self._executor.now_ms()
        return await self._executor.run_plan(
            merge(self._keys, from_user, into_user, now_ms=self._executor.clock.now_ms)
        )


class Transfers(Operations):
    """Credits from one account to another. For sync code."""

    def transfer(
        self, from_user: str, to_user: str, amount: int, *, idempotency_key: str
    ) -> Receipt:
        """Move 1 to 10^15 credits from one account to another, once a key (1 to 255 characters).

        What came from an expiring grant arrives as one, with the same expiry. The receipt is
        that of the account that pays. The two accounts may lie on two nodes, so that this
        takes two steps: after a crash, or an `OutcomeUnknownError`, the same call with the
        same key completes it; the key is kept for ever. A transfer that the other account
        refuses is given back.

        Raises `InsufficientCreditsError`, `LimitExceededError` and
        `IdempotencyConflictError`.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> credits.transfer("alice", "bob", 30, idempotency_key="gift-1").balance
        70
        >>> credits.get_balance("bob")
        130
        """
        self._executor.now_ms()
        return self._executor.run_plan(
            transfer(
                self._keys,
                from_user,
                to_user,
                amount,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.clock.now_ms,
            )
        )

    def merge_accounts(self, from_user: str, into_user: str) -> Receipt:
        """Move all the credits of one account into another: of a trial into a new account.

        Expiring grants keep their expiry. Open holds stay where they are and settle there;
        what comes back from them moves with the next merge. After a crash, or an
        `OutcomeUnknownError`, the same call completes it. The receipt is that of the account
        that gains; where there was nothing to move it says `created=False`.

        Raises `LimitExceededError` when the first account is frozen, or the balance of the other
        would pass 2^53-1.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> _ = credits.initialize_user("trial-7", 30), credits.initialize_user("alice", 100)
        >>> credits.merge_accounts("trial-7", "alice").balance
        130
        >>> credits.get_balance("trial-7")
        0
        """
        self._executor.now_ms()
        return self._executor.run_plan(
            merge(self._keys, from_user, into_user, now_ms=self._executor.clock.now_ms)
        )
