"""A worker that stood still past its lease: what it charged is that of whoever took it over."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from credits_core import AsyncCredits
from credits_core.charge import Charge
from credits_core.charge.terms import Terms, hold_terms, price_terms
from credits_core.http.idempotency import AnswerKeeper
from credits_core.http.keyed import AsyncKeyed, Keyed
from credits_core.http.paid import PaidRequest

if TYPE_CHECKING:
    from credits_core import Credits
    from tests.support.servers import Server

LEASE = 0.3
REQUEST = ("POST /work", "k", "/work?", "digest of the body")


def terms(payer: str, *, held: bool) -> Terms:
    return (hold_terms if held else price_terms)(payer, 10, "work", None)


@pytest.mark.parametrize("held", [False, True])
def test_its_failure_gives_nothing_back(credits: Credits, payer: str, held: bool) -> None:
    still = Keyed.begin(credits, payer, *REQUEST, lease=LEASE)
    key = still.request.charge_key()
    charge = Charge(credits, terms(payer, held=held)._replace(key=key)).begin()
    paid = PaidRequest()
    paid.charges.append(charge)
    with still._turn:  # it cannot renew
        time.sleep(2 * LEASE)
        quick = Keyed.begin(credits, payer, *REQUEST, lease=60)
    again = Charge(credits, terms(payer, held=held)._replace(key=quick.request.charge_key()))
    again.begin()
    assert again.id == charge.id

    if not still.end(None):
        paid.let_go()
    paid.end("failed")
    assert credits.get_balance(payer) == 90
    again.end("served")
    assert quick.end(AnswerKeeper(200, []))
    assert credits.get_balance(payer) == 90
    assert credits.get_account(payer).holds == ()


async def test_it_is_told_in_async_code_too(server: Server, payer: str) -> None:
    async with AsyncCredits.from_url(server.url, timeout=10) as client:
        still = await AsyncKeyed.begin(client, payer, *REQUEST, lease=LEASE)
        still._renewing.cancel()
        await asyncio.sleep(2 * LEASE)
        quick = await AsyncKeyed.begin(client, payer, *REQUEST, lease=60)
        assert not await still.end(None)
        assert not await still.end(None, paid=True)
        assert await quick.end(None)
