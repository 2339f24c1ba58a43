"""Credits that expire: how they are told, and in which order they are spent."""

from __future__ import annotations

import itertools
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from credits_core import (
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
)
from tests.contract.accounts import grants
from tests.contract.flavours import on
from tests.contract.passing import all_at_once, in_waves
from tests.contract.told import addition, tell

pytestmark = pytest.mark.stores
DAY = 86_400
FAR = 4_000_000_000_000
"""An instant (ms) in the year 2096."""


async def test_credits_that_expire_are_spent_before_the_others(credits, user):
    await credits.add(user, 100, "purchase")
    promo = await credits.add(user, 40, "promo", expires_in=DAY)
    await credits.deduct(user, 30, "chat")
    account = await credits.get_account(user)
    (grant,) = account.grants
    assert (account.balance, account.available, account.held) == (110, 110, 0)
    assert (grant.id, grant.remaining, grant.priority) == (promo.tx_id, 10, 0)
    assert account.next_expiry == grant
    await credits.deduct(user, 30, "chat")
    account = await credits.get_account(user)
    assert (account.balance, account.grants, account.next_expiry) == (80, (), None)
    assert (await credits.verify_balance(user)).valid


async def test_grants_burn_by_priority_then_expiry_then_id(credits, user):
    plan = [(5, FAR), (0, FAR + 9), (0, FAR + 1), (0, FAR + 1), (-1000, FAR + 50), (1000, FAR)]
    random.Random(7).shuffle(plan)
    made = []
    for priority, expires in plan:
        receipt = await credits.add(user, 10, "x", priority=priority, expires_at=expires)
        made.append((priority, expires, receipt.tx_id))
    await credits.add(user, 10, "never expires")
    account = await credits.get_account(user)
    order = [(grant.priority, grant.expires_at, grant.id) for grant in account.grants]
    assert order == sorted(made)
    for left in range(6, 0, -1):
        remaining = [grant.id for grant in (await credits.get_account(user)).grants]
        assert remaining == [name for _, _, name in order[-left:]]
        await credits.deduct(user, 10, "chat")
    assert (await credits.get_account(user)).grants == ()
    assert await credits.get_balance(user) == 10


async def test_the_grant_that_expires_next_need_not_be_the_next_to_be_spent(credits, user):
    await credits.add(user, 10, "x", priority=-5, expires_at=FAR + 5)
    soon = await credits.add(user, 10, "x", expires_at=FAR)
    assert (await credits.get_account(user)).next_expiry.id == soon.tx_id


async def test_a_charge_runs_through_grants_into_the_rest(credits, user):
    for expires in (FAR, FAR + 1, FAR + 2):
        await credits.add(user, 10, "x", expires_at=expires)
    await credits.add(user, 10, "purchase")
    await credits.deduct(user, 25, "chat")
    assert await grants(credits, user) == [5]
    await credits.deduct(user, 7, "chat")
    assert await grants(credits, user) == []
    with pytest.raises(InsufficientCreditsError) as refused:
        await credits.deduct(user, 9, "chat")
    assert refused.value.available == 8


async def test_an_expiry_is_told_in_four_ways(credits, store, user):
    await credits.add(user, 1, "x", expires_in=90.5)
    await credits.add(user, 1, "x", expires_in=timedelta(seconds=90.5))
    at = datetime(2096, 10, 2, 7, 6, 40, 5000, tzinfo=UTC)
    await credits.add(user, 1, "x", expires_at=at)
    await credits.add(user, 1, "x", expires_at=FAR + 5)
    entries = [json.loads(member) for member in (await store.look(user)).members]
    spans = [entry["expires"] - entry["timestamp"] for entry in entries[:2]]
    assert spans == [90_500, 90_500]
    assert [entry["expires"] for entry in entries[2:]] == [FAR + 5, FAR + 5]
    told = await credits.get_transactions(user)
    assert {entry.kind for entry in told} == {"grant"}
    assert all(entry.grant_id == entry.id for entry in told)
    assert [entry.expires_at for entry in told[:2]] == [FAR + 5, FAR + 5]
    account = await credits.get_account(user)
    assert [grant.expires for grant in account.grants[2:]] == [at, at]


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_in": 60, "expires_at": FAR},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": float("nan")},
        {"expires_in": "60"},
        {"expires_in": True},
        {"expires_in": 10**12},
        {"expires_in": timedelta(0)},
        {"expires_at": 1},
        {"expires_at": -1},
        {"expires_at": datetime(2096, 1, 1)},  # noqa: DTZ001
        {"expires_at": datetime(1950, 1, 1, tzinfo=UTC)},
        {"expires_at": 2**53},
        {"expires_at": 10**15},
        {"expires_at": 1.5},
        {"priority": 1},
        {"priority": 1001, "expires_in": 60},
        {"priority": -1001, "expires_in": 60},
        {"priority": True, "expires_in": 60},
        {"priority": 0.0, "expires_in": 60},
    ],
    ids=str,
)
async def test_what_is_no_expiry_or_priority_is_refused_and_nothing_changes(
    credits, store, user, wrong
):
    with pytest.raises(InvalidRequestError):
        await credits.add(user, 10, "x", **wrong)
    assert (await store.look(user)).kept == {}


async def test_the_key_of_a_grant_holds_its_expiry_too(credits, user):
    first = await credits.add(user, 10, "x", expires_in=DAY, idempotency_key="k")
    again = await credits.add(user, 10, "x", expires_in=timedelta(days=1), idempotency_key="k")
    assert (again.replayed, again.tx_id, again.timestamp) == (True, first.tx_id, first.timestamp)
    for other in ({"expires_in": DAY + 1}, {"expires_at": FAR}, {}):
        with pytest.raises(IdempotencyConflictError):
            await credits.add(user, 10, "x", idempotency_key="k", **other)
    await credits.add(user, 10, "x", expires_at=FAR, idempotency_key="at")
    at = datetime.fromtimestamp(FAR / 1000, UTC)
    assert (await credits.add(user, 10, "x", expires_at=at, idempotency_key="at")).replayed
    assert await grants(credits, user) == [10, 10]


async def test_the_same_bytes_make_one_grant(credits, store, user):
    command = addition(credits, user, 10, FAR - 5, expires_at=FAR)
    (first,) = await tell(credits, command)
    await credits.deduct(user, 4, "chat")
    (again,) = await tell(credits, command)
    assert (again.tx_id, again.timestamp) == (first.tx_id, first.timestamp)
    assert not again.replayed
    assert await grants(credits, user) == [6]
    assert len((await store.look(user)).members) == 2


async def test_a_debt_is_paid_before_a_grant_gets_anything(credits, user):
    await credits.set_floor(user, -100)
    await credits.deduct(user, 80, "chat")
    await credits.add(user, 50, "x", expires_in=DAY)
    assert await grants(credits, user) == []
    receipt = await credits.add(user, 50, "x", expires_in=DAY)
    assert receipt.balance == 20
    assert await grants(credits, user) == [20]
    await credits.deduct(user, 30, "chat")
    assert await grants(credits, user) == []
    assert await credits.get_balance(user) == -10


async def test_a_sign_up_beside_a_grant_never_expires(open_credits, user):
    credits = open_credits(auto_initialize=True, default_credits=30)
    assert (await credits.add(user, 10, "x", expires_in=DAY)).balance == 40
    assert await grants(credits, user) == [10]
    assert (await credits.verify_balance(user)).valid


async def test_a_balance_without_a_log_is_opened_beside_a_grant(credits, store, user):
    await store.run("SET", f"balance:{user}", "70")
    assert (await credits.add(user, 10, "x", expires_in=DAY)).balance == 80
    assert await grants(credits, user) == [10]
    look = await store.look(user)
    assert [entry["amount"] for entry in look.entries] == [70, 10]


async def test_charges_at_once_spend_every_grant_once(credits, user):
    for number in range(5):
        await credits.add(user, 10, "x", expires_at=FAR + number)
    await credits.add(user, 10, "purchase")
    results = await all_at_once(*(credits.deduct(user, 3, "chat") for _ in range(30)))
    refused = [result for result in results if isinstance(result, InsufficientCreditsError)]
    assert len(refused) == 10
    assert await grants(credits, user) == []
    assert await credits.get_balance(user) == 0
    charges = [result for result in results if result not in refused]
    for charge in charges[:10]:
        await credits.refund(user, charge.tx_id)
    account = await credits.get_account(user)
    assert account.balance == 30
    assert 20 <= sum(grant.remaining for grant in account.grants) <= 30
    assert (await credits.verify_balance(user)).valid


async def test_a_grant_may_not_lift_the_balance_above_what_is_kept_exactly(credits, user):
    for _ in range(9):
        await credits.add(user, 10**15, "x", expires_in=DAY)
    with pytest.raises(LimitExceededError) as refused:
        await credits.add(user, 10**15, "x", expires_in=DAY)
    assert refused.value.rule == "max_balance"
    assert await grants(credits, user) == [10**15] * 9
    await credits.deduct(user, 10**15, "x")
    assert sum(await grants(credits, user)) == 8 * 10**15


@on("tcp-async", "rest-async")
async def test_an_account_has_a_thousand_live_grants_at_most(credits, user):
    numbers = itertools.count()
    made = await in_waves(
        credits.add(user, 1, "x", expires_at=FAR + next(numbers)) for _ in range(1010)
    )
    refused = [result for result in made if isinstance(result, LimitExceededError)]
    assert len(refused) == 10
    assert {error.rule for error in refused} == {"max_grants"}
    assert len(await grants(credits, user)) == 1000
    assert (await credits.add(user, 5, "purchase")).balance == 1005
    await credits.deduct(user, 2, "chat")
    await credits.add(user, 1, "x", expires_at=FAR)
    charge = await credits.deduct(user, 990, "chat")
    assert len(await grants(credits, user)) == 9
    await credits.refund(user, charge.tx_id)
    assert len(await grants(credits, user)) == 999
    assert (await credits.verify_balance(user)).valid
