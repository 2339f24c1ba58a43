"""Payments: what their providers told of them, kept in the order in which it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import commands
from credits_core.operations import AsyncOperations, Operations

if TYPE_CHECKING:
    from credits_core.models import PaymentNote


class AsyncPayments(AsyncOperations):
    """Payments: what their providers told of them. For async code."""

    async def note_payment(self, payment_id: str, name: str, value: str) -> tuple[PaymentNote, ...]:
        """Write down what is told of a payment, and learn all that was told of it.

        A note is written once: told again under the same `name` (1 to 255 characters), the
        first `value` (up to 4096 bytes) stays. Notes come in the order in which they were
        written, and whoever writes one sees all before it; so two servers that hear of a
        payment and of its refund at the same moment draw the same conclusions. The record holds
        no credits, and is kept for ever. A payment has at most 100 notes.

        `credits_core.payments.apply` writes them; an app needs this only to keep notes of its own.

        Raises `LimitExceededError` (rule `"max_notes"`).
        """
        return await self._executor.run(commands.note_payment(self._keys, payment_id, name, value))


class Payments(Operations):
    """Payments: what their providers told of them. For sync code."""

    def note_payment(self, payment_id: str, name: str, value: str) -> tuple[PaymentNote, ...]:
        """Write down what is told of a payment, and learn all that was told of it.

        A note is written once: told again under the same `name` (1 to 255 characters), the
        first `value` (up to 4096 bytes) stays. Notes come in the order in which they were
        written, and whoever writes one sees all before it; so two servers that hear of a
        payment and of its refund at the same moment draw the same conclusions. The record holds
        no credits, and is kept for ever. A payment has at most 100 notes.

        `credits_core.payments.apply` writes them; an app needs this only to keep notes of its own.

        Raises `LimitExceededError` (rule `"max_notes"`).

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://")
        >>> credits.note_payment("pi_1", "seen", "by the night job")
        (PaymentNote(name='seen', value='by the night job'),)
        >>> len(credits.note_payment("pi_1", "seen", "again"))
        1
        """
        return self._executor.run(commands.note_payment(self._keys, payment_id, name, value))
