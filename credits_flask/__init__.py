"""Views that cost credits, for Flask.

`FlaskCredits` is the extension: who pays, and the decorators of views that cost credits.
`current_credits` is the charge, the client and the balance of the request that is being served,
and `charged`, `refunded` and `low_balance` are signals.
"""

from credits_core.charge import Charge, Priced
from credits_core.http.paid import credits_event
from credits_flask import needs_flask  # noqa: F401 - for what it says where it is missing
from credits_flask.current import CurrentCredits, current_credits
from credits_flask.extension import FlaskCredits
from credits_flask.signals import charged, low_balance, refunded

__all__ = [
    "Charge",
    "CurrentCredits",
    "FlaskCredits",
    "Priced",
    "charged",
    "credits_event",
    "current_credits",
    "low_balance",
    "refunded",
]
