"""Stripe: refunds and disputes, whole and in part, and those that come to nothing."""

from __future__ import annotations

import random

import pytest

from tests.adapters.webhooks.stripe.events import charge_refunded, dispute, refund, session


async def test_refunds_are_told_one_by_one_and_in_sums(sender, send, user):
    await send(session(user), refund(user, 500), charge_refunded(user, 500))
    assert await sender.balance(user) == 50
    await send(charge_refunded(user, 999), refund(user, 499, "re_2"))
    assert await sender.balance(user) == 0
    await send(charge_refunded(user, 500), refund(user, 500), session(user))
    assert await sender.balance(user) == 0


@pytest.mark.parametrize("status", ["pending", "requires_action"])
async def test_a_refund_that_did_not_happen_yet_takes_nothing(sender, send, user, status):
    await send(session(user), refund(user, status=status, kind="refund.created"))
    assert await sender.balance(user) == 100


@pytest.mark.parametrize(("status", "kind"), [("failed", "failed"), ("canceled", "updated")])
async def test_a_refund_that_failed_after_all_gives_back(sender, send, user, status, kind):
    failed = refund(user, 500, status=status, kind=f"refund.{kind}")
    await send(session(user), refund(user, 500), charge_refunded(user, 500), failed, failed)
    assert await sender.balance(user) == 100


async def test_a_refund_that_failed_while_it_was_pending_gives_back_what_its_sum_took(
    sender, send, user
):
    pending = refund(user, 500, status="pending", kind="refund.created")
    failed = refund(user, 500, status="failed", kind="refund.failed")
    story = [session(user), pending, charge_refunded(user, 500), failed]
    await send(*story, *random.Random(user).sample(story, 4))
    assert await sender.balance(user) == 100


@pytest.mark.parametrize("early", [True, False])
async def test_a_dispute_takes_and_when_it_is_won_gives_back(sender, send, user, early):
    story = [session(user), dispute(user)]
    await send(*(story[::-1] if early else story))
    assert await sender.balance(user) == 0
    won = dispute(user, "won", "closed")
    await send(won, dispute(user, "won", "funds_reinstated"), won)
    assert await sender.balance(user) == 100


async def test_a_lost_dispute_takes_for_good(sender, send, user):
    await send(session(user), dispute(user, amount=500), dispute(user, "lost", "closed", 500))
    assert await sender.balance(user) == 50


async def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(sender, send, user):
    await send(session(user), dispute(user, "warning_needs_response"))
    await send(dispute(user, "warning_closed", "closed"))
    assert await sender.balance(user) == 100
    await send(dispute(user, "needs_response", "funds_withdrawn"))
    assert await sender.balance(user) == 0
