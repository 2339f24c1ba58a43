"""A server that is killed, comes back, or forgets its scripts."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import (
    AsyncCredits,
    BackendUnavailableError,
    Credits,
    OutcomeUnknownError,
    Receipt,
)
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import Stories, attempt, bounded, read_ledger, ready
from tests.support.rest import RestServer


@pytest.fixture
def open_credits(fragile, opened, sync):
    def open_one(**options):
        if sync:
            return opened(AsyncFace(Credits.from_url(fragile.url, **options)))
        return opened(AsyncCredits.from_url(fragile.url, **options))

    return open_one


async def test_killed_and_restarted_under_load(open_credits, fragile, user):
    credits = open_credits(timeout=0.6)
    await ready(credits, user, 1_000_000)
    stories = Stories(user)
    running = True

    async def worker() -> None:
        while running:
            if not isinstance(await stories.charge(credits), Receipt):
                await asyncio.sleep(0.02)

    workers = [asyncio.create_task(worker()) for _ in range(8)]
    for _ in range(2):
        await asyncio.sleep(0.15)
        await asyncio.to_thread(fragile.kill)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(fragile.start)
    await asyncio.sleep(0.15)
    running = False
    await asyncio.gather(*workers)

    ledger = await stories.check(credits, fragile)
    print(len(stories.told), stories.count(Receipt), stories.count(OutcomeUnknownError))
    assert ledger.balance < 1_000_000
    assert isinstance(await stories.charge(credits), Receipt)


@pytest.mark.parametrize("idle", [0, 1.1])
async def test_the_next_call_after_a_restart_just_works(open_credits, fragile, user, idle):
    credits = open_credits(timeout=2)
    await ready(credits, user)
    # Several connections are open, and all of them break.
    await asyncio.gather(*(credits.get_transactions(user, limit=1 + n) for n in range(600)))
    await asyncio.to_thread(fragile.kill)
    await asyncio.to_thread(fragile.start)
    await asyncio.sleep(idle)
    receipt = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(receipt, Receipt)
    assert read_ledger(fragile, user).of("charge") == [(receipt.tx_id, -10)]


async def test_forgotten_scripts_are_sent_again(open_credits, fragile, user):
    credits = open_credits(timeout=2)
    await ready(credits, user)
    for _ in range(3):
        fragile.call("SCRIPT", "FLUSH")
        assert isinstance(await attempt(credits.deduct(user, 1, "charge")), Receipt)
    assert read_ledger(fragile, user).balance == 997


async def test_a_server_that_is_down_is_unavailable_and_its_return_noticed(
    open_credits, fragile, user
):
    credits, stranger = open_credits(timeout=1), open_credits(timeout=1)
    await ready(credits, user)
    await asyncio.to_thread(fragile.kill)
    for client in (credits, stranger, credits):
        with bounded():
            error = await attempt(client.deduct(user, 10, "charge"))
        # A connection that breaks under a call leaves its outcome open, a refused one does not.
        assert isinstance(error, (BackendUnavailableError, OutcomeUnknownError))
    assert isinstance(error, BackendUnavailableError)
    await asyncio.to_thread(fragile.start)
    assert (await stranger.deduct(user, 10, "charge")).balance == 990
    assert (await credits.deduct(user, 10, "charge")).balance == 980


async def test_refused_connections_are_surely_not_sent(line, store, user, opened):
    credits = opened(line.open(timeout=1))
    stop, start = (
        (line.faults.refuse, line.faults.accept)
        if line.tcp
        else (line.faults.stop, line.faults.start)
    )
    await ready(credits, user)
    stop()
    if line.tcp:
        line.faults.disconnect()
    await attempt(credits.get_balance(user))  # finds its connections broken
    error = await attempt(credits.deduct(user, 10, "charge"))
    start()
    assert isinstance(error, BackendUnavailableError)
    assert "nothing changed" in str(error)
    assert read_ledger(store, user).balance == 1000
    assert (await credits.deduct(user, 10, "charge")).balance == 990


async def test_a_rest_gateway_whose_store_dies_under_it(fragile, opened, user, sync):
    with RestServer(fragile.url, token="t") as gateway:
        maker = Credits if sync else AsyncCredits
        credits = maker.from_url(gateway.url, token="t", timeout=1)
        credits = opened(AsyncFace(credits) if sync else credits)
        await ready(credits, user)
        stories = Stories(user)
        fragile.kill()
        await stories.charge(credits)
        fragile.start()
        assert isinstance(await stories.charge(credits), Receipt)
        await stories.check(credits, fragile)
        await credits.aclose()
