"""Redis behind Sentinel: the primary is found, and a failover keeps the accounts straight."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import AsyncCredits, BackendUnavailableError, Credits, CreditsError, Receipt
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import Stories, attempt, bounded, connections, ready, wait_for_connections
from tests.support.topology import Sentinel


@pytest.fixture(scope="module")
def group():
    with Sentinel() as running:
        yield running


@pytest.fixture
def credits(group, opened, sync):
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(group.url, timeout=1)
    return opened(AsyncFace(client) if sync else client)


async def test_charges_reach_the_primary(group, credits, user):
    await ready(credits, user)
    stories = Stories(user)
    await asyncio.gather(*(stories.charge(credits) for _ in range(50)))
    assert stories.count(Receipt) == 50
    await stories.check(credits, group.primary)


async def test_a_failover_under_load_loses_nothing_and_hides_nothing(group, credits, user):
    await ready(credits, user, 1_000_000)
    stories = Stories(user)
    running = True

    async def worker() -> None:
        while running:
            if isinstance(await stories.charge(credits), CreditsError):
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.002)

    workers = [asyncio.create_task(worker()) for _ in range(6)]
    await asyncio.sleep(0.2)
    before = group.primary
    # Writes wait while the order is carried out, so that the replica has all of them.
    await asyncio.to_thread(before.call, "CLIENT", "PAUSE", 4000, "WRITE")
    after = await asyncio.to_thread(group.failover)
    before.call("CLIENT", "UNPAUSE")
    await asyncio.sleep(0.3)
    running = False
    await asyncio.gather(*workers)
    final = await stories.charge(credits)
    await asyncio.to_thread(group.wait_for_replica)

    print(len(stories.told), stories.count(Receipt), stories.count(CreditsError))
    assert after is not before
    assert isinstance(final, Receipt)
    await stories.check(credits, after)


async def test_closing_leaves_no_connection_to_the_sentinel(group, user, sync):
    before = len(connections(group.sentinel))
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(group.url, timeout=1)
    credits = AsyncFace(client) if sync else client
    await ready(credits, user)
    assert len(connections(group.sentinel)) > before
    await credits.aclose()
    await wait_for_connections(group.sentinel, before)


async def test_without_its_sentinel_a_call_ends_in_bounded_time(group, user, sync):
    group.sentinel.freeze()
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(group.url, timeout=0.5)
    credits = AsyncFace(client) if sync else client
    with bounded():
        error = await attempt(credits.get_balance(user))
    group.sentinel.thaw()
    assert isinstance(error, BackendUnavailableError)
    assert await credits.get_balance(user) == 0
    await credits.aclose()
