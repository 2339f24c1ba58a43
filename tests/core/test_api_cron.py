"""The route that reconciles: who may ask, and what a call answers."""

from __future__ import annotations

import logging

import pytest

from credits_core import AsyncCredits, Credits, InvalidRequestError
from credits_core.api import AccountApi
from tests.core.api import ask, asked, route_of

SECRET = "a-secret-of-thirty-two-characters"
API = AccountApi(cron_secret=SECRET)


@pytest.fixture(params=["async", "sync"])
async def credits(request):
    if request.param == "sync":
        with Credits.from_url("memory://") as client:
            client.initialize_user("alice", 100)
            yield client
    else:
        async with AsyncCredits.from_url("memory://") as client:
            await client.initialize_user("alice", 100)
            yield client


def bearer(token=SECRET, **query):
    return asked(None, query, authorization=f"Bearer {token}")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_has_the_secret_is_answered(credits, method):
    status, headers, body = await ask(credits, route_of(API, "reconcile", method), bearer())
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert isinstance(body.pop("duration_ms"), int)
    assert body == {
        "success": True,
        "total": 1,
        "verified": 1,
        "fixed": 0,
        "errors": 0,
        "cursor": None,
        "done": True,
    }


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", SECRET,
     f"Basic {SECRET}", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}",
     "Bearer ünï", "Bearer \udc80", f"Bearer {SECRET} {SECRET}", "Bearer " + "x" * 100_000],
)  # fmt: skip
async def test_who_has_not_is_refused(credits, header):
    for request in (asked(authorization=header), asked(), asked("alice", authorization=header)):
        status, headers, body = await ask(credits, route_of(API, "reconcile"), request)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert SECRET not in str(body)


@pytest.mark.parametrize(
    ("name", "value"),
    [("budget", "0"), ("budget", "301"), ("budget", "x"), ("cursor", "x"), ("cursor", "")],
)
async def test_a_wrong_parameter_is_named(credits, name, value):
    answer = await ask(credits, route_of(API, "reconcile"), bearer(**{name: value}))
    assert (answer.status, answer.body["parameter"]) == (400, name)


async def test_an_account_that_stays_wrong_is_logged_and_no_success(credits, caplog):
    backend = credits._backend
    from credits_core.command import Call  # noqa: PLC0415

    reply = backend.execute((Call(None, (), ("DEL", "txs:alice")),), 1.0)
    if isinstance(credits, AsyncCredits):
        await reply
    with caplog.at_level(logging.ERROR, "credits_core.api"):
        body = (await ask(credits, route_of(API, "reconcile"), bearer())).body
    assert (body["success"], body["errors"]) == (False, 1)
    assert "'alice'" in caplog.text
    assert "alice" not in str(body)


def names(api):
    return {route.name for route in api.routes}


def test_the_secret_is_that_of_the_environment(monkeypatch):
    monkeypatch.delenv("CRON_SECRET", raising=False)
    assert "reconcile" not in names(AccountApi())
    assert "reconcile" not in names(AccountApi(paths={"reconcile": "/cron"}))
    monkeypatch.setenv("CRON_SECRET", f" {SECRET}\n")
    api = AccountApi(paths={"reconcile": "/cron"})
    assert [route.method for route in api.routes if route.path == "/cron"] == ["GET", "POST"]
    assert SECRET not in repr(api)
    assert SECRET not in repr(api.routes)


@pytest.mark.parametrize("secret", ["", "x" * 23, "ü" * 40, "x" * 30 + " y", "x" * 30 + "\n", 5])
def test_a_secret_that_is_none_stops_the_app_from_starting(secret, monkeypatch):
    with pytest.raises(InvalidRequestError, match="openssl rand -base64 32") as refusal:
        AccountApi(cron_secret=secret)
    assert str(secret) not in str(refusal.value) or secret in ("", 5)


def test_a_short_secret_in_the_environment_stops_it_unless_the_route_is_left_out(monkeypatch):
    monkeypatch.setenv("CRON_SECRET", "short")
    with pytest.raises(InvalidRequestError, match="CRON_SECRET"):
        AccountApi()
    AccountApi(paths={"reconcile": None})
