"""Clerk: users who sign up, and users who go."""

from __future__ import annotations

import pytest

from credits_core import InvalidRequestError
from credits_core.http.exchange import Who
from credits_core.webhooks import ClerkWebhook
from tests.adapters.webhooks.delivering import OTHER_SECRET, SECRET, standard, svix


def created(user, kind="user.created"):
    """As Clerk sends it, with more than is looked at."""
    data = {"id": user, "object": "user", "email_addresses": [{"id": "idn_1"}], "locked": False}
    return {"data": data, "object": "event", "type": kind, "timestamp": 1654012591835}


def deleted(user):
    data = {"deleted": True, "id": user, "object": "user"}
    return {"data": data, "object": "event", "type": "user.deleted"}


async def test_who_signs_up_gets_the_credits_once(sender, user):
    route = ClerkWebhook(secret=SECRET).route
    for _ in range(3):
        answer = await sender.send(route, created(user), svix)
        assert (answer.status, answer.body["received"]) == (200, True)
    assert await sender.amounts(user) == [100]


async def test_the_route(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SECRET", SECRET)
    route = ClerkWebhook().route
    assert (route.method, route.path, route.who) == (
        "POST",
        "/api/webhooks/clerk",
        Who.ANYBODY,
    )
    assert ClerkWebhook(path="/hooks/clerk").route.path == "/hooks/clerk"


async def test_the_credits_may_be_others(sender, user):
    await sender.send(ClerkWebhook(secret=SECRET, credits=25).route, created(user), svix)
    assert await sender.amounts(user) == [25]


async def test_a_purchase_before_the_sign_up_costs_nobody_the_grant(sender, user):
    await sender.do("add", user, 500, "purchase", idempotency_key="payment:pi_1")
    await sender.send(ClerkWebhook(secret=SECRET).route, created(user), svix)
    assert await sender.balance(user) == 600


@pytest.mark.parametrize("kind", ["user.updated", "session.created", "whatever.comes"])
async def test_other_events_are_answered_and_ignored(sender, user, kind):
    route = ClerkWebhook(secret=SECRET).route
    assert (await sender.send(route, created(user, kind), svix)).status == 200
    assert await sender.amounts(user) == []


@pytest.mark.parametrize(
    ("on_deleted", "balance", "frozen"),
    [("keep", 100, False), ("freeze", 100, True), ("delete", 0, False)],
)
async def test_who_goes(sender, user, on_deleted, balance, frozen):
    route = ClerkWebhook(secret=SECRET, on_deleted=on_deleted).route
    await sender.send(route, created(user), svix)
    for _ in range(2):
        assert (await sender.send(route, deleted(user), svix)).status == 200
    account = await sender.do("get_account", user)
    assert (account.balance, account.frozen) == (balance, frozen)


async def test_secrets_are_rolled_over(sender, user):
    route = ClerkWebhook(secret=[OTHER_SECRET, SECRET]).route
    assert (await sender.send(route, created(user), svix)).status == 200
    body = b'{"type": "session.ended", "data": {}}'
    assert (await sender.ask(route, body, svix(body, OTHER_SECRET))).status == 200
    assert (await sender.ask(route, body, standard(body))).status == 200
    only = ClerkWebhook(secret=OTHER_SECRET).route
    assert (await sender.ask(only, body, svix(body))).status == 400


@pytest.mark.parametrize("user_id", ["", " ", "a\n", "x" * 257, "\ud800", 7, None, {}])
async def test_a_user_id_that_is_none(sender, user_id):
    answer = await sender.send(ClerkWebhook(secret=SECRET).route, created(user_id), svix)
    assert answer.status == 400


def test_what_is_set_up_wrongly(monkeypatch):
    monkeypatch.delenv("CLERK_WEBHOOK_SECRET", raising=False)
    for secret in (None, "", " ", [], ["", ""]):
        with pytest.raises(InvalidRequestError, match="CLERK_WEBHOOK_SECRET"):
            ClerkWebhook(secret=secret)
    with pytest.raises(InvalidRequestError, match="on_deleted"):
        ClerkWebhook(secret=SECRET, on_deleted="forget")
