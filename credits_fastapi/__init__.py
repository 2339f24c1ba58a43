"""Endpoints that cost credits, for FastAPI.

`Paywall` is the client of an app, the user who pays, and the answers of a refusal; its
`require_credits` and `hold_credits` are what an endpoint depends on to cost credits, and `Charge`
is what it gets.
"""

from credits_core.charge import Charge, Priced, hold_credits, require_credits
from credits_core.http.paid import credits_event
from credits_fastapi import needs_fastapi  # noqa: F401 - for what it says where it is missing
from credits_fastapi.middleware import ChargesMiddleware
from credits_fastapi.paywall import Paywall

__all__ = [
    "Charge",
    "ChargesMiddleware",
    "Paywall",
    "Priced",
    "credits_event",
    "hold_credits",
    "require_credits",
]
