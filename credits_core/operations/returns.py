"""Refunds of charges and revocations of additions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from credits_core import commands
from credits_core.operations import AsyncOperations, Operations
from credits_core.plans.returns import give_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.models import Receipt


class AsyncReturns(AsyncOperations):
    """Refunds of charges and revocations of additions. For async code."""

    async def refund(
        self,
        user_id: str,
        tx_id: str,
        amount: int | None = None,
        *,
        reason: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Give back a charge: all that is left of it, or `amount` credits.

        `tx_id` is that of a `deduct`, or of the `settle` of a hold. All refunds of a charge
        together are never more than it. What an expiring grant had paid goes back to it.
        A full refund happens once, however often it is asked for; give a part an
        `idempotency_key`, or a repeated call gives back another part. `reason` (1 to 255
        characters) is kept in the `metadata` of the entry, a JSON object of at most 4 KB.

        Raises `LimitExceededError` (rule `"refundable"`) when less than `amount` is left,
        and `TransactionError` when there is no such charge, or it has been folded.
        """
        now = await self._executor.now_ms()
        make = partial(
            commands.refund,
            self._keys,
            user_id,
            tx_id,
            amount,
            reason=reason,
            metadata=metadata,
            idempotency_key=idempotency_key,
            now_ms=now,
        )
        return await self._executor.run_plan(
            give_back(self._keys, user_id, lambda member: make(member=member))
        )

    async def revoke(
        self,
        user_id: str,
        tx_id: str | None = None,
        amount: int | None = None,
        *,
        added_with: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Take back an addition, after a dispute: what is left of it, or up to `amount`.

        It is named by its `tx_id`, or by the idempotency key that it was `added_with`: so a
        refund that is announced before its payment is remembered, and taken back when the
        payment comes. What the user has spent is gone: the receipt's `amount` says what
        was taken, and a balance is not taken below its floor. What is on hold is `claimed`: it
        is taken when the hold gives it back, and never if the work uses it. All of it is revoked
        once, however often it is asked for; give a part an `idempotency_key`.

        Raises `TransactionError` when there is no such addition, or it has been folded.
        """
        now = await self._executor.now_ms()
        make = partial(
            commands.revoke,
            self._keys,
            user_id,
            tx_id,
            amount,
            added_with=added_with,
            reason=reason,
            idempotency_key=idempotency_key,
            now_ms=now,
        )
        return await self._executor.run_plan(
            give_back(self._keys, user_id, lambda member: make(member=member))
        )

    async def waive(self, user_id: str, tx_id: str) -> int:
        """Let go what a revocation still claims of open holds, as when a dispute was won.

        `tx_id` is that of the revocation. What the holds give back stays with the user then, and
        may be revoked again, by an amount. Answers how many credits it took of holds that gave back
        before: with the `amount` of its receipt that is all that it took. Said again it answers
        the same.
        """
        now = await self._executor.now_ms()
        return await self._executor.run(commands.waive(self._keys, user_id, tx_id, now_ms=now))


class Returns(Operations):
    """Refunds of charges and revocations of additions. For sync code."""

    def refund(
        self,
        user_id: str,
        tx_id: str,
        amount: int | None = None,
        *,
        reason: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Give back a charge: all that is left of it, or `amount` credits.

        `tx_id` is that of a `deduct`, or of the `settle` of a hold. All refunds of a charge
        together are never more than it. What an expiring grant had paid goes back to it.
        A full refund happens once, however often it is asked for; give a part an
        `idempotency_key`, or a repeated call gives back another part. `reason` (1 to 255
        characters) is kept in the `metadata` of the entry, a JSON object of at most 4 KB.

        Raises `LimitExceededError` (rule `"refundable"`) when less than `amount` is left,
        and `TransactionError` when there is no such charge, or it has been folded.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> image = credits.deduct("alice", 10, "image")
        >>> credits.refund("alice", image.tx_id, reason="failed").balance
        100
        """
        now = self._executor.now_ms()
        make = partial(
            commands.refund,
            self._keys,
            user_id,
            tx_id,
            amount,
            reason=reason,
            metadata=metadata,
            idempotency_key=idempotency_key,
            now_ms=now,
        )
        return self._executor.run_plan(
            give_back(self._keys, user_id, lambda member: make(member=member))
        )

    def revoke(
        self,
        user_id: str,
        tx_id: str | None = None,
        amount: int | None = None,
        *,
        added_with: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Take back an addition, after a dispute: what is left of it, or up to `amount`.

        It is named by its `tx_id`, or by the idempotency key that it was `added_with`: so a
        refund that is announced before its payment is remembered, and taken back when the
        payment comes. What the user has spent is gone: the receipt's `amount` says what
        was taken, and a balance is not taken below its floor. What is on hold is `claimed`: it
        is taken when the hold gives it back, and never if the work uses it. All of it is revoked
        once, however often it is asked for; give a part an `idempotency_key`.

        Raises `TransactionError` when there is no such addition, or it has been folded.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://")
        >>> paid = credits.add("alice", 500, "purchase", idempotency_key="pay_1")
        >>> credits.deduct("alice", 100, "video").balance
        400
        >>> credits.revoke("alice", added_with="pay_1").amount
        400
        """
        now = self._executor.now_ms()
        make = partial(
            commands.revoke,
            self._keys,
            user_id,
            tx_id,
            amount,
            added_with=added_with,
            reason=reason,
            idempotency_key=idempotency_key,
            now_ms=now,
        )
        return self._executor.run_plan(
            give_back(self._keys, user_id, lambda member: make(member=member))
        )

    def waive(self, user_id: str, tx_id: str) -> int:
        """Let go what a revocation still claims of open holds, as when a dispute was won.

        `tx_id` is that of the revocation. What the holds give back stays with the user then, and
        may be revoked again, by an amount. Answers how many credits it took of holds that gave back
        before: with the `amount` of its receipt that is all that it took. Said again it answers
        the same.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://")
        >>> paid = credits.add("alice", 500, "purchase")
        >>> hold = credits.hold("alice", 300, "video")
        >>> dispute = credits.revoke("alice", paid.tx_id)
        >>> dispute.amount, dispute.claimed
        (200, 300)
        >>> credits.waive("alice", dispute.tx_id)
        0
        >>> credits.release("alice", hold.id).balance
        300
        """
        now = self._executor.now_ms()
        return self._executor.run(commands.waive(self._keys, user_id, tx_id, now_ms=now))
