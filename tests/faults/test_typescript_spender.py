"""A TypeScript app in a process of its own spends what Python holds, grants and gives back."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from contextlib import suppress

import pytest
import redis.asyncio

from credits_core import (
    AsyncCredits,
    Credits,
    HoldClosedError,
    InsufficientCreditsError,
    InvalidRequestError,
)
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import read_ledger
from tests.support.typescript import TypeScriptSDK

SPENDER = """
import asyncio, json, sys, threading
import redis.asyncio
from tests.support.typescript import InsufficientCreditsError, TypeScriptSDK

url, user = sys.argv[1:]
done = threading.Event()
told = {}

async def spend(sdk, number):
    call = 0
    while not done.is_set():
        call += 1
        adds, amount = (call + number) % 5 == 0, 1 + (7 * call + number) % 23
        try:
            result = await (sdk.add if adds else sdk.deduct)(user, amount, f"ts-{number}")
        except InsufficientCreditsError:
            await asyncio.sleep(0.001)
            continue
        told[result.tx_id] = amount if adds else -amount
        await asyncio.sleep(0.0005)

async def main():
    async with redis.asyncio.from_url(url, decode_responses=True) as client:
        await asyncio.gather(*(spend(TypeScriptSDK(client, skew), n) for n, skew in
                               enumerate((0, 0, -3000, 1500))))

print("ready", flush=True)
threading.Thread(target=lambda: (sys.stdin.readline(), done.set())).start()
asyncio.run(main())
print(json.dumps(told))
"""


@pytest.fixture
def spend(store, user):
    """Starts the app; called again it ends, and says what it did."""
    program = [sys.executable, "-c", SPENDER, store.url, user]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield lambda: json.loads(process.communicate("stop\n", timeout=30)[0])
    process.kill()
    process.communicate()


@pytest.fixture
def credits(store, opened, sync):
    client = (Credits if sync else AsyncCredits).from_url(store.url, timeout=10)
    return opened(AsyncFace(client) if sync else client)


class Worker:
    """One that uses every operation on an account, and keeps what it was told."""

    def __init__(self, credits, user, number):
        self.credits = credits
        self.user = user
        self.told = {}  # transaction: what it took (below zero) or gave
        self.open = {}  # holds that may still be open, and what they took
        self._chance = random.Random(number)

    async def run(self, rounds):
        steps = (self.grant, self.charge, self.refunded, self.hold, self.settle, self.settle)
        for _ in range(rounds):
            # The other app was quicker to spend, or the hold has fallen due.
            with suppress(InsufficientCreditsError, HoldClosedError):
                await self._chance.choice(steps)()

    async def grant(self):
        amount, span = self._chance.randint(20, 60), self._chance.choice((0.01, 0.05, 60))
        # On a busy machine a short one would have expired before it is added.
        with suppress(InvalidRequestError):
            receipt = await self.credits.add(self.user, amount, "promo", expires_in=span)
            self.told[receipt.tx_id] = amount

    async def charge(self):
        receipt = await self.credits.deduct(self.user, self._chance.randint(1, 9), "py")
        self.told[receipt.tx_id] = -receipt.amount
        return receipt

    async def refunded(self):
        charge = await self.charge()
        for _ in range(2):
            receipt = await self.credits.refund(self.user, charge.tx_id)
            self.told[receipt.tx_id] = charge.amount

    async def hold(self):
        span = self._chance.choice((0.02, 60))
        hold = await self.credits.hold(
            self.user, self._chance.randint(5, 30), "job", expires_in=span
        )
        self.told[hold.id] = -hold.amount
        self.open[hold.id] = hold.amount

    async def settle(self):
        if not self.open:
            return
        hold_id, held = self.open.popitem()
        kept = self._chance.choice((0, held // 2, held, None))
        if kept is None:
            receipt = await self.credits.release(self.user, hold_id)
        else:
            receipt = await self.credits.settle(self.user, hold_id, kept)
        self.told[receipt.tx_id] = held - (kept or 0)


async def watch(store, user, until):
    """Look at the account, at one instant each time: the sum holds, nothing is overdrawn."""
    looks = 0
    while not until.done():
        ledger = await asyncio.to_thread(read_ledger, store, user)
        assert ledger.balance >= 0
        looks += 1
    return looks


def check_holds(entries):
    """Every hold ended once, and gave back what it took but for what was kept."""
    taken = {entry["id"]: -entry["amount"] for entry in entries if entry.get("kind") == "hold"}
    ends = [entry for entry in entries if "hold" in entry]
    assert sorted(entry["hold"] for entry in ends) == sorted(taken)
    for entry in ends:
        assert entry["amount"] == taken[entry["hold"]] - entry.get("kept", 0)


async def test_both_sides_keep_the_sum_and_nothing_goes_below_zero(
    credits, store, user, spend, sync
):
    await credits.initialize_user(user, 500)
    workers = [Worker(credits, user, number) for number in range(4)]
    work = asyncio.gather(*(worker.run(80) for worker in workers))
    assert await watch(store, user, work) > 5
    await work
    theirs = await asyncio.to_thread(spend)

    for worker in workers:
        for hold_id in worker.open:
            with suppress(HoldClosedError):
                receipt = await credits.release(user, hold_id)
                worker.told[receipt.tx_id] = worker.open[hold_id]
    await asyncio.sleep(0.06)  # the short grants have fallen due
    account = await credits.get_account(user)
    ledger = read_ledger(store, user)
    ours = {tx_id: amount for worker in workers for tx_id, amount in worker.told.items()}
    written = {entry["id"]: entry["amount"] for entry in ledger.entries}
    assert len(theirs) > 20
    assert len(ours) > 50
    assert {**ours, **theirs}.items() <= written.items()

    kinds = {entry.get("kind") for entry in ledger.entries}
    rest = [entry for entry in ledger.entries if entry["id"] not in {**ours, **theirs}]
    assert {entry.get("kind", entry["action"]) for entry in rest} == {"expire", "user_initialized"}
    check_holds(ledger.entries)
    assert {"hold", "settle", "release", "refund", "grant", "expire"} <= kinds
    assert account.balance == ledger.balance
    assert (account.held, account.holds) == (0, ())
    assert sum(grant.remaining for grant in account.grants) <= account.balance
    assert (await credits.verify_balance(user)).valid
    async with redis.asyncio.from_url(store.url, decode_responses=True) as client:
        assert (await TypeScriptSDK(client).verify_balance(user)).valid


async def test_what_it_spends_of_a_grant_does_not_expire_a_second_time(credits, store, user, spend):
    await credits.add(user, 400, "promo", expires_in=0.6)
    await asyncio.sleep(0.7)
    theirs = await asyncio.to_thread(spend)
    balance = await credits.get_balance(user)
    ledger = read_ledger(store, user)
    (lost,) = [amount for _, amount in ledger.of("grant_expired")] or [0]
    assert balance == ledger.balance >= 0
    assert 400 + sum(theirs.values()) + lost == balance
    assert -400 <= lost <= 0
    assert (await credits.get_account(user)).grants == ()
    assert (await credits.verify_balance(user)).valid
