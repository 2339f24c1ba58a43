"""Stripe: secrets of endpoints, one, several and none."""

from __future__ import annotations

import pytest

from credits_core import InvalidRequestError
from credits_core.webhooks import StripeWebhook
from tests.adapters.webhooks.delivering import OTHER_SECRET, SECRET, stripes
from tests.adapters.webhooks.stripe.events import PACKAGES, session


async def test_secrets_of_several_endpoints(sender, user):
    hook = StripeWebhook(PACKAGES, secret=[OTHER_SECRET, SECRET], path="/stripe")
    assert hook.route.path == "/stripe"
    assert (await sender.send(hook.route, session(user), stripes)).status == 200


def test_no_secret(monkeypatch):
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET", raising=False)
    with pytest.raises(InvalidRequestError, match="STRIPE_WEBHOOK_SECRET"):
        StripeWebhook(PACKAGES)
