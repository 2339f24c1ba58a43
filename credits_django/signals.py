"""What happened to a user's credits, for the app to hear.

Each is sent once, after the charge has ended, with `request`, `user_id`, `action`, `amount`
(credits, more than 0), `balance` (after it; None where it is not known) and `charge` (None where
staff did it). A receiver that fails is logged, and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

from credits_core.charge import Charge
from credits_core.http.paid import news_of
from credits_django.conf import conf

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["asend_all", "charged", "low_balance", "refunded", "send_all", "told_of"]

charged = Signal()
"""A request was paid: `amount` is what it cost in the end."""

refunded = Signal()
"""A charge was given back in full: the request failed, or staff refunded it."""

low_balance = Signal()
"""A charge brought the balance below `CREDITS["LOW_BALANCE"]`; it was not below before."""

_SIGNALS = {"charged": charged, "refunded": refunded, "low_balance": low_balance}

Told = tuple[Signal, dict[str, Any]]


def told_of(request: Any, charge: Charge) -> Iterator[Told]:
    """What there is to tell of a charge that has ended."""
    about = {
        "request": request,
        "user_id": charge.user_id,
        "action": charge.action,
        "amount": charge.cost or charge.terms.cost,
        "balance": charge.balance,
        "charge": charge,
    }
    for news in news_of(charge, conf().low_balance):
        yield _SIGNALS[news], about


def send_all(told: list[Told]) -> None:
    """Tell it in sync code."""
    for signal, about in told:
        signal.send_robust(sender=Charge, **about)


async def asend_all(told: list[Told]) -> None:
    """Tell it in async code."""
    for signal, about in told:
        await signal.asend_robust(sender=Charge, **about)
