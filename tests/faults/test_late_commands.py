"""A command that reaches the store late: its deadline refuses it, or the log already has it."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import (
    AsyncCredits,
    BackendUnavailableError,
    Credits,
    InsufficientCreditsError,
    OutcomeUnknownError,
    Receipt,
)
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import METADATA, attempt, bounded, read_ledger, ready


@pytest.fixture
async def credits(slow_line, opened, user):
    """A client whose tries may take 0.2 s, and its deadlines 0.4 s."""
    client = opened(slow_line.open(timeout=0.5))
    await ready(client, user)
    return client


@pytest.fixture
async def patient(slow_line, opened):
    """A client whose tries may take 0.32 s, and its deadlines 0.64 s."""
    return opened(slow_line.open(timeout=0.8))


@pytest.fixture
async def frozen(fragile, opened, sync, user):
    """A client whose server has just stopped answering."""
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(fragile.url, timeout=0.8)
    client = opened(AsyncFace(client) if sync else client)
    await ready(client, user)
    fragile.freeze()
    yield client
    fragile.thaw()


async def test_copies_held_beyond_the_deadline_are_refused(slow_line, credits, store, user):
    slow_line.hold_request(0.55, times=2)
    with bounded():
        error = await attempt(credits.deduct(user, 10, "charge", METADATA))
    assert isinstance(error, OutcomeUnknownError)

    slow_line.faults.clear()
    assert await credits.resolve(error) is None  # both copies are still on their way
    await slow_line.all_arrived()
    assert await credits.resolve(error) is None
    ledger = read_ledger(store, user)
    assert (ledger.of("charge"), ledger.balance) == ([], 1000)


async def test_a_late_first_copy_finds_what_the_second_did(slow_line, credits, store, user):
    slow_line.hold_request(0.55)
    receipt = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(receipt, Receipt)
    await slow_line.all_arrived()
    ledger = read_ledger(store, user)
    assert (ledger.of("charge"), ledger.balance) == ([(receipt.tx_id, -10)], 990)


async def test_a_copy_within_its_deadline_finds_what_the_second_did(
    slow_line, credits, store, user
):
    slow_line.hold_request(0.3)
    receipt = await attempt(credits.add(user, 10, "charge", idempotency_key="k"))
    await slow_line.all_arrived()
    ledger = read_ledger(store, user)
    assert (ledger.of("charge"), ledger.balance) == ([(receipt.tx_id, 10)], 1010)


async def test_the_answer_of_the_first_copy_was_lost_and_the_second_is_late(
    slow_line, credits, store, user
):
    slow_line.lose_reply()
    slow_line.hold_request(0.55)
    error = await attempt(credits.deduct(user, 10, "charge"))
    assert isinstance(error, OutcomeUnknownError)
    receipt = await credits.resolve(error)
    await slow_line.all_arrived()
    assert await credits.resolve(error) == receipt
    assert read_ledger(store, user).of("charge") == [(receipt.tx_id, -10)]


async def test_a_frozen_server_refuses_what_it_finds_in_its_buffers(frozen, fragile, user):
    with bounded():
        error = await attempt(frozen.deduct(user, 10, "charge", METADATA))
    assert isinstance(error, OutcomeUnknownError)
    with bounded():
        assert isinstance(await attempt(frozen.resolve(error)), BackendUnavailableError)

    fragile.thaw()
    assert await frozen.resolve(error) is None
    assert await frozen.resolve(error) is None
    ledger = await asyncio.to_thread(read_ledger, fragile, user)
    assert (ledger.of("charge"), ledger.balance) == ([], 1000)
    assert (await frozen.deduct(user, 10, "charge")).balance == 990


async def test_a_server_that_thaws_in_time_charges_once(frozen, fragile, user):
    call = asyncio.create_task(attempt(frozen.deduct(user, 10, "charge")))
    await asyncio.sleep(0.45)  # the first try has been given up, the second is on its way
    fragile.thaw()
    receipt = await call
    assert isinstance(receipt, Receipt)
    ledger = read_ledger(fragile, user)
    assert (ledger.of("charge"), ledger.balance) == ([(receipt.tx_id, -10)], 990)


async def test_a_refusal_after_a_lost_answer_waits_for_the_first_copy(
    slow_line, patient, store, new_user
):
    user = new_user()
    await patient.add(user, 5, "opening")
    slow_line.hold_request(0.52)  # forwarded before its deadline, which is 0.64 s away
    call = asyncio.create_task(attempt(patient.deduct(user, 10, "charge")))
    await asyncio.sleep(0.42)  # the second try has been refused by now
    await patient.add(user, 100, "top-up")
    outcome = await call
    await slow_line.all_arrived()

    entries = read_ledger(store, user).of("charge")
    if isinstance(outcome, Receipt):
        assert entries == [(outcome.tx_id, -10)]
    else:
        assert isinstance(outcome, InsufficientCreditsError)
        assert entries == []


async def test_a_refusal_after_a_lost_answer_is_told_when_it_is_final(slow_line, patient, new_user):
    user = new_user()
    await patient.add(user, 5, "opening")
    slow_line.lose_reply()
    with bounded():
        refusal = await attempt(patient.deduct(user, 10, "charge"))
    assert isinstance(refusal, InsufficientCreditsError)
    assert (refusal.required, refusal.available) == (10, 5)


async def test_a_refusal_that_cannot_be_confirmed_is_unknown(slow_line, patient, store, new_user):
    user = new_user()
    await patient.add(user, 5, "opening")
    # The second try is refused; then the question whether the first happened is lost.
    slow_line.hold_request(0.5)
    call = asyncio.create_task(attempt(patient.deduct(user, 10, "charge")))
    await asyncio.sleep(0.42)
    slow_line.drop_request()
    outcome = await call
    assert isinstance(outcome, OutcomeUnknownError)
    assert await patient.resolve(outcome) is None
    assert read_ledger(store, user).balance == 5


async def test_a_late_deletion_spares_the_account_that_came_after(slow_line, credits, store, user):
    await credits.delete_account(user)
    await credits.add(user, 7, "opening")
    slow_line.hold_request(0.3)
    assert await credits.delete_account(user) is True
    await credits.add(user, 9, "opening")
    await slow_line.all_arrived()
    assert read_ledger(store, user).balance == 9
