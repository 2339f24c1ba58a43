"""One failing call among those that travel together never harms its neighbours."""

from __future__ import annotations

import asyncio

import pytest
import upstash_redis.asyncio

from credits_core import (
    AccountStateError,
    AsyncCredits,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    Receipt,
)
from credits_core.backends.upstash import AsyncUpstashClientBackend
from tests.faults.helpers import METADATA, TOKEN, attempt, read_ledger


@pytest.fixture(params=["tcp", "rest", "upstash-redis"])
async def credits(request, store, gateway):
    if request.param == "tcp":
        client = AsyncCredits.from_url(store.url, timeout=5)
    elif request.param == "rest":
        client = AsyncCredits.from_url(gateway.url, token=TOKEN, timeout=5)
    else:
        http = upstash_redis.asyncio.Redis(gateway.url, TOKEN, rest_retries=0)
        client = AsyncCredits(AsyncUpstashClientBackend(http), timeout=5)
    yield client
    await client.aclose()
    if request.param == "upstash-redis":
        await http.close()


async def test_each_caller_gets_its_own_answer(credits, store, new_user):
    good = [new_user() for _ in range(40)]
    poor, garbage, fraction = new_user(), new_user(), new_user()
    list_balance, hash_log, text_state, lost_balance, text_records = (new_user() for _ in range(5))
    await asyncio.gather(*(credits.add(name, 100, "opening") for name in [*good, lost_balance]))
    await credits.deduct(good[0], 1, "known", idempotency_key="taken")
    store.call("SET", f"balance:{garbage}", "ten")
    store.call("SET", f"balance:{fraction}", "10.5")
    store.call("RPUSH", f"balance:{list_balance}", "x")
    store.call("SET", f"balance:{hash_log}", "5")
    store.call("HSET", f"txs:{hash_log}", "f", "v")
    store.call("SET", f"credits:state:{text_state}", "x")
    store.call("DEL", f"balance:{lost_balance}")
    for number in (0, 1):
        store.call("SET", f"credits:charges:{number}:{text_records}", "x")

    states = {
        garbage: "not_a_number",
        fraction: "fractional",
        list_balance: "wrong_type",
        hash_log: "wrong_type",
        text_state: "wrong_type",
        lost_balance: "missing_balance",
    }
    broken = [credits.deduct(name, 3, "charge", METADATA) for name in states]
    broken += [
        credits.deduct(text_records, 3, "charge", idempotency_key="k"),
        credits.deduct(poor, 3, "charge"),
        credits.deduct(good[0], 9, "known", idempotency_key="taken"),
        credits.deduct(good[0], 0, "charge"),
    ]
    fine = [credits.deduct(name, 3 + n, "charge", METADATA) for n, name in enumerate(good)]
    mixed = [call for pair in zip(broken, fine, strict=False) for call in pair]
    mixed += fine[len(broken) :]
    told = dict(zip(mixed, await asyncio.gather(*map(attempt, mixed)), strict=True))

    refusals = [told[call] for call in broken]
    for refusal, state in zip(refusals, states.values(), strict=False):
        assert isinstance(refusal, AccountStateError)
        assert refusal.state == state
    assert [type(refusal) for refusal in refusals[len(states) :]] == [
        AccountStateError,
        InsufficientCreditsError,
        IdempotencyConflictError,
        InvalidRequestError,
    ]
    for n, (name, call) in enumerate(zip(good, fine, strict=True)):
        receipt = told[call]
        assert isinstance(receipt, Receipt)
        assert receipt.amount == 3 + n
        assert read_ledger(store, name).of("charge") == [(receipt.tx_id, -3 - n)]


async def test_a_forgotten_script_amid_merged_calls(credits, store, gateway, new_user):
    names = [new_user() for _ in range(30)]
    await asyncio.gather(*(credits.add(name, 10, "opening") for name in names))
    store.call("SCRIPT", "FLUSH")
    calls = [credits.deduct(name, 4, "charge") for name in names]
    calls += [credits.get_balance(name) for name in names]
    results = await asyncio.gather(*map(attempt, calls))
    for name, receipt, balance in zip(names, results, results[30:], strict=False):
        assert isinstance(receipt, Receipt)
        assert read_ledger(store, name).of("charge") == [(receipt.tx_id, -4)]
        assert balance in (6, 10)
