"""Signals of what the charges of requests came to.

The sender is the app, the argument `charge` the `Charge` as it ended. A receiver runs in the
context of the app; what it raises is logged and changes no answer.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from blinker import Namespace
from flask import has_app_context

from credits_core.http.paid import news_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blinker import NamedSignal
    from flask import Flask

    from credits_core.charge import Charge

__all__ = ["charged", "low_balance", "refunded", "tell"]

_log = logging.getLogger(__name__)
_signals: Final = Namespace()

charged: Final = _signals.signal(
    "charged",
    "A request was paid: `charge.cost` credits; `charge.balance` are left, None if not known.",
)
refunded: Final = _signals.signal(
    "refunded", "A request was given back: it failed, or was left before its answer."
)
low_balance: Final = _signals.signal(
    "low_balance", "A charge took the balance from CREDITS_LOW_BALANCE or more to below it."
)

_SIGNALS: Final = {"charged": charged, "refunded": refunded, "low_balance": low_balance}


def tell(app: Flask, charges: Iterable[Charge], low: int) -> None:
    """Send the signals of charges that have ended; what is free or handed over has none."""
    for charge in charges:
        for news in news_of(charge, low):
            _send(_SIGNALS[news], app, charge)


def _send(signal: NamedSignal, app: Flask, charge: Charge) -> None:
    if not signal.receivers:
        return
    try:
        if has_app_context():
            signal.send(app, charge=charge)
        else:
            with app.app_context():
                signal.send(app, charge=charge)
    except Exception as error:  # noqa: BLE001 - the answer is under way, and it is paid
        _log.error("a receiver of %r failed: %r", signal.name, error, exc_info=error)
