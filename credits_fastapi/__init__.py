"""Endpoints that cost credits, for FastAPI.

`Paywall` is the client of an app, the user who pays, and the answers of a refusal; its
`require_credits` is what an endpoint depends on to cost credits, and `Charge` is what it gets.
"""

from credits_core.charge import Charge, charged
from credits_fastapi.paywall import Paywall

__all__ = ["Charge", "Paywall", "charged"]
