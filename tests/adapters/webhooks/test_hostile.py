"""What anybody may send to a webhook: refused with 400, and nothing is looked at."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import pickle
import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as StandardWebhook

from credits_core import Credits, InvalidRequestError, WebhookVerificationError
from credits_core.http.exchange import Asked
from credits_core.http.steps import run
from credits_core.payments import PACKAGES
from credits_core.webhooks import (
    ClerkWebhook,
    DodoWebhook,
    JobWebhook,
    StandardSignature,
    StripeWebhook,
)
from credits_core.webhooks.signatures import Secrets
from credits_core.webhooks.webhook import MAX_BODY_BYTES, Webhook
from tests.adapters.webhooks.delivering import OTHER_SECRET, SECRET, standard, stripes, svix

HOOKS = {
    "clerk": (ClerkWebhook(secret=SECRET), svix),
    "dodo": (DodoWebhook(PACKAGES, secret=SECRET), standard),
    "stripe": (StripeWebhook(PACKAGES, secret=SECRET), stripes),
    "jobs": (JobWebhook(secret=SECRET), standard),
}
EVERY = pytest.mark.parametrize("name", HOOKS)
HEADERS = (
    *("webhook-id", "webhook-timestamp", "webhook-signature"),
    *("svix-id", "svix-timestamp", "svix-signature", "stripe-signature"),
)
NOW = str(int(time.time()))


class Untouched:
    """A client that nobody may use."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} was called")


def ask(name, body, headers, client=None):
    route = HOOKS[name][0].route
    return run(client or Untouched(), route.handler(Asked(headers=headers, body=body)))


hostile = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            *("v1,", "v1,=", "v1,é", "v1", "v1,a,b", ",", " ", "v1,aGk= v1", "t=1,v1=x", "t=,v1="),
            *("t=1e999", "nan", "inf", "-1", "9" * 400, "\ud800", "\x00", "v1,\udfff", "1.5", NOW),
            *(f"t={NOW}", f"t={NOW},v1=", f"t={NOW},v1=é", "t=1=2,v1=3=4", "v1a,x v1,y"),
        ]
    ),
)


@EVERY
@settings(max_examples=150)
@given(
    headers=st.dictionaries(st.sampled_from(HEADERS), hostile),
    body=st.binary(max_size=80) | st.just(b"{}") | st.text().map(str.encode),
)
def test_hostile_headers_and_bodies_are_refused(name, headers, body):
    assert ask(name, body, headers).status == 400


@EVERY
@settings(max_examples=60)
@given(data=st.data())
def test_a_good_signature_with_anything_changed_is_refused(name, data):
    body = b'{"type": "user.created", "data": {"id": "mallory"}}'
    headers = HOOKS[name][1](body)
    if data.draw(st.booleans()):
        changed = bytearray(body)
        at = data.draw(st.integers(0, len(body) - 1))
        changed[at] ^= data.draw(st.integers(1, 255))
        body = bytes(changed)
    else:
        header = data.draw(st.sampled_from(sorted(headers)))
        text = headers[header]
        # The last characters of base64 and the header's own words carry bits that say nothing.
        at = data.draw(st.integers(0, 1000)) % (len(text) - 4)
        other = data.draw(st.characters(exclude_characters=" ,="))
        headers[header] = text[:at] + ("~" if other == text[at] else other) + text[at + 1 :]
    assert ask(name, body, headers).status == 400


@EVERY
@settings(max_examples=150)
@given(
    event=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_signed_bodies_that_are_no_event_are_refused(name, event):
    try:
        headers = HOOKS[name][1](event)
    except UnicodeDecodeError:
        headers = HOOKS[name][1](b"{}")
    assert ask(name, event, headers).status == 400


KINDS = [
    *("payment.succeeded", "subscription.renewed", "refund.succeeded", "dispute.opened"),
    *("user.created", "user.deleted", "checkout.session.completed", "invoice.paid"),
    *("charge.refunded", "refund.updated", "charge.dispute.closed", "invoice_payment.paid"),
]


@EVERY
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(KINDS),
    data=st.dictionaries(
        st.sampled_from(
            [
                *("id", "payment_id", "refund_id", "dispute_id", "amount", "currency", "metadata"),
                *("status", "charge", "payment_intent", "lines", "total", "mode", "product_cart"),
                *("payment_status", "amount_total", "amount_refunded", "subscription_id"),
            ]
        ),
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
        | st.just({}),
    ),
)  # fmt: skip
def test_signed_events_of_odd_shapes_raise_nothing(name, kind, data):
    event = {"type": kind, "data": {"object": data, **data}, **data}
    body = json.dumps(event).encode()
    with Credits.from_url("memory://") as credits:
        assert ask(name, body, HOOKS[name][1](body), credits).status in (200, 400)


DEEP = b'{"a":' * 100_000
BODIES = [b"", b"null", b"[]", b'"x"', b"1", b"{", DEEP, b"\xff", b"{}", b'{"a": ' + b"9" * 5000]


@EVERY
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_signed_bodies_that_no_parser_takes(name, body):
    headers = HOOKS[name][1](b"{}") if body == b"\xff" else HOOKS[name][1](body)
    assert ask(name, body, headers).status == 400


@EVERY
def test_a_body_that_is_too_long_is_not_even_verified(name):
    body = b" " * (MAX_BODY_BYTES + 1)
    assert ask(name, body, HOOKS[name][1](body)).status == 413


@EVERY
def test_json_written_again_is_not_what_was_signed(name):
    body = b'{"type":"x","data":{"object":{}}}'
    headers = HOOKS[name][1](body)
    assert ask(name, body, headers).status == (400 if name == "jobs" else 200)
    assert ask(name, json.dumps(json.loads(body)).encode(), headers).status == 400


@pytest.mark.parametrize("minutes", [-6, 6])
def test_old_and_future_signatures(minutes):
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    body = b'{"type": "x", "data": {}}'
    headers = {
        "svix-id": "m",
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": StandardWebhook(SECRET).sign("m", at, body.decode()),
    }
    assert ask("clerk", body, headers).status == 400
    if minutes < 0:
        old = stripe.WebhookSignature.generate_signature_header(
            body.decode(), SECRET, timestamp=int(at.timestamp())
        )
        assert ask("stripe", body, {"stripe-signature": old}).status == 400


def test_a_signature_of_another_version_counts_for_nothing():
    body, now = b'{"type": "x", "data": {}}', int(time.time())
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = base64.b64encode(hmac.digest(key, f"m.{now}.".encode() + body, hashlib.sha256)).decode()
    headers = {"svix-id": "m", "svix-timestamp": str(now)}
    assert ask("clerk", body, headers | {"svix-signature": f"v1,{made}"}).status == 200
    assert ask("clerk", body, headers | {"svix-signature": f"v1a,{made}"}).status == 400
    assert ask("clerk", body, headers | {"svix-signature": f"v2,x v1,{made}"}).status == 200


SECRETS = ["whsec_", "whsec_c2hvcnQ=", "not base64 at all!", "é", "whsec_" + "!" * 40, 5, b"x" * 32]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_is_none_is_refused_where_it_is_given(secret):
    for hook in (ClerkWebhook, JobWebhook):
        with pytest.raises(InvalidRequestError) as refused:
            hook(secret=secret)
        assert str(secret) not in str(refused.value)


def test_secrets_are_in_no_repr_and_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    for name, (hook, _) in HOOKS.items():
        ask(name, b"{}", dict.fromkeys(HEADERS, "v1,x"))
        shown = repr(hook) + repr(hook.route) + repr(hook._signature) + caplog.text
        assert "MfKQ9r8G" not in shown
        assert "_SECRET" in shown or "_KEY" in shown
    assert repr(Secrets([SECRET, OTHER_SECRET], "X")) == "Secrets(2 of X)"


def test_an_error_of_ours_travels():
    error = WebhookVerificationError("the signature is not right")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_signature_of_ones_own_may_raise_anything():
    class Odd:
        def __init__(self, secrets):
            pass

        def verify(self, body, headers):
            raise KeyError("x")

    class Hook(Webhook):
        name, path, variable, signed_by = "odd", "/odd", "ODD", Odd

    route = Hook(secret="x").route
    assert run(Untouched(), route.handler(Asked(body=b"{}"))).status == 400


def test_what_is_signed_is_verified():
    signature = StandardSignature(Secrets(SECRET, "X"))
    headers = signature.sign("m", b"{}", datetime.now(UTC))
    signature.verify(b"{}", headers)
    with pytest.raises(WebhookVerificationError):
        signature.verify(b"{ }", headers)
