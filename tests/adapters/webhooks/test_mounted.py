"""Webhooks behind a web framework: the bytes and the headers arrive as they were sent."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi import FastAPI

from credits_core.api import AccountApi
from credits_core.payments import PACKAGES
from credits_core.webhooks import ClerkWebhook, DodoWebhook
from credits_fastapi import Paywall
from tests.adapters.webhooks.delivering import SECRET, standard, svix
from tests.adapters.webhooks.test_dodo import payment


@pytest.fixture
async def http(server):
    hooks = [ClerkWebhook(secret=SECRET), DodoWebhook(PACKAGES, secret=SECRET)]
    paywall = Paywall(lambda: None, url=server.url, timeout=10)
    app = FastAPI()
    paywall.install(app, api=AccountApi(packages=PACKAGES, webhooks=hooks))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            yield client


async def test_nobody_signs_in_to_bring_a_webhook(http, sender, user):
    event = {"type": "user.created", "data": {"id": user}}
    body = json.dumps(event, indent=3).encode()
    headers = {name.title(): value for name, value in svix(body).items()}
    answer = await http.post("/api/webhooks/clerk", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"received": True, "done": "signed up"})
    assert await sender.amounts(user) == [100]
    unsigned = await http.post("/api/webhooks/clerk", content=body)
    assert (unsigned.status_code, unsigned.json()["title"]) == (400, "Webhook not verified")


async def test_an_event_of_the_size_that_events_have(http, sender, user):
    told = json.loads(payment(user)) | {"padding": "x" * 300_000}
    body = json.dumps(told).encode()
    answer = await http.post("/api/dodopayments/webhook", content=body, headers=standard(body))
    assert answer.status_code == 200
    assert await sender.balance(user) == 100


async def test_packages_are_listed_for_anybody(http):
    answer = await http.get("/api/credits/packages")
    assert [one["id"] for one in answer.json()["packages"]] == ["starter", "pro", "enterprise"]
