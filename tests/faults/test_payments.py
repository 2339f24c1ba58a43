"""Webhooks of one payment over a way that breaks: announced again until they are answered 200."""

from __future__ import annotations

import json
import random

import pytest

from credits_core.http.exchange import Asked
from credits_core.http.steps import arun
from credits_core.webhooks import StripeWebhook
from tests.adapters.webhooks.delivering import SECRET, stripes
from tests.adapters.webhooks.stripe.events import PACKAGES, dispute, refund, session
from tests.contract.passing import all_at_once
from tests.faults.helpers import read_ledger

FAULTS = ("drop_request", "lose_reply", "swallow_reply", "cut_reply")


@pytest.fixture
async def credits(slow_line, opened):
    return opened(slow_line.open(timeout=0.5))


async def deliver(credits, body):
    route = StripeWebhook(PACKAGES, secret=SECRET).route
    return await arun(credits, route.handler(Asked(headers=stripes(body), body=body)))


async def until_heard(credits, body):
    """As a provider does it; how often it called."""
    for times in range(1, 40):
        answer = await deliver(credits, body)
        if answer.status == 200:
            return times
        assert answer.status == 503, json.dumps(answer.body)
        assert "Retry-After" in answer.headers
    raise AssertionError("never heard")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_call_that_breaks_anywhere_has_one_effect(slow_line, credits, store, user, fault):
    story = [session(user), refund(user, 500), dispute(user), dispute(user, "won", "closed")]
    for body in story:
        getattr(slow_line, fault)(3)
        await until_heard(credits, body)
        slow_line.faults.clear()
    await slow_line.all_arrived()
    assert await credits.get_balance(user) == 50
    ledger = read_ledger(store, user)
    bought = [entry["amount"] for entry in ledger.entries if entry["action"] == "purchase"]
    assert (ledger.balance, bought) == (50, [100])


async def test_a_storm_of_events_over_a_line_that_breaks(slow_line, credits, store, user):
    dice = random.Random(user)
    story = [session(user), refund(user, 500), dispute(user), dispute(user, "won", "closed")] * 8
    dice.shuffle(story)
    for start in range(0, len(story), 8):
        getattr(slow_line, dice.choice(FAULTS))(2)
        told = story[start : start + 8]
        heard = await all_at_once(*(until_heard(credits, body) for body in told))
        assert all(isinstance(times, int) for times in heard), heard
        slow_line.faults.clear()
    await slow_line.all_arrived()
    assert await credits.get_balance(user) == 50
    ledger = read_ledger(store, user)
    bought = [entry["amount"] for entry in ledger.entries if entry["action"] == "purchase"]
    assert (ledger.balance, bought) == (50, [100])


async def test_a_store_that_is_away_is_told_to_the_provider(slow_line, credits, user):
    await deliver(credits, session(user))
    slow_line.drop_request(1000)
    assert (await deliver(credits, refund(user, 500))).status == 503
    slow_line.faults.clear()
    assert await until_heard(credits, refund(user, 500)) >= 1
    assert await credits.get_balance(user) == 50
