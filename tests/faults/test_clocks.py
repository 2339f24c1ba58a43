"""Clocks that differ or jump: deadlines are server time, and a wrong estimate corrects itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from credits_core import BackendUnavailableError, Credits, OutcomeUnknownError, Receipt
from tests.faults.helpers import Line, attempt, bounded, read_ledger, ready

HOUR = 3_600_000


@pytest.fixture
def credits(line, opened):
    return opened(line.open(timeout=0.6))


def executor(credits):
    return getattr(credits, "sync", credits)._executor


@pytest.mark.parametrize("skew", [-24 * 3600, -3600, 3600])
async def test_a_machine_whose_clock_is_wrong_works_at_once(
    line, credits, store, user, skew, monkeypatch
):
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + skew)
    receipt = await attempt(credits.add(user, 5, "opening"))
    monkeypatch.undo()
    assert isinstance(receipt, Receipt)
    assert abs(receipt.timestamp - time.time() * 1000) < 60_000
    assert abs(int(receipt.tx_id.split("_")[1]) - receipt.timestamp) < 5_000


@pytest.mark.parametrize("wrong", [-HOUR, HOUR])
async def test_a_wrong_estimate_is_corrected_within_the_call(credits, store, user, wrong):
    await ready(credits, user)
    executor(credits).clock._offset += wrong
    receipt = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(receipt, Receipt)
    assert abs(executor(credits).clock.now_ms() - time.time() * 1000) < 5_000
    assert read_ledger(store, user).of("charge") == [(receipt.tx_id, -10)]


async def test_a_slow_reply_does_not_set_the_estimate_back(line, credits, user):
    await ready(credits, user)
    before = executor(credits).clock.now_ms() - time.time() * 1000
    line.hold_reply(0.15)
    await credits.get_balance(user)
    after = executor(credits).clock.now_ms() - time.time() * 1000
    assert abs(after - before) < 100


async def test_a_deadline_far_ahead_keeps_the_question_open(proxy, opened, store, user):
    credits = opened(Line(proxy, sync=False).open(timeout=0.6))
    await ready(credits, user)
    executor(credits).clock._offset += 2_000  # the store's clock was set back
    proxy.drop_request(2)
    error = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(error, OutcomeUnknownError)
    with bounded():
        early = await attempt(credits.resolve(error))
    assert isinstance(early, BackendUnavailableError)
    assert "deadline" in str(early)
    await asyncio.sleep(max(0, (error.deadline_ms - time.time() * 1000) / 1000))
    assert await credits.resolve(error) is None
    assert read_ledger(store, user).balance == 1000


async def test_a_refusal_is_not_final_before_its_deadline(wire, opened, store, user):
    credits = opened(wire.open(timeout=0.6))
    await credits.add(user, 5, "opening")
    executor(credits).clock._offset += HOUR
    wire.hold_request(1.2)  # its deadline will not stop it for an hour
    outcome = await attempt(credits.deduct(user, 10, "charge"))
    await credits.add(user, 100, "top-up")
    await wire.all_arrived()
    entries = read_ledger(store, user).of("charge")
    assert isinstance(outcome, OutcomeUnknownError)
    assert entries == [(outcome.tx_id, -10)]


def test_any_number_of_threads_agree_on_the_clock(store, user):
    async def use(credits):
        await asyncio.gather(*(asyncio.to_thread(credits.get_balance, user) for _ in range(40)))

    with Credits.from_url(store.url) as credits:
        asyncio.run(use(credits))
        assert abs(credits._executor.clock.now_ms() - time.time() * 1000) < 5_000
