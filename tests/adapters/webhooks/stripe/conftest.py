"""A webhook of Stripe's, and events that reach it, signed by its library."""

from __future__ import annotations

import pytest

from credits_core.webhooks import StripeWebhook
from tests.adapters.webhooks.delivering import SECRET, stripes
from tests.adapters.webhooks.stripe.events import PACKAGES


@pytest.fixture
def route():
    return StripeWebhook(PACKAGES, secret=SECRET).route


@pytest.fixture
def send(sender, route):
    async def send(*events):
        return [await sender.send(route, one, stripes) for one in events]

    return send
