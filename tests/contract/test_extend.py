"""Holds of long jobs: more credits, more time, or both, and never an earlier end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from credits_core import (
    HoldClosedError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    commands,
)
from tests.contract.accounts import sound
from tests.contract.store import Store
from tests.contract.told import keys, tell

pytestmark = pytest.mark.stores

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000


@pytest.fixture
async def job(credits, user):
    """A hold of 60 of the user's 100 credits, for an hour."""
    await credits.initialize_user(user, 100)
    return await credits.hold(user, 60, "train", expires_in=3600)


def extend_command(credits, user, hold_id, amount=5, **more):
    given = {"expires_in": None, "idempotency_key": None, "now_ms": NOW}
    return commands.extend(keys(credits), user, hold_id, amount, **(given | more))


async def open_hold(credits, user):
    (hold,) = (await credits.get_account(user)).holds
    return hold


async def test_more_credits_leave_the_balance_and_the_time_stays(credits, user, job):
    more = await credits.extend(user, job.id, 15)
    assert (more.id, more.user_id, more.amount, more.balance) == (job.id, user, 75, 25)
    assert (more.expires_at, more.replayed) == (job.expires_at, False)
    found = await open_hold(credits, user)
    assert (found.amount, found.action, found.expires_at) == (75, "train", job.expires_at)
    (entry, _, _) = await credits.get_transactions(user)
    assert (entry.amount, entry.kind, entry.hold_id) == (-15, "extend", job.id)
    assert entry.expires_at is None
    receipt = await credits.settle(user, job.id, 70)
    assert (receipt.amount, receipt.balance) == (70, 30)
    await sound(credits, user, 30)


@pytest.mark.parametrize("span", [7200, 7200.0, timedelta(hours=2)])
async def test_more_time_counts_from_now_and_the_credits_stay(credits, user, job, span):
    more = await credits.extend(user, job.id, expires_in=span)
    assert (more.amount, more.balance) == (60, 40)
    assert abs(more.expires_at - job.expires_at - HOUR_MS) < 60_000
    assert (await open_hold(credits, user)).expires_at == more.expires_at
    (entry, _, _) = await credits.get_transactions(user)
    assert (entry.amount, entry.kind, entry.expires_at) == (0, "extend", more.expires_at)
    await sound(credits, user, 40)


async def test_more_of_both(credits, user, job):
    more = await credits.extend(user, job.id, 40, expires_in=7200)
    assert (more.amount, more.balance) == (100, 0)
    assert more.expires_at > job.expires_at


async def test_a_hold_never_ends_earlier_than_it_was_told(credits, user, job):
    for span in (0.001, 60, 3000):
        assert (await credits.extend(user, job.id, 1, expires_in=span)).expires_at == job.expires_at
    found = await open_hold(credits, user)
    assert (found.amount, found.expires_at) == (63, job.expires_at)


async def test_extending_again_and_again_adds_up(credits, user, job):
    await asyncio.gather(*(credits.extend(user, job.id, 1) for _ in range(40)))
    assert (await open_hold(credits, user)).amount == 100
    await sound(credits, user, 0)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.extend(user, job.id, 1)
    assert (refusal.value.required, refusal.value.available) == (1, 0)
    assert (await credits.release(user, job.id)).balance == 100
    await sound(credits, user, 100)


async def test_a_refused_extension_leaves_all_as_it_is(credits, user, job):
    before = await Store(credits).look(user)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.extend(user, job.id, 41, expires_in=7200, idempotency_key="more")
    assert (refusal.value.required, refusal.value.available) == (41, 40)
    assert await Store(credits).look(user) == before


@pytest.mark.parametrize("end", ["settled", "released"])
async def test_what_has_ended_is_not_extended(credits, user, job, end):
    if end == "settled":
        ended = await credits.settle(user, job.id, 25)
    else:
        ended = await credits.release(user, job.id)
    before = await Store(credits).look(user)
    for more in ({"amount": 5}, {"expires_in": 60}, {"amount": 5, "idempotency_key": "k"}):
        with pytest.raises(HoldClosedError, match=end) as refusal:
            await credits.extend(user, job.id, **more)
        assert (refusal.value.state, refusal.value.kept) == (end, ended.amount)
        assert refusal.value.tx_id == ended.tx_id
    assert await Store(credits).look(user) == before


async def test_a_key_makes_a_repeated_extension_answer_the_first(credits, user, job):
    first = await credits.extend(user, job.id, 15, expires_in=7200, idempotency_key="more")
    await credits.extend(user, job.id, 5)
    again = await credits.extend(user, job.id, 15, expires_in=7200, idempotency_key="more")
    assert (again.id, again.amount, again.expires_at) == (job.id, 75, first.expires_at)
    assert (first.replayed, again.replayed, again.balance) == (False, True, 20)
    await credits.release(user, job.id)
    late = await credits.extend(user, job.id, 15, expires_in=7200, idempotency_key="more")
    assert (late.amount, late.replayed, late.balance) == (75, True, 100)
    await sound(credits, user, 100)


async def test_a_key_of_an_extension_is_for_this_extension_only(credits, user, job):
    await credits.extend(user, job.id, 15, idempotency_key="more")
    other = await credits.hold(user, 1, "other")
    calls = (
        lambda: credits.extend(user, job.id, 16, idempotency_key="more"),
        lambda: credits.extend(user, job.id, 15, expires_in=60, idempotency_key="more"),
        lambda: credits.extend(user, other.id, 15, idempotency_key="more"),
        lambda: credits.deduct(user, 15, job.id, idempotency_key="more"),
    )
    for call in calls:
        with pytest.raises(IdempotencyConflictError, match="extend 15"):
            await call()
    await sound(credits, user, 24)


async def test_concurrent_extensions_with_one_key_are_one(credits, user, job):
    holds = await asyncio.gather(
        *(credits.extend(user, job.id, 10, idempotency_key="more") for _ in range(20))
    )
    assert {hold.amount for hold in holds} == {70}
    assert sorted(hold.replayed for hold in holds) == [False] + [True] * 19
    await sound(credits, user, 30)


@pytest.mark.parametrize("key", [None, "more"])
@pytest.mark.parametrize("amount", [0, 5])
async def test_the_same_bytes_extend_once_and_answer_alike(credits, user, job, key, amount):
    command = extend_command(credits, user, job.id, amount, expires_in=86_400, idempotency_key=key)
    assert await tell(credits, command, deadline=0) == ["late"]
    first, second = await tell(credits, command, 2)
    assert first == second
    assert (first.amount, first.balance, first.replayed) == (60 + amount, 40 - amount, False)
    assert first.expires_at == NOW + 86_400_000
    assert await tell(credits, command, deadline=0) == [first]
    assert len((await Store(credits).look(user)).members) == 3


@pytest.mark.parametrize("key", [None, "more"])
async def test_an_extension_is_known_when_the_hold_has_ended_meanwhile(credits, user, job, key):
    command = extend_command(credits, user, job.id, 5, idempotency_key=key)
    (made,) = await tell(credits, command)
    await credits.settle(user, job.id, 30)
    (again,) = await tell(credits, command)
    assert (again.id, again.amount, again.expires_at) == (job.id, 65, made.expires_at)
    assert (again.replayed, again.balance) == (False, 70)
    assert (await tell(credits, command, deadline=0)) == [again]
    await sound(credits, user, 70)


async def test_of_concurrent_ends_and_extensions_no_credit_is_lost(credits, user, job):
    calls = [credits.extend(user, job.id, 1) for _ in range(20)]
    calls.insert(10, credits.settle(user, job.id, 30))
    results = await asyncio.gather(*calls, return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, HoldClosedError) for error in failed)
    await sound(credits, user, 70)


async def test_a_frozen_account_gives_a_hold_time_but_no_credits(credits, user, job):
    await credits.freeze(user, "fraud")
    with pytest.raises(LimitExceededError, match="fraud") as refusal:
        await credits.extend(user, job.id, 1)
    assert refusal.value.rule == "frozen"
    assert (await credits.extend(user, job.id, expires_in=7200)).expires_at > job.expires_at


async def test_an_extension_keeps_to_the_floor(credits, user, job):
    await credits.set_floor(user, 30)
    with pytest.raises(InsufficientCreditsError) as refusal:
        await credits.extend(user, job.id, 11)
    assert (refusal.value.required, refusal.value.available) == (11, 10)
    assert (await credits.extend(user, job.id, 10)).balance == 30


async def test_the_ledger_refuses_words_that_the_client_would_not_send(credits, user, job):
    made = extend_command(credits, user, job.id)
    for word in ("-1", "1.5", "nan", "", "9007199254740993"):
        args = (made.call.args[0], word, *made.call.args[2:])
        (answer,) = await tell(credits, made._replace(call=made.call._replace(args=args)))
        assert isinstance(answer, InvalidRequestError), word
    await sound(credits, user, 40)
