"""Stripe: events that its library reads, signed by its library."""

from __future__ import annotations

import json
import random
import time

import pytest
import stripe

from credits_core import AsyncCredits, Credits, InvalidRequestError
from credits_core.payments import Packages
from credits_core.payments.binding import bind
from credits_core.webhooks import StripeWebhook
from tests.adapters.webhooks.delivering import OTHER_SECRET, SECRET, Sender, stripes
from tests.contract.passing import all_at_once

PACKAGES = Packages.from_dict(
    {
        "starter": {"credits": 100, "price": "9.99", "provider_ids": {"stripe": "price_1"}},
        "plan": {
            "credits": 1000,
            "price": "19.99",
            "recurring": True,
            "provider_ids": {"stripe": "price_plan"},
        },
        "stock": {
            "credits": 300,
            "price": "5",
            "recurring": True,
            "rollover": None,
            "provider_ids": {"stripe": "price_stock"},
        },
        "island": {"credits": 10, "price": 500, "currency": "ISK"},
        "baobab": {"credits": 20, "price": 45_000, "currency": "MGA"},
    }
)
NOW = int(time.time())
DAY = 86_400


@pytest.fixture
def route():
    return StripeWebhook(PACKAGES, secret=SECRET).route


@pytest.fixture
def send(sender, route):
    async def send(*events):
        return [await sender.send(route, one, stripes) for one in events]

    return send


def event(kind, data):
    """As Stripe sends it; its own library reads and verifies it."""
    told = {"id": "evt_1", "object": "event", "type": kind, "data": {"object": data}}
    body = json.dumps(told).encode()
    header = stripes(body)["stripe-signature"]
    assert stripe.Webhook.construct_event(body, header, SECRET).type == kind
    return body


def session(user, package="starter", amount=999, kind="completed", **more):
    data = {
        "id": f"cs_{user}",
        "object": "checkout.session",
        "mode": "payment",
        "payment_status": "paid",
        "payment_intent": f"pi_{user}",
        "metadata": bind(user, package),
        "client_reference_id": None,
        "amount_total": amount,
        "currency": "usd",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        **more,
    }
    return event(f"checkout.session.{kind}", data)


def intent(user, amount=999):
    data = {
        "id": f"pi_{user}",
        "object": "payment_intent",
        "amount_received": amount,
        "currency": "usd",
        "metadata": bind(user, "starter"),
    }
    return event("payment_intent.succeeded", data)


def charge_refunded(user, so_far):
    data = {
        "id": f"ch_{user}",
        "object": "charge",
        "amount": 999,
        "amount_refunded": so_far,
        "currency": "usd",
        "payment_intent": {"id": f"pi_{user}", "object": "payment_intent"},
    }
    return event("charge.refunded", data)


def refund(user, amount=999, name="re_1", status="succeeded", kind="refund.updated"):
    data = {
        "id": f"{name}_{user}",
        "object": "refund",
        "amount": amount,
        "currency": "usd",
        "charge": f"ch_{user}",
        "payment_intent": f"pi_{user}",
        "status": status,
    }
    return event(kind, data)


def dispute(user, status="needs_response", kind="created", amount=999):
    data = {
        "id": f"du_{user}",
        "object": "dispute",
        "amount": amount,
        "currency": "usd",
        "charge": f"ch_{user}",
        "payment_intent": f"pi_{user}",
        "status": status,
    }
    return event(f"charge.dispute.{kind}", data)


def invoice(user, package="plan", price="price_plan", total=1999, *, old=False, **more):
    """Of a version of the API from 2025-03-31 on, or of one before."""
    line = {"period": {"start": NOW - DAY, "end": NOW + 29 * DAY}, "quantity": 1}
    details = {"metadata": bind(user, package), "subscription": f"sub_{user}"}
    data = {
        "id": f"in_{user}",
        "object": "invoice",
        "billing_reason": "subscription_cycle",
        "total": total,
        "currency": "usd",
        "total_discount_amounts": [],
    }
    if old:
        line |= {"price": {"id": price, "object": "price"}, "proration": False}
        data |= {
            "subscription_details": {"metadata": details["metadata"]},
            "subscription": details["subscription"],
            "payment_intent": f"pi_{user}",
        }
    else:
        line |= {"pricing": {"price_details": {"price": price, "product": "prod_1"}}}
        line |= {"parent": {"subscription_item_details": {"proration": False}}}
        data |= {"parent": {"subscription_details": details}}
    return event("invoice.paid", {**data, "lines": {"data": [line]}, **more})


def invoice_payment(user):
    data = {
        "id": "inpay_1",
        "object": "invoice_payment",
        "invoice": f"in_{user}",
        "payment": {"type": "payment_intent", "payment_intent": f"pi_{user}"},
    }
    return event("invoice_payment.paid", data)


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


@pytest.mark.parametrize("wrong", [" {}", "{} ", "{}\n", "{}" + "x" * 300])
async def test_a_user_that_the_ledger_does_not_take(sender, send, user, wrong):
    nobody = wrong.format(user)
    told = {"payment_intent": f"pi_{user}", "id": f"cs_{user}"}
    once, plan = await send(session(nobody, **told), invoice(nobody, id=f"in_{user}"))
    assert (once.status, plan.status) == (400, 400)
    for payment in (f"pi_{user}", f"in_{user}"):
        # Nothing of it is kept, so that what is put right counts.
        assert len(await sender.do("note_payment", payment, "looked", "")) == 1


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


async def test_secrets_of_several_endpoints(sender, user):
    hook = StripeWebhook(PACKAGES, secret=[OTHER_SECRET, SECRET], path="/stripe")
    assert hook.route.path == "/stripe"
    assert (await sender.send(hook.route, session(user), stripes)).status == 200


def test_no_secret(monkeypatch):
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET", raising=False)
    with pytest.raises(InvalidRequestError, match="STRIPE_WEBHOOK_SECRET"):
        StripeWebhook(PACKAGES)
