"""Records of payments: what providers told of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command

if TYPE_CHECKING:
    from credits_core.keys import KeySpace
    from credits_core.models import PaymentNote


def note_payment(
    keys: KeySpace, payment_id: str, name: str, value: str
) -> Command[tuple[PaymentNote, ...]]:
    """Write down what is told of a payment, once a name."""
    payment_id = validation.payment_id(payment_id, braces=keys.braces)
    args = (validation.line(name, "name"), validation.note(value))
    return Command(
        "note_payment",
        payment_id,
        Call(scripts.NOTE_PAYMENT, (keys.payment(payment_id),), args),
        partial(decoding.noted, payment_id=payment_id),
        timed=True,
        writes=True,
        witnessed=True,
    )
