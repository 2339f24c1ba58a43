"""Thousands of pieces of paid work at once, of which many fail and many are cancelled."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from credits_core import AsyncCredits
from credits_core.charge import adrain, hold_credits, require_credits
from tests.faults.helpers import read_ledger

CHARGES, USERS, START = 2000, 20, 10_000


@dataclass
class Account:
    """What the work of a user knows that it must cost, and what may be either."""

    paid: int = 0
    delivered: set[str] = field(default_factory=set)


async def piece(number):
    await asyncio.sleep(0)
    return number


async def pieces(count):
    for number in range(count):
        yield await piece(number)


class Work:
    """One piece of work of a random kind, which knows in the end what it must have cost."""

    def __init__(self, credits, user, dice):
        self.credits, self.user, self.dice = credits, user, dice
        self.charge = None
        self.cost = 0
        self.delivered = 0

    async def run(self):
        kind = self.dice.choice([self.fixed, self.metered, self.streamed, self.nested])
        fails = self.dice.random() < 0.3
        await kind(fails)

    async def fixed(self, fails):
        async with require_credits(self.credits, self.user, 7, "fixed"):
            await self.wait(fails)
            self.cost = 7
        # Cancelled while it was being settled, it is paid all the same.

    async def metered(self, fails):
        async with hold_credits(self.credits, self.user, 5, "metered", step=3) as charge:
            await charge.aspend(9.5)
            self.cost = 10  # whoever leaves from here on has used it
            try:
                await self.wait(fails)
            except KeyError:
                self.cost = 0
                raise

    async def streamed(self, fails):
        charge = hold_credits(self.credits, self.user, 2, "streamed", step=4)
        async with charge:
            async for number in charge.stream(pieces(6), 1):
                self.cost = number + 1  # paid also when its consumer fails between two pieces
                if fails and number == 3:
                    break
                await self.wait()

    async def nested(self, fails):
        async with hold_credits(self.credits, self.user, 4, "outer") as outer:
            async with require_credits(self.credits, self.user, 6, "inner"):
                await self.wait()
            outer.settle(1)
            self.cost = 7
            try:
                await self.wait(fails)
            except KeyError:
                self.cost = 0
                raise

    async def wait(self, fails=False):
        await asyncio.sleep(self.dice.random() * 0.02)
        if fails:
            raise KeyError


async def test_every_account_ends_right(store, new_user):
    dice = random.Random(4)
    users = [new_user() for _ in range(USERS)]
    # Who is cancelled on the way in is sure of the answer once so much time has passed.
    async with AsyncCredits.from_url(store.url, timeout=6) as credits:
        for user in users:
            await credits.add(user, START, "opening")
        works = [Work(credits, users[number % USERS], dice) for number in range(CHARGES)]
        tasks = [asyncio.create_task(work.run()) for work in works]
        loop = asyncio.get_running_loop()
        for task in tasks:
            if dice.random() < 0.4:
                loop.call_later(dice.random() * 0.8, task.cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await adrain(credits, 30)
        failed = [type(result) for result in results if result is not None]
        assert set(failed) == {KeyError, asyncio.CancelledError}
        assert min(failed.count(KeyError), failed.count(asyncio.CancelledError)) > 100
        for user in users:
            expected = sum(work.cost for work in works if work.user == user)
            assert read_ledger(store, user).balance == START - expected
            account = await credits.get_account(user)
            assert (account.held, account.holds) == (0, ())
            assert (await credits.verify_balance(user)).valid
