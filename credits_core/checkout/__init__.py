"""Checkouts: where a signed-in user pays for a package, at Stripe or DodoPayments.

Needs the extra `stripe` or `dodo`. How-to: `docs/how-to/checkout.md`.
"""

from credits_core import needs_pydantic  # noqa: F401 - for what it says where it is missing
from credits_core.checkout.checkout import Checkout, Order, ProviderRefused
from credits_core.checkout.dodo import DodoCheckout
from credits_core.checkout.stripe import StripeCheckout

__all__ = ["Checkout", "DodoCheckout", "Order", "ProviderRefused", "StripeCheckout"]
