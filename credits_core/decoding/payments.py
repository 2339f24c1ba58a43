"""Records of payments: what was told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.decoding.refusals import accepted
from credits_core.models import PaymentNote

if TYPE_CHECKING:
    from credits_core.command import Reply


def noted(reply: Reply, *, payment_id: str) -> tuple[PaymentNote, ...]:
    """All that was told of a payment, in the order in which it was written."""
    words = accepted(reply, user_id=payment_id)[2:]
    return tuple(map(PaymentNote, words[::2], words[1::2]))
