"""A hold that grows: in steps, for one at a time, and by no more than is needed."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest

from credits_core import Credits, HoldClosedError, InsufficientCreditsError
from credits_core.charge import require_credits
from tests.contract.accounts import sound
from tests.contract.flavours import on
from tests.contract.paid import amounts, client_of, fixed, held

pytestmark = pytest.mark.stores


async def growths(credits, user):
    """What the log says that holds grew by, in their order."""
    return [-amount for amount, _ in (await amounts(credits, user)) if amount < 0][1:]


async def test_a_hold_grows_in_steps(credits, rich):
    async with held(credits, rich, 5, step=20) as work:
        for _ in range(30):
            await work.spend(1)
        assert work.amount == 45
    assert await growths(credits, rich) == [20, 20]
    await sound(credits, rich, 70)


async def test_a_step_is_as_much_as_was_estimated(credits, rich):
    async with held(credits, rich, 10) as work:
        for _ in range(31):
            await work.spend(0.5)
    assert await growths(credits, rich) == [10]
    await sound(credits, rich, 84)


async def test_a_step_is_as_large_as_it_must_be(credits, rich):
    async with held(credits, rich, 5, step=2) as work:
        await work.spend(30.5)
        assert work.amount == 31
    await sound(credits, rich, 69)


async def test_the_last_step_is_what_is_left(credits, rich):
    async with held(credits, rich, 5, step=60) as work:
        for _ in range(10):
            await work.spend(10)
        with pytest.raises(InsufficientCreditsError) as refused:
            await work.spend(2)
        assert (refused.value.required, refused.value.available) == (2, 0)
        assert (refused.value.action, work.amount) == ("work", 100)
    assert await growths(credits, rich) == [60, 35]
    await sound(credits, rich, 0)


async def test_what_nobody_could_pay_is_not_counted(credits, rich):
    async with held(credits, rich, 5) as work:
        with pytest.raises(InsufficientCreditsError):
            await work.spend(101)
        await work.spend(1)
    assert work.cost == 1
    await sound(credits, rich, 99)


async def test_a_hold_is_renewed_half_way(credits, rich):
    began = time.monotonic()
    async with held(credits, rich, 50, expires_in=0.6) as work:
        for _ in range(10):
            await asyncio.sleep(0.08)
            await work.spend(1)
    halves = (time.monotonic() - began) / 0.3
    assert work.cost == 10
    renewals = [amount for amount, _ in await amounts(credits, rich)].count(0)
    assert 2 <= renewals <= halves
    await sound(credits, rich, 90)


async def test_a_hold_is_renewed_by_hand(credits, rich):
    async with held(credits, rich, 50, expires_in=0.6) as work:
        for _ in range(3):
            await asyncio.sleep(0.25)
            await work.renew()
    await sound(credits, rich, 50)


async def test_a_hold_that_has_expired_is_not_renewed(credits, rich):
    async with held(credits, rich, 50, expires_in=0.02) as work:
        await asyncio.sleep(0.05)
        with pytest.raises(HoldClosedError, match="expired"):
            await work.renew()
        work.refund()
    await sound(credits, rich, 100)


async def test_spending_at_once_holds_all_that_is_spent(credits, rich):
    async with held(credits, rich, 10, step=1) as work:
        await asyncio.gather(*(work.spend(3) for _ in range(20)))
        assert (work.cost, work.amount) == (60, 60)
        assert (await credits.get_account(rich)).held == 60
    await sound(credits, rich, 40)


async def test_who_gives_up_waiting_for_a_step_stops_nobody_else(credits, rich):
    async with held(credits, rich, 1, step=1) as work:
        spending = [asyncio.create_task(work.spend(3)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in spending[::2]:
            task.cancel()
        done = await asyncio.gather(*spending, return_exceptions=True)
        assert done[1::2] == [None] * 10
        await asyncio.wait_for(work.spend(1), 5)
        assert work.cost == 3 * done.count(None) + 1
    await sound(credits, rich, 100 - work.cost)


@pytest.mark.parametrize("step", [1, 40])
async def test_many_at_once_inside_a_hold(credits, rich, step):
    """However far the hold may grow at a time, what all of them cost is enough."""

    async def one() -> None:
        async with fixed(credits, rich, 3, "inner"):
            await asyncio.sleep(0.001)

    async with held(credits, rich, 10, step=step) as outer:
        await asyncio.gather(*(one() for _ in range(30)))
        assert 90 <= outer.amount <= 100
    assert outer.cost == 90
    await sound(credits, rich, 10)


async def test_many_at_once_inside_a_hold_of_which_some_find_too_little(credits, rich):
    async def one() -> None:
        async with fixed(credits, rich, 3, "inner"):
            await asyncio.sleep(0.001)

    async with held(credits, rich, 10, step=7) as outer:
        done = await asyncio.gather(*(one() for _ in range(50)), return_exceptions=True)
    assert done.count(None) == 33
    assert outer.cost == 99
    await sound(credits, rich, 1)


@on("tcp-async")
async def test_sync_work_in_a_thread_of_async_work(credits, rich, server):
    """Context variables travel into the thread; both clients are of the same accounts."""

    def inner() -> None:
        with require_credits(beside, rich, 30, "inner"):
            pass

    with Credits.from_url(server.url, timeout=5) as beside:
        async with held(credits, rich, 10, step=1) as outer:
            await asyncio.to_thread(inner)
            await asyncio.gather(asyncio.to_thread(inner), asyncio.to_thread(inner))
            assert outer.amount == 90
    await sound(credits, rich, 10)


@on("tcp-sync")
async def test_sync_work_in_many_threads(credits, rich):
    def inner() -> None:
        with require_credits(client_of(credits), rich, 3, "inner"):
            pass

    async with held(credits, rich, 10, step=40) as outer:
        contexts = [contextvars.copy_context() for _ in range(30)]
        threads = [threading.Thread(target=one.run, args=(inner,)) for one in contexts]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        assert 90 <= outer.amount <= 100
    await sound(credits, rich, 10)
