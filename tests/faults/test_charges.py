"""Paid work when answers are lost: one charge, one end, whatever the work is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial

import pytest

from credits_core import AsyncCredits, BackendError, Credits, OutcomeUnknownError
from credits_core.charge import adrain, drain, hold_credits, pending
from tests.contract.paid import client_of, fixed, held
from tests.faults.helpers import Line, check_secrets, read_ledger, ready
from tests.support.proxy import Proxy

FOR_EVER = 10**6
KINDS = pytest.mark.parametrize("kind", [fixed, held])

ABANDONED = """
import os, signal, sys
from credits_core import Credits, hold_credits

credits = Credits.from_url(sys.argv[1], timeout=5)
with hold_credits(credits, sys.argv[2], 50, "job", expires_in=0.5) as charge:
    charge.spend(60)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """The background does not wait as long as in life."""
    monkeypatch.setattr(pending, "PAUSES", (0.05,) * 400)


@pytest.fixture
async def credits(wire, opened, user):
    return await prepared(opened(wire.open(timeout=0.8)), user)


async def prepared(credits, user):
    """An account of 100 credits, and every script known to the server."""
    await ready(credits, user, 100)
    async with held(credits, user, 5) as work:
        await work.spend(6)
        work.refund()
    async with fixed(credits, user, 5) as work:
        work.refund()
    return credits


async def drained(credits, seconds=20):
    """Nothing is left to do in the background."""
    client = client_of(credits)
    if isinstance(client, AsyncCredits):
        await adrain(client, seconds)
    else:
        await asyncio.to_thread(drain, client, seconds)


async def fail(work, first):
    async with work:
        first()
        raise KeyError("the work")


@pytest.mark.parametrize("fault", ["lose_reply", "drop_request", "cut_reply", "swallow_reply"])
@KINDS
async def test_one_fault_at_each_step_changes_nothing(credits, wire, store, user, kind, fault):
    broken = getattr(wire, fault)
    broken()
    async with kind(credits, user, 10, "job") as work:
        if kind is held:
            broken()
            await work.spend(14)
            assert work.amount == 20
        broken()
        work.settle(4)
    assert wire.faults.armed == 0
    assert (work.cost, work.balance) == (4, 96)
    assert read_ledger(store, user).balance == 96


@KINDS
async def test_a_charge_whose_answers_are_lost_is_given_back(credits, wire, store, user, kind):
    wire.lose_reply(FOR_EVER)
    with pytest.raises(OutcomeUnknownError) as unknown:
        async with kind(credits, user, 10, "job"):
            pytest.fail("the work ran")
    check_secrets(unknown.value)
    wire.faults.clear()
    await drained(credits)
    found = read_ledger(store, user)
    assert [amount for _, amount in found.of("job")][:1] == [-10]
    assert found.balance == 100


@KINDS
async def test_an_end_whose_answers_are_lost_happens_once(credits, wire, store, user, kind):
    async with kind(credits, user, 10, "job") as work:
        work.settle(4)
        wire.lose_reply(FOR_EVER)
    assert work.cost == 4  # as it will be
    wire.faults.clear()
    await drained(credits)
    assert read_ledger(store, user).balance == 96


@KINDS
async def test_work_that_fails_while_the_store_does_not_hear_is_given_back(
    credits, wire, store, user, kind
):
    work = kind(credits, user, 10, "job")
    with pytest.raises(KeyError, match="the work") as failed:
        await fail(work, partial(wire.drop_request, FOR_EVER))
    assert "has not come through" in failed.value.__notes__[0]
    check_secrets(failed.value)
    assert read_ledger(store, user).balance == 90
    wire.faults.clear()
    await drained(credits)
    assert read_ledger(store, user).balance == 100


async def test_an_extension_whose_answers_are_lost_ends_the_stream(credits, wire, store, user):
    async with held(credits, user, 5, "job") as work:
        stream = work.stream("abcdefghijkl", 1)
        pieces = await stream.take(5)
        wire.lose_reply(FOR_EVER)
        pieces += [piece async for piece in stream]
    assert pieces == list("abcde")
    assert isinstance(work.cut_off, BackendError)
    check_secrets(work.cut_off)
    wire.faults.clear()
    await drained(credits)
    assert read_ledger(store, user).balance == 95


async def test_work_whose_extension_is_not_answered_may_go_on(credits, wire, store, user):
    async with held(credits, user, 5, "job") as work:
        wire.lose_reply(FOR_EVER)
        with pytest.raises(OutcomeUnknownError):
            await work.spend(8)
        wire.faults.clear()
        await work.spend(8)
    assert work.cost == 8
    assert read_ledger(store, user).balance == 92


async def test_a_round_trip_a_step_and_not_a_piece(proxy, opened, user, sync):
    credits = await prepared(opened(Line(proxy, sync=sync).open(timeout=5)), user)
    before = proxy.requests
    async with held(credits, user, 10, "job", step=20) as work:
        assert proxy.requests - before == 1
        assert len([piece async for piece in work.stream(range(80), 1)]) == 80
    assert proxy.requests - before == 1 + 4 + 1
    before = proxy.requests
    async with fixed(credits, user, 10, "job"), held(credits, user, 5), fixed(credits, user, 5):
        pass
    assert proxy.requests - before == 1


async def test_a_process_that_dies_leaves_a_hold_that_expires(credits, store, user):
    command = [sys.executable, "-c", ABANDONED, store.url, user]
    dead = await asyncio.to_thread(partial(subprocess.run, command, check=False))
    assert dead.returncode == -9
    assert read_ledger(store, user).balance == 0
    await asyncio.sleep(0.6)
    assert await credits.get_balance(user) == 100
    assert read_ledger(store, user).balance == 100


def test_threads_and_drain(store, user):
    """What threads leave to the background is waited for, however many there are."""
    with Proxy(store) as proxy, Credits.from_url(proxy.url, timeout=0.3) as credits:
        credits.add(user, 100, "opening")

        def one() -> None:
            with suppress(KeyError), hold_credits(credits, user, 10, "job"):
                all_inside.wait(20)
                proxy.refuse()
                proxy.disconnect()
                raise KeyError

        all_inside = threading.Barrier(8)
        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert read_ledger(store, user).balance == 20
        drain(credits, 0.05)  # not for ever
        proxy.accept()
        drain(credits, 20)
        assert read_ledger(store, user).balance == 100
