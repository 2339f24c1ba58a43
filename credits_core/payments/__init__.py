"""Payments for credits: what is sold, what a provider told, and what follows from it.

The parts have no framework and no provider: webhooks bring what was told, checkouts start a
payment. How-to: `docs/how-to/payments.md`.
"""

from credits_core.payments.applying import Applied, apply
from credits_core.payments.packages import PACKAGES, Package, Packages
from credits_core.payments.purchase import NotGranted, Purchase, check
from credits_core.payments.told import Linked, Paid, Restored, Returned, Told

__all__ = [
    "PACKAGES",
    "Applied",
    "Linked",
    "NotGranted",
    "Package",
    "Packages",
    "Paid",
    "Purchase",
    "Restored",
    "Returned",
    "Told",
    "apply",
    "check",
]
