"""Checkouts: where a signed-in user pays for a package, at Stripe or DodoPayments.

Needs the extra `stripe` or `dodo`. How-to: `docs/how-to/checkout.md`.
"""

from credits_core.extras import load

load("pydantic", "webhooks")

from credits_core.checkout.checkout import Checkout, Order, ProviderRefused  # noqa: E402
from credits_core.checkout.dodo import DodoCheckout  # noqa: E402
from credits_core.checkout.stripe import StripeCheckout  # noqa: E402

__all__ = ["Checkout", "DodoCheckout", "Order", "ProviderRefused", "StripeCheckout"]
