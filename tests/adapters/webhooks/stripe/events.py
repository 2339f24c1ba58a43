"""Events as Stripe sends them; its own library reads and verifies them."""

from __future__ import annotations

import json
import time

import stripe

from credits_core.payments import Packages
from credits_core.payments.binding import bind
from tests.adapters.webhooks.delivering import SECRET, stripes

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
