"""Stripe: invoices of subscriptions, and what is paid by them."""

from __future__ import annotations

import json
import random

import pytest

from credits_core.payments.binding import bind
from tests.adapters.webhooks.stripe.events import (
    DAY,
    NOW,
    event,
    intent,
    invoice,
    invoice_payment,
    refund,
    session,
)


@pytest.mark.parametrize("old", [True, False])
async def test_a_period_of_a_subscription_is_granted_once_as_an_allowance(sender, send, user, old):
    await send(session(user, "plan", mode="subscription", payment_intent=None))
    await send(*[invoice(user, old=old)] * 2, invoice_payment(user))
    assert await sender.amounts(user) == [1000]
    (grant,) = (await sender.do("get_account", user)).grants
    assert grant.expires_at == (NOW + 29 * DAY) * 1000


@pytest.mark.parametrize("old", [True, False])
async def test_a_refund_of_an_invoice_names_the_intent_that_paid_it(sender, send, user, old):
    story = [refund(user, 1999), invoice(user, old=old)] + ([] if old else [invoice_payment(user)])
    random.Random(user).shuffle(story)
    await send(*story)
    assert await sender.balance(user) == 0
    assert sorted(await sender.amounts(user)) in ([-1000, 1000], [])


@pytest.mark.parametrize("early", [True, False])
async def test_a_checkout_that_makes_an_invoice_is_granted_once(sender, send, user, early):
    """A payment link with invoices on: the invoice pays for no period, and has the same intent."""
    story = [
        session(user),
        invoice_payment(user),
        intent(user),
        invoice(user, billing_reason="manual"),
    ]
    await send(*(story[::-1] if early else story), *story)
    assert await sender.amounts(user) == [100]
    await send(refund(user, 500), invoice_payment(user))
    assert await sender.balance(user) == 50


async def test_a_subscription_may_add_credits_that_stay(sender, send, user):
    await send(invoice(user, "stock", "price_stock", 500))
    account = await sender.do("get_account", user)
    assert (account.balance, account.grants) == (300, ())


async def test_a_subscription_that_makes_no_name_of_an_allowance(sender, send, user):
    details = {"metadata": bind(user, "plan"), "subscription": "sub_" + "x" * 80}
    (answer,) = await send(invoice(user, parent={"subscription_details": details}))
    assert answer.status == 400
    assert await sender.amounts(user) == []


@pytest.mark.parametrize(
    "told",
    [
        {"billing_reason": "subscription_update"},
        {"billing_reason": "manual"},
        {"total": 0},
        {"lines": {"data": []}},
    ],
    ids=str,
)
async def test_invoices_that_pay_for_no_period(sender, send, user, told):
    (answer,) = await send(invoice(user, **told))
    assert (answer.status, answer.body["done"]) == (200, "nothing")
    assert await sender.amounts(user) == []


async def test_who_changed_the_plan_at_stripe_gets_the_credits_of_the_new_one(sender, send, user):
    """The metadata of the subscription are those of its checkout."""
    await send(invoice(user, "plan", "price_stock", 500))
    assert await sender.amounts(user) == [300]


@pytest.mark.parametrize(("credit", "granted"), [(-700, [1000]), (-699, [])])
async def test_what_a_change_of_the_plan_gives_back_is_a_part_of_the_price(
    sender, send, user, credit, granted
):
    """By default Stripe puts it on the next invoice of the subscription."""
    told = json.loads(invoice(user, total=1299))["data"]["object"]
    (line,) = told["lines"]["data"]
    change = {**line, "amount": credit, "parent": {"invoice_item_details": {"proration": True}}}
    change["pricing"] = {"price_details": {"price": "price_stock", "product": "prod_2"}}
    told["lines"]["data"] = [change, {**line, "amount": 1999}]
    await send(event("invoice.paid", told))
    assert await sender.amounts(user) == granted


async def test_an_invoice_for_another_price_is_not_granted(sender, send, user):
    (answer,) = await send(invoice(user, price="price_1"))
    assert answer.body["reason"] == "not-granted"
