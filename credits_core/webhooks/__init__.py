"""Webhooks: what providers tell an app, verified, understood and done once.

Each class makes one `route`, which every web framework mounts. Needs the extra `webhooks`, and for
Stripe `stripe`. How-to: `docs/how-to/webhooks.md`.
"""

from credits_core.extras import load

load("pydantic", "webhooks")

from credits_core.webhooks.clerk import ClerkWebhook  # noqa: E402
from credits_core.webhooks.dodo import DodoWebhook  # noqa: E402
from credits_core.webhooks.jobs import JobWebhook, sign_job  # noqa: E402
from credits_core.webhooks.signatures import (  # noqa: E402
    Secrets,
    Signature,
    StandardSignature,
    StripeSignature,
)
from credits_core.webhooks.stripe import StripeWebhook  # noqa: E402
from credits_core.webhooks.webhook import PaymentWebhook, Webhook  # noqa: E402

__all__ = [
    "ClerkWebhook",
    "DodoWebhook",
    "JobWebhook",
    "PaymentWebhook",
    "Secrets",
    "Signature",
    "StandardSignature",
    "StripeSignature",
    "StripeWebhook",
    "Webhook",
    "sign_job",
]
