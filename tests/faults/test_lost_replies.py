"""A reply that does not come, comes broken or comes late: one effect, and the truth told."""

from __future__ import annotations

import pytest

from credits_core import BackendUnavailableError, OutcomeUnknownError, Receipt
from tests.faults.helpers import METADATA, attempt, bounded, read_ledger, ready

KEYS = pytest.mark.parametrize("key", [None, "order-1"], ids=["no-key", "key"])


@pytest.fixture
async def credits(line, opened, user):
    client = opened(line.open(timeout=0.8))
    await ready(client, user)
    return client


@pytest.fixture
async def hasty(line, opened, user):
    """A client for calls that fail, which take the longer the more time they have."""
    client = opened(line.open(timeout=0.4))
    await ready(client, user)
    return client


def check_one_charge(store, user, receipt, amount=10):
    assert isinstance(receipt, Receipt)
    assert (receipt.amount, receipt.created, receipt.replayed) == (amount, True, False)
    ledger = read_ledger(store, user)
    assert ledger.of("charge") == [(receipt.tx_id, -amount)]
    assert ledger.balance == receipt.balance == 1000 - amount


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ("lose_reply", None),
        ("lose_reply", "order-1"),
        ("drop_request", None),
        ("cut_reply", "order-1"),
        ("swallow_reply", None),
    ],
)
async def test_one_broken_try_charges_once_and_succeeds(line, credits, store, user, fault, key):
    getattr(line, fault)()
    receipt = await attempt(credits.deduct(user, 10, "charge", METADATA, idempotency_key=key))
    assert line.faults.armed == 0
    check_one_charge(store, user, receipt)


async def test_a_reply_beyond_the_timeout_charges_once(line, credits, store, user):
    line.hold_reply(0.5)
    receipt = await attempt(credits.deduct(user, 10, "charge", METADATA))
    check_one_charge(store, user, receipt)


@KEYS
async def test_additions_and_sign_ups_survive_a_lost_reply(line, credits, store, new_user, key):
    user = new_user()
    await credits.initialize_user(new_user(), 1)  # the server knows the script from now on
    line.lose_reply()
    sign_up = await credits.initialize_user(user, 50)
    assert (sign_up.balance, sign_up.created) == (50, True)
    line.lose_reply()
    bought = await credits.add(user, 7, "bought", METADATA, idempotency_key=key)
    assert (bought.balance, bought.replayed) == (57, False)
    ledger = read_ledger(store, user)
    assert [entry["id"] for entry in ledger.entries] == [sign_up.tx_id, bought.tx_id]


async def test_the_same_call_after_a_lost_reply_is_a_replay(line, credits, store, user):
    line.lose_reply()
    first = await credits.deduct(user, 10, "charge", idempotency_key="k")
    again = await credits.deduct(user, 10, "charge", idempotency_key="k")
    assert (first.replayed, again.replayed, first.tx_id) == (False, True, again.tx_id)
    assert read_ledger(store, user).balance == 990


@pytest.mark.parametrize(
    ("fault", "key"), [("lose_reply", None), ("lose_reply", "order-1"), ("swallow_reply", None)]
)
async def test_when_all_replies_are_lost_resolve_finds_the_receipt(
    line, hasty, store, user, fault, key
):
    getattr(line, fault)(2)
    with bounded():
        error = await attempt(hasty.deduct(user, 10, "charge", METADATA, idempotency_key=key))
    assert isinstance(error, OutcomeUnknownError)
    assert (error.user_id, error.tx_id is not None) == (user, True)
    assert read_ledger(store, user).of("charge") == [(error.tx_id, -10)]

    receipt = await hasty.resolve(error)
    assert receipt.tx_id == error.tx_id
    check_one_charge(store, user, receipt)
    assert await hasty.resolve(error) == receipt


async def test_a_request_that_never_arrived_resolves_to_none_for_good(line, hasty, store, user):
    line.drop_request(2)
    with bounded():
        error = await attempt(hasty.deduct(user, 10, "charge", METADATA))
    assert isinstance(error, OutcomeUnknownError)
    for _ in range(2):
        assert await hasty.resolve(error) is None
    assert read_ledger(store, user).of("charge") == []
    assert (await hasty.deduct(user, 10, "again")).balance == 990


async def test_resolve_itself_survives_a_lost_reply(line, hasty, store, user):
    line.lose_reply(3)  # both tries of the charge, then the first question
    error = await attempt(hasty.deduct(user, 10, "charge"))
    assert isinstance(error, OutcomeUnknownError)
    check_one_charge(store, user, await hasty.resolve(error))
    assert line.faults.armed == 0


async def test_resolve_says_when_it_could_not_ask(line, hasty, store, user):
    line.lose_reply(2)
    error = await attempt(hasty.deduct(user, 10, "charge", METADATA))
    line.lose_reply(10)
    with bounded():
        unanswered = await attempt(hasty.resolve(error))
    assert isinstance(unanswered, BackendUnavailableError)
    assert "resolve" in str(unanswered)
    line.faults.clear()
    check_one_charge(store, user, await hasty.resolve(error))


async def test_reads_survive_a_lost_reply_and_are_never_unknown(line, hasty, user):
    await hasty.get_transactions(user)
    line.lose_reply()
    assert await hasty.get_balance(user) == 1000
    line.lose_reply()
    assert len(await hasty.get_transactions(user)) == 2
    line.lose_reply(2)
    assert isinstance(await attempt(hasty.get_balance(user)), BackendUnavailableError)
