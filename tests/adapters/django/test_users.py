"""Sign-up credits of new users, signals of charges, and the helpers for an app's own tests."""

from __future__ import annotations

import asyncio
import unittest
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core import serializers
from django.db import transaction
from django.test import RequestFactory
from django.test.client import Client

from credits_django import client
from credits_django.conf import conf
from credits_django.request import RequestCredits
from credits_django.signals import charged, low_balance, refunded
from credits_django.testing import CreditsTestMixin, memory_credits
from credits_django.testing.plugin import django_credits
from tests.adapters.django.asking import asked
from tests.adapters.paths.books import wait_for
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test.client import AsyncClient

    from credits_core import Credits

__all__ = ["django_credits"]


@pytest.fixture
def signing_up(change: Callable[..., Any]) -> Iterator[None]:
    with change(SIGN_UP=True, DEFAULT_CREDITS=30, USER_ID=lambda user: f"u-{user.username}"):
        yield


@pytest.mark.usefixtures("signing_up")
def test_a_new_user_is_signed_up_once_the_row_is_committed(credits: Credits, user: str) -> None:
    with transaction.atomic():
        new = User.objects.create_user(user)
        assert credits.get_transactions(f"u-{user}") == []
    assert credits.get_balance(f"u-{user}") == 30
    new.email = "a@example.com"
    new.save()
    assert len(credits.get_transactions(f"u-{user}")) == 1


@pytest.mark.usefixtures("signing_up")
def test_a_user_that_is_rolled_back_or_restored_is_not_signed_up(
    credits: Credits, user: str
) -> None:
    def rolled_back() -> None:
        with transaction.atomic():
            User.objects.create_user(user)
            raise KeyError

    with pytest.raises(KeyError):
        rolled_back()
    for one in serializers.deserialize(
        "python", [{"model": "auth.user", "fields": {"username": user, "password": "x"}}]
    ):
        one.save()
    assert credits.get_transactions(f"u-{user}") == []


def test_by_default_nobody_is_signed_up(credits: Credits, user: str) -> None:
    new = User.objects.create_user(user)
    assert credits.get_transactions(str(new.pk)) == []


def test_while_the_store_is_away_a_sign_up_is_made_up_for(
    change: Callable[..., Any], user: str
) -> None:
    with Server(persistent=True) as own, change(URL=own.url, SIGN_UP=True):
        own.kill()
        new = User.objects.create_user(user)  # and the user is there
        own.start()
        wait_for(lambda: client().get_balance(str(new.pk)) == 100)


def test_a_signed_in_user_pays_by_the_primary_key(
    change: Callable[..., Any], credits: Credits, user: str
) -> None:
    new = User.objects.create_user(user, password="p")
    credits.initialize_user(str(new.pk), 100)
    http = Client()
    with change(USER=None):
        assert http.get("/function").status_code == 401
        http.force_login(new)
        assert http.get("/function").json()["balance"] == 90
        assert http.get("/afunction").json()["balance"] == 80
        assert http.get("/rest/function").json()["balance"] == 70


async def test_a_signed_in_user_pays_by_asgi(
    change: Callable[..., Any], ahttp: AsyncClient, credits: Credits, user: str
) -> None:
    new = await sync_to_async(User.objects.create_user)(user)
    credits.initialize_user(str(new.pk), 100)
    with change(USER=None):
        await ahttp.aforce_login(new)
        assert (await asked(ahttp, "/function")).json()["balance"] == 90
        assert (await asked(ahttp, "/afunction")).json()["balance"] == 80


@contextmanager
def heard() -> Iterator[list[tuple[str, int, int | None]]]:
    names = {"charged": charged, "refunded": refunded, "low": low_balance}
    seen: list[tuple[str, int, int | None]] = []
    receivers = {name: _receiver(name, seen) for name in names}
    for name, signal in names.items():
        signal.connect(receivers[name])
    yield seen
    for name, signal in names.items():
        signal.disconnect(receivers[name])


def _receiver(name: str, seen: list[Any]) -> Any:
    def receive(amount: int, balance: int, user_id: str, request: Any, **_: Any) -> None:
        assert request.credits.user_id == user_id
        seen.append((name, amount, balance))

    return receive


async def test_signals_tell_what_became_of_each_charge_once(
    http: Client, ahttp: AsyncClient, change: Callable[..., Any]
) -> None:
    get = sync_to_async(http.get, thread_sensitive=False)
    with change(LOW_BALANCE=85), heard() as seen:
        await get("/function")
        await get("/function?status=404")
        await asked(ahttp, "/afunction")
        await asked(ahttp, "/afunction?raise=KeyError")
        await asked(ahttp, "/function")
        await get("/big")
    assert seen == [
        ("charged", 10, 90),
        ("refunded", 10, 90),
        ("charged", 10, 80),
        ("low", 10, 80),
        ("refunded", 10, 80),
        ("charged", 10, 70),
    ]


async def test_a_signal_of_a_stream_comes_with_its_end(http: Client, ahttp: AsyncClient) -> None:
    def read() -> None:
        b"".join(http.get("/metered"))  # type: ignore[arg-type]

    with heard() as seen:
        await asyncio.to_thread(read)
        response = await asked(ahttp, "/ametered")
        assert seen == [("charged", 3, 97)]
        _ = [piece async for piece in response]
    assert seen == [("charged", 3, 97), ("charged", 3, 94)]


def test_a_receiver_that_fails_changes_nothing(http: Client) -> None:
    def fails(**_: Any) -> None:
        raise KeyError("the receiver")

    charged.connect(fails)
    try:
        assert http.get("/function").json()["balance"] == 90
    finally:
        charged.disconnect(fails)


def test_the_balance_of_a_request_is_asked_for_once(credits: Credits, payer: str) -> None:
    request: Any = RequestFactory().get("/", headers={"X-User": payer})
    state = request.credits = RequestCredits(request)
    assert (state.balance, state.user_id, state.charges) == (100, payer, [])
    credits.deduct(payer, 1, "elsewhere")
    assert state.balance == 100
    assert state.client is client()


class OfAnApp(CreditsTestMixin, unittest.TestCase):
    """A test case of an app, as its authors write it."""

    credits_settings: ClassVar = {"AUTO_INITIALIZE": True, "DEFAULT_CREDITS": 50}

    def test_one(self) -> None:
        assert Client(headers={"X-User": "alice"}).get("/function").json()["balance"] == 40
        assert self.credits.get_balance("alice") == 40

    def test_two_begins_anew(self) -> None:
        assert self.credits.get_balance("alice") == 50


def test_a_ledger_in_memory_is_of_its_block_alone(server: Server) -> None:
    with memory_credits(AUTO_INITIALIZE=True) as ledger:
        assert Client(headers={"X-User": "alice"}).get("/function").json()["balance"] == 90
        assert ledger.get_balance("alice") == 90
        assert conf().user is not None
        with memory_credits(AUTO_INITIALIZE=False) as inner:
            assert inner.get_balance("alice") == 0
    assert conf().url == server.url


async def test_a_ledger_in_memory_serves_async_views_too(ahttp: AsyncClient, payer: str) -> None:
    with memory_credits(AUTO_INITIALIZE=True) as ledger:
        assert (await asked(ahttp, "/afunction")).json()["balance"] == 90
        assert ledger.get_balance(payer) == 90


def test_the_fixture_is_an_empty_ledger(django_credits: Credits) -> None:
    assert django_credits.get_balance("alice") == 0
    assert client() is django_credits
