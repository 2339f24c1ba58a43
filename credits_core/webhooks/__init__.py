"""Webhooks: what providers tell an app, verified, understood and done once.

Each class makes one `route`, which every web framework mounts. Needs the extra `webhooks`, and for
Stripe `stripe`. How-to: `docs/how-to/webhooks.md`.
"""

from credits_core import needs_pydantic  # noqa: F401 - for what it says where it is missing
from credits_core.webhooks.clerk import ClerkWebhook
from credits_core.webhooks.dodo import DodoWebhook
from credits_core.webhooks.jobs import JobWebhook, sign_job
from credits_core.webhooks.signatures import (
    Secrets,
    Signature,
    StandardSignature,
    StripeSignature,
)
from credits_core.webhooks.stripe import StripeWebhook
from credits_core.webhooks.webhook import PaymentWebhook, Webhook

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
