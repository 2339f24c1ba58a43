"""DodoPayments: events built by the vendor's own models, signed by Standard Webhooks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from dodopayments import types
from dodopayments.types import Payment, Refund, Subscription
from dodopayments.types.dispute import Dispute

from credits_core import InvalidRequestError
from credits_core.payments import Packages
from credits_core.payments.binding import bind
from credits_core.webhooks import DodoWebhook
from tests.adapters.webhooks.delivering import SECRET
from tests.contract.passing import all_at_once

PACKAGES = Packages.from_dict(
    {
        "starter": {"credits": 100, "price": "9.99", "provider_ids": {"dodo": "pdt_starter"}},
        "pro": {"credits": 500, "price": "39.99"},
        "plan": {
            "credits": 1000,
            "price": "19.99",
            "recurring": True,
            "provider_ids": {"dodo": "pdt_plan"},
        },
    }
)
NOW = datetime.now(UTC).replace(microsecond=0)
CUSTOMER = {"customer_id": "cus_1", "email": "a@example.org", "name": "Alice"}


@pytest.fixture
def route():
    return DodoWebhook(PACKAGES, secret=SECRET).route


def event(kind, model, data):
    """An event as the vendor's library has it; what its model refuses is no event of theirs."""
    told = {"business_id": "bus_1", "timestamp": NOW, "type": kind, "data": data}
    return getattr(types, model).model_validate(told).model_dump_json().encode()


def payment(user, package="starter", product="pdt_starter", amount=999, **more):
    data = {
        "billing": {"country": "US"},
        "brand_id": "bra_1",
        "business_id": "bus_1",
        "created_at": NOW,
        "currency": "USD",
        "customer": CUSTOMER,
        "digital_products_delivered": False,
        "disputes": [],
        "includes_usage": False,
        "is_multi_subscription": False,
        "is_update_payment_method": False,
        "metadata": {} if user is None else bind(user, package),
        "payment_id": f"pay_{user}",
        "payment_provider": "dodo",
        "product_cart": [{"product_id": product, "quantity": 1}] if product else None,
        "refunds": [],
        "retry_attempt": 0,
        "service_periods": [],
        "settlement_amount": amount,
        "settlement_currency": "USD",
        "status": "succeeded",
        "subscription_ids": [],
        "total_amount": amount,
        **more,
    }
    Payment.model_validate(data)
    return event("payment.succeeded", "PaymentSucceededWebhookEvent", data)


def refund(user, name="ref_1", amount=999, *, partial=False):
    data = {
        "brand_id": "bra_1",
        "business_id": "bus_1",
        "created_at": NOW,
        "customer": CUSTOMER,
        "is_partial": partial,
        "metadata": {},
        "payment_id": f"pay_{user}",
        "refund_id": name,
        "status": "succeeded",
        "amount": amount,
        "currency": "USD",
    }
    Refund.model_validate(data)
    return event("refund.succeeded", "RefundSucceededWebhookEvent", data)


def dispute(user, kind="opened", name="dp_1"):
    data = {
        "amount": "9.99",
        "business_id": "bus_1",
        "created_at": NOW,
        "currency": "USD",
        "dispute_id": name,
        "dispute_stage": "dispute",
        "dispute_status": f"dispute_{kind}",
        "payment_id": f"pay_{user}",
    }
    Dispute.model_validate(data)
    return event(f"dispute.{kind}", f"Dispute{kind.capitalize()}WebhookEvent", data)


def renewed(user, payment_id, start=NOW - timedelta(days=1)):
    data = {
        "addons": [],
        "billing": {"country": "US"},
        "brand_id": "bra_1",
        "cancel_at_next_billing_date": False,
        "created_at": NOW,
        "credit_entitlement_cart": [],
        "currency": "USD",
        "customer": CUSTOMER,
        "has_payment_method": True,
        "metadata": bind(user, "plan"),
        "meter_credit_entitlement_cart": [],
        "meters": [],
        "next_billing_date": start + timedelta(days=30),
        "on_demand": False,
        "payment_frequency_count": 1,
        "payment_frequency_interval": "Month",
        "previous_billing_date": start,
        "product_id": "pdt_plan",
        "quantity": 1,
        "recurring_pre_tax_amount": 1999,
        "status": "active",
        "subscription_id": f"sub_{user}",
        "subscription_period_count": 1,
        "subscription_period_interval": "Year",
        "tax_inclusive": False,
        "trial_period_days": 0,
        "payment_id": payment_id,
    }
    Subscription.model_validate(data)
    return event("subscription.renewed", "SubscriptionRenewedWebhookEvent", data)


async def test_a_payment_is_granted_once(sender, route, user):
    for _ in range(3):
        answer = await sender.send(route, payment(user))
        assert (answer.status, answer.body["done"]) == (200, "applied")
    assert await sender.amounts(user) == [100]


async def test_the_older_name_of_the_event(sender, route, user):
    told = payment(user).replace(b"payment.succeeded", b"payment.completed")
    assert (await sender.send(route, told)).status == 200
    assert await sender.balance(user) == 100


async def test_a_product_of_ours_says_what_was_bought_where_the_metadata_names_no_package(
    sender, route, user
):
    await sender.send(route, payment(user, metadata={"credits_user": user}))
    assert await sender.balance(user) == 100


async def test_two_of_a_product_are_two(sender, route, user):
    cart = [{"product_id": "pdt_starter", "quantity": 2}]
    await sender.send(route, payment(user, amount=1998, product_cart=cart))
    assert await sender.balance(user) == 200


async def test_what_is_not_for_credits_is_ignored(sender, route, user, caplog):
    for product in ("pdt_shirt", None):
        answer = await sender.send(route, payment(user, product=product, metadata={"order": "7"}))
        assert (answer.status, answer.body["done"]) == (200, "nothing")
    assert await sender.amounts(user) == []
    assert not caplog.records


@pytest.mark.parametrize(
    "told",
    [
        {"currency": "JPY", "package": "pro", "product": None, "amount": 3999},
        {"package": "pro"},
        {"product": "pdt_plan"},
        {"package": "pro", "product": None, "amount": 3000, "discount_id": "dsc_1"},
        {"metadata": {}, "product": "pdt_starter"},
    ],
    ids=str,
)
async def test_what_was_paid_is_for_something_else_or_not_told(sender, route, user, caplog, told):
    answer = await sender.send(route, payment(user, **told))
    assert (answer.status, answer.body["reason"]) == (200, "not-granted")
    assert await sender.amounts(user) == []
    assert "was not granted" in caplog.text


@pytest.mark.parametrize(
    "told",
    [{"amount": 998}, {"amount": 0}, {"package": "pro", "product": None, "amount": 3998}],
    ids=str,
)
async def test_too_little_is_to_come_again_when_the_table_knows_that_price(
    sender, route, user, caplog, told
):
    answer = await sender.send(route, payment(user, **told))
    assert (answer.status, await sender.amounts(user)) == (503, [])
    assert "add it to former_prices" in caplog.text


@pytest.mark.parametrize(
    "told",
    [
        {"amount": 1080, "tax": 81},
        {"amount": 1500, "currency": "JPY"},
        {"amount": 500, "discount_id": "dsc_1"},
    ],
    ids=str,
)
async def test_a_price_of_the_vendors_own_table_is_good(sender, route, user, told):
    await sender.send(route, payment(user, **told))
    assert await sender.balance(user) == 100


async def test_a_package_that_is_not_in_the_table_is_to_come_again(sender, route, user, caplog):
    answer = await sender.send(route, payment(user, package="gone", product=None))
    assert answer.status == 503
    assert "add it" in caplog.text
    more = Packages.from_dict({"gone": {"credits": 7, "price": "9.99"}})
    later = DodoWebhook(more, secret=SECRET).route
    assert (await sender.send(later, payment(user, package="gone", product=None))).status == 200
    assert await sender.balance(user) == 7


async def test_refunds_take_their_share(sender, route, user):
    await sender.send(route, payment(user))
    for _ in range(2):
        await sender.send(route, refund(user, "ref_1", 500, partial=True))
    assert await sender.balance(user) == 50
    await sender.send(route, refund(user, "ref_2", 499))
    assert await sender.balance(user) == 0


async def test_a_refund_before_its_payment(sender, route, user):
    early = await sender.send(route, refund(user))
    assert (early.status, early.body["done"]) == (200, "noted")
    await sender.send(route, payment(user))
    assert await sender.balance(user) == 0


@pytest.mark.parametrize("end", ["won", "cancelled", "lost", "accepted", "expired", "challenged"])
async def test_a_dispute_names_no_user_and_is_known_by_its_payment(sender, route, user, end):
    for told in (payment(user), dispute(user), dispute(user, end), dispute(user, end)):
        assert (await sender.send(route, told)).status == 200
    assert await sender.balance(user) == (100 if end in ("won", "cancelled") else 0)


async def test_a_renewal_is_granted_once_by_its_payment_and_its_subscription(sender, route, user):
    start = NOW - timedelta(days=1)
    span = {
        "subscription_id": f"sub_{user}",
        "starts_at": start,
        "ends_at": start + timedelta(days=30),
        "proration_factor": "1",
    }
    paid = payment(user, "plan", None, 1999, subscription_id=f"sub_{user}", service_periods=[span])
    for told in (renewed(user, f"pay_{user}"), paid, renewed(user, f"pay_{user}")):
        assert (await sender.send(route, told)).body["done"] == "applied"
    assert await sender.amounts(user) == [1000]
    (grant,) = (await sender.do("get_account", user)).grants
    assert grant.expires_at == int((start + timedelta(days=30)).timestamp() * 1000)


@pytest.mark.parametrize(
    "told",
    [
        {"is_update_payment_method": True, "amount": 0},
        {"charge_type": "plan_change", "amount": 700},
        {"charge_type": "on_demand", "amount": 100},
        {"charge_type": "new", "amount": 0},
        {"charge_type": "renewal", "amount": 2500, "includes_usage": True},
    ],
    ids=str,
)
async def test_charges_of_a_plan_that_pay_for_no_period(sender, route, user, caplog, told):
    plan = {"package": "plan", "product": None, "subscription_id": "sub_1", **told}
    assert (await sender.send(route, payment(user, **plan))).body["done"] == "nothing"
    assert await sender.amounts(user) == []
    assert not caplog.records


async def test_each_renewal_is_a_payment_of_its_own(sender, route, user):
    first, second = NOW - timedelta(days=29), NOW - timedelta(hours=1)
    await sender.send(route, renewed(user, f"pay_a_{user}", first))
    await sender.send(route, renewed(user, f"pay_b_{user}", second))
    assert (await sender.amounts(user)).count(1000) == 2
    assert await sender.balance(user) == 2000


@pytest.mark.parametrize(
    "kind", ["payment.failed", "payment.processing", "refund.failed", "license_key.created", "new"]
)
async def test_other_events_are_answered_and_ignored(sender, route, user, kind):
    answer = await sender.send(route, payment(user).replace(b"payment.succeeded", kind.encode()))
    assert (answer.status, answer.body["done"]) == (200, "nothing")
    assert await sender.amounts(user) == []


async def test_a_hundred_at_once_shuffled_with_its_refund_and_dispute(sender, route, user):
    story = [payment(user)] * 70 + [refund(user, amount=300, partial=True)] * 15
    story += [dispute(user)] * 10 + [dispute(user, "won")] * 5
    random.Random(user).shuffle(story)
    answers = await all_at_once(*(sender.send(route, told) for told in story))
    assert {answer.status for answer in answers} == {200}
    assert await sender.balance(user) == 70
    assert await sender.amounts(user, "purchase") == [100]


async def test_a_user_that_the_ledger_does_not_take(sender, route):
    assert (await sender.send(route, payment("x" * 300, payment_id="pay_long"))).status == 400


def test_the_route_and_the_secret(monkeypatch):
    monkeypatch.setenv("DODO_PAYMENTS_WEBHOOK_KEY", SECRET)
    assert DodoWebhook(PACKAGES).route.path == "/api/dodopayments/webhook"
    assert DodoWebhook(PACKAGES, path="/api/webhooks/dodo").route.path == "/api/webhooks/dodo"
    monkeypatch.delenv("DODO_PAYMENTS_WEBHOOK_KEY")
    with pytest.raises(InvalidRequestError, match="DODO_PAYMENTS_WEBHOOK_KEY"):
        DodoWebhook(PACKAGES)
