"""Stripe: payments of checkouts and links, whichever of their events comes."""

from __future__ import annotations

import random

import pytest

from credits_core import AsyncCredits, Credits
from credits_core.payments import Packages
from credits_core.payments.binding import bind
from credits_core.webhooks import StripeWebhook
from tests.adapters.webhooks.delivering import SECRET, Sender, stripes
from tests.adapters.webhooks.stripe.events import (
    charge_refunded,
    dispute,
    intent,
    invoice,
    refund,
    session,
)
from tests.contract.passing import all_at_once


async def test_a_payment_is_granted_once_whichever_of_its_events_comes(sender, send, user):
    answers = await send(
        session(user), intent(user), session(user, kind="async_payment_succeeded"), session(user)
    )
    assert {answer.status for answer in answers} == {200}
    assert await sender.amounts(user) == [100]


async def test_a_checkout_that_is_not_paid_yet_waits(sender, send, user):
    await send(session(user, payment_status="unpaid"))
    assert await sender.amounts(user) == []
    await send(session(user, kind="async_payment_succeeded"))
    assert await sender.amounts(user) == [100]


async def test_promotion_codes_of_the_shop_are_its_own_affair(sender, send, user, new_user):
    half = {"amount_discount": 500}
    free = {"amount_discount": 999}
    await send(session(user, amount=499, total_details=half))
    other = new_user()
    await send(
        session(
            other,
            amount=0,
            total_details=free,
            payment_status="no_payment_required",
            payment_intent=None,
        )
    )
    assert await sender.balance(user) == await sender.balance(other) == 100
    await send(refund(user, 250))
    assert await sender.balance(user) == 50


@pytest.mark.parametrize(
    "told",
    [
        {"currency": "jpy"},
        {"amount": None},
        {"metadata": {"credits_package": "starter"}},
    ],
    ids=str,
)
async def test_what_was_paid_is_not_the_price(sender, send, user, caplog, told):
    (answer,) = await send(session(user, **told))
    assert (answer.status, answer.body["reason"]) == (200, "not-granted")
    assert await sender.amounts(user) == []
    assert "look at this" in caplog.text


async def test_who_began_before_the_price_was_raised_gets_it_once_the_table_says_so(
    sender, user, caplog
):
    told = session(user, amount=899)
    raised = {"starter": {"credits": 100, "price": "9.99"}}
    route = StripeWebhook(Packages.from_dict(raised), secret=SECRET).route
    assert (await sender.send(route, told, stripes)).status == 503
    assert "add it to former_prices" in caplog.text
    raised["starter"]["former_prices"] = ["8.99"]
    route = StripeWebhook(Packages.from_dict(raised), secret=SECRET).route
    for _ in range(2):
        assert (await sender.send(route, told, stripes)).status == 200
    assert await sender.amounts(user) == [100]


@pytest.mark.parametrize(("price", "granted"), [("price_1", [100]), ("price_old", [])])
async def test_a_price_of_stripes_may_be_in_several_currencies(sender, send, user, price, granted):
    """Its checkout says no more of what it sold than we bound into it."""
    told = {"currency": "eur", "metadata": bind(user, "starter", price)}
    await send(session(user, amount=899, **told))
    assert await sender.amounts(user) == granted


async def test_the_reference_of_a_payment_link_names_the_user(sender, send, user):
    await send(session(user, metadata={"credits_package": "starter"}, client_reference_id=user))
    assert await sender.balance(user) == 100


async def test_hundredths_that_a_currency_does_not_have(sender, send, user):
    await send(session(user, "island", 49_900, currency="isk"))
    assert await sender.amounts(user) == []
    await send(session(user, "island", 50_000, currency="isk"))
    assert await sender.amounts(user) == [10]


async def test_wholes_of_a_currency_that_has_hundredths(sender, send, user):
    await send(session(user, "baobab", 44_999, currency="mga"))
    assert await sender.amounts(user) == []
    await send(session(user, "baobab", 45_000, currency="mga"))
    assert await sender.amounts(user) == [20]


async def test_other_checkouts_of_the_same_account_are_ignored(sender, send, user):
    for more in ({"metadata": {}}, {"metadata": None}, {"mode": "setup"}, {"mode": "subscription"}):
        (answer,) = await send(session(user, **more))
        assert answer.body["done"] == "nothing"
    assert await sender.amounts(user) == []


@pytest.mark.parametrize("wrong", [" {}", "{} ", "{}\n", "{}" + "x" * 300])
async def test_a_user_that_the_ledger_does_not_take(sender, send, user, wrong):
    nobody = wrong.format(user)
    told = {"payment_intent": f"pi_{user}", "id": f"cs_{user}"}
    once, plan = await send(session(nobody, **told), invoice(nobody, id=f"in_{user}"))
    assert (once.status, plan.status) == (400, 400)
    for payment in (f"pi_{user}", f"in_{user}"):
        # Nothing of it is kept, so that what is put right counts.
        assert len(await sender.do("note_payment", payment, "looked", "")) == 1


async def test_a_hundred_at_once_shuffled_with_its_refunds_and_its_dispute(sender, route, user):
    story = [session(user)] * 40 + [intent(user)] * 20 + [refund(user, 300)] * 15
    story += [charge_refunded(user, 300)] * 10 + [dispute(user)] * 10
    story += [dispute(user, "won", "closed")] * 5
    random.Random(user).shuffle(story)
    answers = await all_at_once(*(sender.send(route, told, stripes) for told in story))
    assert {answer.status for answer in answers} == {200}
    assert await sender.balance(user) == 70
    assert await sender.amounts(user, "purchase") == [100]


async def test_async_and_sync_workers_of_one_app_hear_of_it_at_once(server, route, user):
    story = [session(user)] * 30 + [refund(user, 300)] * 10 + [dispute(user)] * 10
    random.Random(user).shuffle(story)
    async with AsyncCredits.from_url(server.url, timeout=5) as first:
        with Credits.from_url(server.url, timeout=5) as second:
            workers = [Sender(first), Sender(second)]
            answers = await all_at_once(
                *(workers[n % 2].send(route, told, stripes) for n, told in enumerate(story))
            )
            assert {answer.status for answer in answers} == {200}
            assert await workers[1].balance(user) == 0
            assert await workers[0].amounts(user, "purchase") == [100]
