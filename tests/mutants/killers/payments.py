"""Notes of payments: each once, in one order, seen by whoever writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import LimitExceededError, PaymentNote
from tests.mutants.stage import killer, refused

if TYPE_CHECKING:
    from tests.mutants.stage import Stage


@killer
def a_note_is_written_once_and_all_are_seen(stage: Stage) -> None:
    note = stage.credits.note_payment
    first, second = PaymentNote("paid", "1"), PaymentNote("1", "2")
    assert note("pi_1", "paid", "1") == (first,)
    assert note("pi_1", "1", "2") == (first, second)
    assert note("pi_1", "paid", "3") == (first, second)
    assert note("pi_2", "paid", "3") == (PaymentNote("paid", "3"),)


@killer
def a_payment_has_so_many_notes(stage: Stage) -> None:
    for number in range(100):
        stage.credits.note_payment("pi_1", str(number), "")
    with refused(LimitExceededError):
        stage.credits.note_payment("pi_1", "more", "")
