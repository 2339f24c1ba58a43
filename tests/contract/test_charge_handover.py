"""Holds that are handed to somebody else, who settles them: a worker, a webhook."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import partial

import pytest

from credits_core import HoldClosedError, InvalidRequestError
from credits_core.charge import adrain
from tests.contract.accounts import sound
from tests.contract.flavours import on
from tests.contract.paid import client_of, fixed, held, resumed

pytestmark = pytest.mark.stores

WORKER = """
import sys
from credits_core import Credits, HoldClosedError, resume_hold

url, user, hold = sys.argv[1:]
with Credits.from_url(url, timeout=10) as credits:
    try:
        with resume_hold(credits, user, hold) as charge:
            charge.settle(20)
        print(charge.cost)
    except HoldClosedError as closed:
        print("ended before:", closed.kept)
"""


async def handed(credits, user, estimate=50, **options):
    async with held(credits, user, estimate, **options) as work:
        return work.hand_over()


async def test_the_end_is_left_to_somebody_else(credits, rich):
    async with held(credits, rich, 50) as work:
        job = work.hand_over()
        assert not work.open
    assert (job, work.amount, work.cost) == (work.id, 50, 50)
    await sound(credits, rich, 50)
    await credits.settle(rich, job, 20)
    await sound(credits, rich, 80)


async def test_work_that_breaks_after_it_handed_over_changes_nothing(credits, rich):
    async def work() -> None:
        async with held(credits, rich, 50) as charge:
            jobs.append(charge.hand_over())
            raise KeyError

    jobs = []
    with pytest.raises(KeyError):
        await work()
    await sound(credits, rich, 50)
    async with resumed(credits, rich, jobs[0]):
        pass
    await sound(credits, rich, 50)


async def test_what_nobody_ends_expires(credits, rich):
    await handed(credits, rich, expires_in=0.02)
    await asyncio.sleep(0.05)
    await credits.get_balance(rich)
    await sound(credits, rich, 100)


async def test_a_fixed_price_that_is_handed_over_is_paid(credits, rich):
    async with fixed(credits, rich, 10) as work:
        job = work.hand_over()
    await sound(credits, rich, 90)
    await credits.refund(rich, job)
    await sound(credits, rich, 100)


async def test_what_cannot_be_handed_over(credits, rich):
    for work in (held(credits, rich, 0), held(credits, rich, 5)):
        with pytest.raises(InvalidRequestError, match="nothing to hand over"):
            work.hand_over()  # has not begun
        async with work:
            pass
        with pytest.raises(InvalidRequestError, match="nothing to hand over"):
            work.hand_over()
    free, outer, inner = (held(credits, rich, estimate) for estimate in (0, 5, 5))
    async with free, outer, inner:
        for work in (free, inner):
            with pytest.raises(InvalidRequestError, match="nothing to hand over"):
                work.hand_over()


async def test_nothing_is_left_to_wait_for(credits, rich):
    await handed(credits, rich)
    client = client_of(credits)
    if client is credits:
        before = asyncio.get_running_loop().time()
        await adrain(client, 5)
        assert asyncio.get_running_loop().time() - before < 1


async def test_a_worker_says_what_it_cost(credits, rich):
    job = await handed(credits, rich)
    async with resumed(credits, rich, job) as work:
        assert (work.id, work.amount, work.balance) == (job, 50, 50)
        work.settle(20)
    assert (work.cost, work.balance) == (20, 80)
    await sound(credits, rich, 80)


async def test_a_worker_without_a_word_keeps_all_of_it(credits, rich):
    async with resumed(credits, rich, await handed(credits, rich)) as work:
        pass
    assert work.cost == 50
    await sound(credits, rich, 50)


async def test_a_worker_that_fails_gives_everything_back(credits, rich):
    job = await handed(credits, rich)
    with pytest.raises(KeyError):
        async with resumed(credits, rich, job):
            raise KeyError
    await sound(credits, rich, 100)


async def test_a_worker_lets_the_hold_grow_and_streams(credits, rich):
    job = await handed(credits, rich, 5)
    async with resumed(credits, rich, job, step=10) as work:
        await work.spend(20)
        assert [piece async for piece in work.stream("abc", 2)] == ["a", "b", "c"]
    assert work.cost == 26
    await sound(credits, rich, 74)


async def test_a_worker_renews_the_hold(credits, rich):
    job = await handed(credits, rich, expires_in=0.2)
    async with resumed(credits, rich, job, expires_in=60):
        await asyncio.sleep(0.3)
        assert await credits.get_balance(rich) == 50
    await sound(credits, rich, 50)


async def test_work_inside_a_worker_draws_on_the_hold(credits, rich):
    job = await handed(credits, rich)
    async with resumed(credits, rich, job) as work, fixed(credits, rich, 10, "inner"):
        pass
    assert work.cost == 10
    await sound(credits, rich, 90)


async def test_a_worker_inside_paid_work_is_charged_by_its_own_hold(credits, rich):
    job = await handed(credits, rich, 20)
    async with fixed(credits, rich, 30), resumed(credits, rich, job):
        pass
    await sound(credits, rich, 50)


async def test_a_job_that_runs_twice_is_paid_once(credits, rich):
    job = await handed(credits, rich)
    async with resumed(credits, rich, job) as work:
        work.settle(20)
    with pytest.raises(HoldClosedError, match="settled before") as closed:
        async with resumed(credits, rich, job):
            pytest.fail("the job ran again")
    assert closed.value.kept == 20
    await sound(credits, rich, 80)


async def test_a_job_that_runs_in_two_places_is_paid_once(credits, rich):
    job = await handed(credits, rich)
    async with resumed(credits, rich, job) as slow:
        async with resumed(credits, rich, job) as fast:
            fast.settle(20)
        slow.settle(30)
    assert (fast.cost, slow.cost) == (20, 20)  # who came second is told what it did cost
    await sound(credits, rich, 80)


async def test_a_job_of_a_hold_that_has_expired_does_not_run(credits, rich):
    job = await handed(credits, rich, expires_in=0.02)
    await asyncio.sleep(0.05)
    with pytest.raises(HoldClosedError, match="expired"):
        async with resumed(credits, rich, job):
            pytest.fail("the job ran")
    await sound(credits, rich, 100)


@on("tcp-async")
async def test_a_worker_in_another_process_that_is_run_twice(credits, rich, server):
    job = await handed(credits, rich)
    command = [sys.executable, "-c", WORKER, server.url, rich, job]
    run = partial(subprocess.run, command, capture_output=True, text=True, check=True)
    said = [(await asyncio.to_thread(run)).stdout.strip() for _ in range(2)]
    assert said == ["20", "ended before: 20"]
    await sound(credits, rich, 80)
