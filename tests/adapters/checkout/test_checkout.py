"""Checkouts: what is asked of the vendors, by their own libraries, and what a client is told."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
import stripe
from openapi_spec_validator import validate

from credits_core import AsyncCredits, Credits, InvalidRequestError, PricingConfigError
from credits_core.api import AccountApi, openapi
from credits_core.checkout import Checkout, DodoCheckout, StripeCheckout
from credits_core.checkout.urls import Returns, origin
from credits_core.http.exchange import Asked, Who
from credits_core.http.steps import arun, run
from credits_core.payments import Package, Packages
from credits_core.webhooks import ClerkWebhook, DodoWebhook, JobWebhook, StripeWebhook
from tests.adapters.checkout.vendors import Vendor
from tests.adapters.webhooks.delivering import SECRET
from tests.support.ports import HOST, free_port

# How Stripe's library hands its body to httpx is deprecated there.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

APP = "https://app.example.org"
KEY = "sk_test_51Secret"
IDS = {"stripe": "price_pro", "dodo": "pdt_pro"}
PACKAGES = Packages(
    [
        Package("pro", 500, "39.99", provider_ids=IDS),
        Package(
            "plan",
            1000,
            "19.99",
            recurring=True,
            provider_ids={"stripe": "price_plan", "dodo": "pdt_plan"},
        ),
    ]
)


@pytest.fixture(scope="module")
def running():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def vendor(running):
    running.asked.clear()
    running.status, running.error = 200, {}
    running.url_of_checkout = "https://checkout.example/c/1"
    return running


def stripes(url, packages=PACKAGES, **more):
    options = {"base_addresses": {"api": url}, "max_network_retries": 0}
    return StripeCheckout(packages, api_key=KEY, options=options, **{"base_url": APP, **more})


def dodos(url, packages=PACKAGES, **more):
    options = {"base_url": url, "max_retries": 0}
    return DodoCheckout(packages, api_key=KEY, options=options, **{"base_url": APP, **more})


BOTH = pytest.mark.parametrize("make", [stripes, dodos])
ASYNC = pytest.mark.parametrize("kind", ["async", "sync"])


async def ask(checkout, body, user="alice", kind="sync", *, close=True, **headers):
    headers = {"content-type": "application/json", **headers}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = Asked(user, headers=headers, body=body)
    steps = checkout.routes[0].handler(asked)
    try:
        if kind == "async":
            async with AsyncCredits.from_url("memory://") as credits:
                return await arun(credits, steps)
        with Credits.from_url("memory://") as credits:
            return await asyncio.to_thread(run, credits, steps)
    finally:
        if close:
            await checkout.aclose()


@ASYNC
async def test_user_and_package_are_bound_into_the_metadata_at_stripe(vendor, kind):
    answer = await ask(stripes(vendor.url), {"packageId": "pro"}, kind=kind)
    assert (answer.status, answer.body) == (200, {"checkoutUrl": "https://checkout.example/c/1"})
    ((path, headers, asked),) = vendor.asked
    assert path == "/v1/checkout/sessions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert asked == {
        "mode": "payment",
        "line_items[0][price]": "price_pro",
        "line_items[0][quantity]": "1",
        "metadata[credits_user]": "alice",
        "metadata[credits_package]": "pro",
        "metadata[credits_product]": "price_pro",
        "payment_intent_data[metadata][credits_user]": "alice",
        "payment_intent_data[metadata][credits_package]": "pro",
        "payment_intent_data[metadata][credits_product]": "price_pro",
        "success_url": f"{APP}/api/credits/checkout/success",
        "cancel_url": f"{APP}/api/credits/checkout/cancel",
    }


async def test_a_subscription_at_stripe_carries_the_metadata_to_its_invoices(vendor):
    await ask(stripes(vendor.url), {"packageId": "plan"})
    asked = vendor.asked[0][2]
    assert (asked["mode"], asked["line_items[0][price]"]) == ("subscription", "price_plan")
    assert asked["subscription_data[metadata][credits_user]"] == "alice"
    assert not any(name.startswith("payment_intent_data") for name in asked)


async def test_a_price_that_stripe_does_not_know_is_told_it(vendor):
    packages = Packages([Package("isk", 10, 500, "ISK", name="Ten")])
    await ask(stripes(vendor.url, packages), {"packageId": "isk"})
    asked = vendor.asked[0][2]
    assert asked["line_items[0][price_data][currency]"] == "isk"
    assert asked["line_items[0][price_data][unit_amount]"] == "50000"
    assert asked["line_items[0][price_data][product_data][name]"] == "Ten"


@ASYNC
async def test_user_and_package_are_bound_into_the_metadata_at_dodo(vendor, kind):
    answer = await ask(dodos(vendor.url), {"packageId": "pro"}, kind=kind)
    assert (answer.status, answer.body) == (200, {"checkoutUrl": "https://checkout.example/c/1"})
    ((path, headers, asked),) = vendor.asked
    assert path == "/checkouts"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert asked == {
        "product_cart": [{"product_id": "pdt_pro", "quantity": 1}],
        "metadata": {"credits_user": "alice", "credits_package": "pro"},
        "return_url": f"{APP}/api/credits/checkout/success",
        "cancel_url": f"{APP}/api/credits/checkout/cancel",
    }


@BOTH
async def test_the_boilerplates_button_works_and_its_numbers_are_not_looked_at(make, vendor):
    button = {
        "planId": "pro",
        "credits": 999_999,
        "price": 0.01,
        "successUrl": f"{APP}/payment-success",
        "cancelUrl": f"{APP}/buy-credits",
    }
    answer = await ask(make(vendor.url, path="/api/dodopayments/checkout"), button)
    assert answer.body == {"checkoutUrl": "https://checkout.example/c/1"}
    told = json.dumps(vendor.asked[0][2])
    assert "999999" not in told
    assert f"{APP}/payment-success" in told
    assert f"{APP}/buy-credits" in told


@BOTH
async def test_an_idempotency_key_reaches_the_vendor_as_one_of_this_user_alone(make, vendor):
    checkout = make(vendor.url)
    told = (("alice", "k 1"), ("alice", '"k 1"'), ("bob", "k 1"), ("alice", "k 2"))
    for user, key in told:
        await ask(checkout, {"packageId": "pro"}, user, close=False, **{"idempotency-key": key})
    checkout.close()
    keys = [headers["idempotency-key"] for _, headers, _ in vendor.asked]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


@BOTH
@pytest.mark.parametrize("key", ["", " ", '""', "x" * 256, "a\x00b"])
async def test_what_is_no_key(make, vendor, key):
    answer = await ask(make(vendor.url), {"packageId": "pro"}, **{"idempotency-key": key})
    assert (answer.status, vendor.asked) == (400, [])


@BOTH
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"packageId": "gone"}, 404),
        ({"packageId": ""}, 422),
        ({"packageId": 5}, 422),
        ({"packageId": None}, 422),
        ({}, 422),
        ([], 422),
        (b"{", 400),
        (b"\xff", 400),
        (b"", 400),
        (b'{"packageId": "\\ud800"}', 400),
        (b" " * 70_000, 413),
        ({"packageId": "pro", "successUrl": 5}, 422),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_no_order(make, vendor, body, status):
    answer = await ask(make(vendor.url), body)
    assert (answer.status, vendor.asked) == (status, [])


@BOTH
async def test_nobody_buys_without_signing_in_and_no_form_of_another_site_does(make, vendor):
    checkout = make(vendor.url)
    assert checkout.routes[0].who is Who.USER
    assert (await ask(checkout, {"packageId": "pro"}, user=None)).status == 401
    form = {"content-type": "text/plain"}
    assert (await ask(checkout, {"packageId": "pro"}, **form)).status == 415
    assert vendor.asked == []


@BOTH
@pytest.mark.parametrize("user", [" alice", "alice\n", "x" * 257, "\ud800"])
async def test_whom_the_ledger_does_not_take_pays_nothing(make, vendor, user):
    with pytest.raises(InvalidRequestError, match="user_id"):
        await ask(make(vendor.url), {"packageId": "pro"}, user=user)
    assert vendor.asked == []


ELSEWHERE = [
    "https://evil.example/",
    "https://app.example.org.evil.example/",
    "https://app.example.org@evil.example/",
    "https://evil.example\\@app.example.org/",
    "https://app.example.org\\.evil.example/",
    "https://evil.example#@app.example.org/",
    "http://app.example.org/",
    "https://app.example.org:8443/",
    "//evil.example/",
    "/relative",
    "javascript:alert(1)",
    "data:text/html,x",
    "https:evil.example",
    "https:///evil.example",
    " https://app.example.org/",
    "https://app.example.org/\n",
    "https://app.example.org/\tx",
    "https://[::1",
    "https://app.example.org:port/",
    "https://é.example/",
    "https://app.example.org/" + "x" * 2048,
    "",
]


@BOTH
@pytest.mark.parametrize("url", ELSEWHERE)
async def test_a_browser_is_sent_nowhere_else(make, vendor, url):
    for name in ("successUrl", "cancelUrl"):
        answer = await ask(make(vendor.url), {"packageId": "pro", name: url})
        assert (answer.status, vendor.asked) == (400, [])


@pytest.mark.parametrize(
    "url", ["https://app.example.org", "https://APP.example.org:443/a?b=c#d", "http://[::1]:3000/x"]
)
def test_where_it_may_be_sent(url):
    assert Returns(APP, "/ok", "/no", ["http://[::1]:3000"]).allows(url)


def test_where_it_is_sent_is_checked_at_start():
    assert Returns(APP, "/ok", "https://pay.example/no").success == f"{APP}/ok"
    for base in ("app.example.org", "ftp://app", "", None, "https://a@b"):
        with pytest.raises(InvalidRequestError, match="origin"):
            Returns(base, "/ok", "/no")
    with pytest.raises(InvalidRequestError, match="origin"):
        Returns(APP, "/ok", "/no", ["*"])
    with pytest.raises(InvalidRequestError, match="returns to"):
        Returns(APP, "javascript:alert(1)", "/no")
    assert origin(5) is None


async def test_pages_of_the_app_and_pages_of_ours(vendor):
    ours = stripes(vendor.url, path="/buy")
    assert [(route.method, route.path) for route in ours.routes] == [
        ("POST", "/buy"),
        ("GET", "/buy/success"),
        ("GET", "/buy/cancel"),
    ]
    for route in ours.routes[1:]:
        assert route.who is Who.ANYBODY
        answer = run(None, route.handler(Asked(query={"x": "<script>"})))
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.content.startswith("<!doctype html>")
        assert "script" not in answer.content
    success = run(None, ours.routes[1].handler(Asked())).content
    assert "as soon as the payment is confirmed" in success
    app = stripes(vendor.url, success_url="/thanks", cancel_url="/shop")
    assert [route.path for route in app.routes] == ["/api/credits/checkout"]
    await ask(app, {"packageId": "pro"})
    assert vendor.asked[0][2]["success_url"] == f"{APP}/thanks"


FAILURES = [
    (401, 502),
    (402, 502),
    (403, 502),
    (404, 502),
    (429, 503),
    (500, 503),
    (503, 503),
]


@BOTH
@ASYNC
@pytest.mark.parametrize(("status", "answered"), FAILURES)
async def test_a_vendor_that_refuses_or_fails(make, vendor, caplog, kind, status, answered):
    vendor.status = status
    told = {"type": "invalid_request_error", "message": f"Invalid key {KEY}", "code": "bad"}
    vendor.error = {"error": told, "message": told["message"], "code": "bad"}
    answer = await ask(make(vendor.url), {"packageId": "pro"}, kind=kind)
    assert answer.status == answered
    assert ("Retry-After" in answer.headers) == (answered == 503)
    assert "started no checkout" in caplog.text
    assert KEY not in answer.content + caplog.text
    assert "alice" not in answer.content


@BOTH
@ASYNC
async def test_a_vendor_that_is_away(make, kind):
    checkout = make(f"http://{HOST}:{free_port()}")
    assert (await ask(checkout, {"packageId": "pro"}, kind=kind)).status == 503


async def test_a_key_that_stripe_knows_for_another_order(vendor):
    vendor.status = 400
    vendor.error = {"error": {"type": "idempotency_error", "message": "Keys for idempotent …"}}
    answer = await ask(stripes(vendor.url), {"packageId": "pro"}, **{"idempotency-key": "k"})
    assert answer.status == 422


@BOTH
async def test_a_session_without_an_address(make, vendor):
    vendor.url_of_checkout = None
    assert (await ask(make(vendor.url), {"packageId": "pro"})).status == 502


def test_what_cannot_be_sold_is_known_at_start(monkeypatch):
    bare = Packages([Package("pro", 500, "39.99"), Package("a", 1, 1, recurring=True)])
    with pytest.raises(PricingConfigError, match=r"packages\.pro\.provider_ids\.dodo"):
        dodos("http://x", bare)
    with pytest.raises(PricingConfigError, match=r"packages\.a\.provider_ids\.stripe"):
        stripes("http://x", bare)
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    monkeypatch.delenv("DODO_PAYMENTS_API_KEY", raising=False)
    with pytest.raises(InvalidRequestError, match="STRIPE_SECRET_KEY"):
        StripeCheckout(PACKAGES, base_url=APP)
    with pytest.raises(InvalidRequestError, match="DODO_PAYMENTS_API_KEY"):
        DodoCheckout(PACKAGES, base_url=APP)


def test_the_key_is_in_no_repr(monkeypatch):
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY)
    checkout = StripeCheckout(PACKAGES, base_url=APP)
    assert KEY not in repr(checkout) + repr(checkout.routes)
    assert isinstance(checkout, Checkout)
    assert stripe.api_key is None


def test_all_parts_are_told_in_one_openapi_document(monkeypatch):
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY)
    webhooks = [
        ClerkWebhook(secret=SECRET),
        DodoWebhook(PACKAGES, secret=SECRET),
        StripeWebhook(PACKAGES, secret=SECRET),
        JobWebhook(secret=SECRET),
    ]
    checkout = StripeCheckout(PACKAGES, base_url=APP)
    api = AccountApi(packages=PACKAGES, checkout=checkout, webhooks=webhooks)
    document = openapi(api.routes)
    validate(document)
    paths = {
        *("/api/credits/packages", "/api/credits/checkout", "/api/credits/checkout/success"),
        *("/api/credits/checkout/cancel", "/api/webhooks/clerk", "/api/dodopayments/webhook"),
        *("/api/webhooks/stripe", "/api/webhooks/jobs"),
    }
    assert paths <= set(document["paths"])
    moved = AccountApi(webhooks=webhooks[:1], paths={"webhook-clerk": "/hooks/clerk"})
    assert "/hooks/clerk" in {route.path for route in moved.routes}
