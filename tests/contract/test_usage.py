"""Usage of real accounts: what happened to them, and logs too long to be loaded."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from credits_core import CreditsError
from credits_core.entries import made_at
from credits_core.usage import day_number
from tests.contract.flavours import only
from tests.contract.folding import Kept
from tests.contract.store import entry

flavour = only("tcp-async", "tcp-sync", "rest-async", "memory-sync")

DAY = 86_400


def gained(usage):
    total = usage.total
    plus = total.earned + total.refunded
    return plus - total.spent - total.expired - total.revoked - usage.held


async def test_an_account_with_a_bit_of_everything(credits, clock, new_user):
    user, friend = new_user(), new_user()
    await credits.initialize_user(user, 1000)
    charge = await credits.deduct(user, 50, "chat")
    await credits.refund(user, charge.tx_id, 20)
    paid = await credits.add(user, 100, "purchase")
    await credits.revoke(user, paid.tx_id, 30)
    await credits.transfer(user, friend, 10, idempotency_key="gift")
    settled = await credits.hold(user, 200, "video", expires_in=5 * DAY)
    released = await credits.hold(user, 70, "image")
    await credits.hold(user, 60, "image", expires_in=30)
    await credits.add(user, 40, "promotion", expires_in=60)
    await clock.forward(100)
    await credits.extend(user, settled.id, 25)
    await credits.settle(user, settled.id, 120)
    await credits.release(user, released.id)
    await credits.hold(user, 15, "training", expires_in=5 * DAY)
    usage = await credits.usage(user, 2)
    actions = {action: tally.spent for action, tally in usage.actions.items() if tally.spent}
    assert actions == {"video": 120, "chat": 50, "transfer": 10}
    assert (usage.total.refunded, usage.total.revoked, usage.held) == (20, 30, 15)
    assert usage.total.expired == 40
    assert usage.total.earned == 1000 + 100 + 40
    assert gained(usage) == await credits.get_balance(user)


async def test_what_a_hold_cost_stands_on_the_day_on_which_it_was_made(credits, clock, user):
    now = datetime.now(UTC)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    await clock.ahead((noon - now).total_seconds())
    await credits.initialize_user(user, 1000)
    hold = await credits.hold(user, 300, "training", expires_in=5 * DAY)
    await clock.forward(DAY)
    open_ = await credits.usage(user, 2)
    assert [(day.total.spent, day.held) for day in open_.days] == [(0, 300), (0, 0)]
    await credits.settle(user, hold.id, 180)
    usage = await credits.usage(user, 2)
    assert [(day.total.spent, day.held) for day in usage.days] == [(180, 0), (0, 0)]
    assert (await credits.usage(user, 1)).total.spent == 0
    past = await credits.usage(user, start=noon.date(), end=noon.date())
    assert past.days == usage.days[:1]


async def test_of_what_is_folded_only_the_sum_is_left(credits, clock, user):
    await credits.initialize_user(user, 1000)
    await credits.deduct(user, 100, "chat")
    await clock.forward(40 * DAY)
    await credits.deduct(user, 7, "chat")
    before = await credits.usage(user, 60)
    assert (before.total.spent, before.folded_until) == (107, None)
    report = await credits.fold(user, Kept(), older_than=31 * DAY)
    usage = await credits.usage(user, 60)
    assert (usage.total.spent, usage.total.earned) == (7, 0)
    assert usage.folded_until == report.up_to or usage.folded_until <= report.up_to


async def test_a_hold_whose_beginning_is_folded_leaves_nothing_held(credits, clock, user):
    await credits.initialize_user(user, 1000)
    hold = await credits.hold(user, 300, "training", expires_in=5 * DAY)
    await clock.forward(4 * DAY)
    await credits.settle(user, hold.id, 180)
    await credits.hold(user, 20, "training", expires_in=60 * DAY)
    await clock.forward(38 * DAY)
    report = await credits.fold(user, Kept(), older_than=40 * DAY)
    assert report.folded == 2
    usage = await credits.usage(user, 60)
    assert (usage.held, [day.held for day in usage.days if day.held]) == (20, [20])


class Life:
    """An account that anything happens to, and what its owner would say that was used of it."""

    def __init__(self, credits, clock, user, friend, seed):
        self.credits, self.clock, self.user, self.friend = credits, clock, user, friend
        self.dice = random.Random(seed)
        self.charges, self.added, self.holds, self.revoked = [], [], [], []
        self.told = {name: Counter() for name in ("spent", "earned", "refunded", "revoked")}

    def note(self, name, at, amount):
        self.told[name][at // (DAY * 1000)] += abs(amount)

    async def goes_on(self):
        step = self.dice.choice([self.spends, self.gains, self.holds_some, self.ends, self.undoes])
        with suppress(CreditsError):  # refused: nothing happened
            await step(self.dice.randint(1, 60))
        await self.clock.forward(self.dice.choice([1, 60, DAY // 5]))

    async def spends(self, amount):
        if self.dice.random() < 0.3:
            key = f"gift {self.dice.random()}"
            done = await self.credits.transfer(self.user, self.friend, amount, idempotency_key=key)
        else:
            done = await self.credits.deduct(self.user, amount, self.dice.choice("abc"))
            self.charges.append(done.tx_id)
        self.note("spent", done.timestamp, amount)

    async def gains(self, amount):
        expires = self.dice.choice([None, 30, DAY])
        done = await self.credits.add(self.user, amount, "purchase", expires_in=expires)
        self.added.append(done.tx_id)
        self.note("earned", done.timestamp, amount)

    async def holds_some(self, amount):
        expires = self.dice.choice([90, DAY, 3 * DAY])
        self.holds.append(await self.credits.hold(self.user, amount, "video", expires_in=expires))

    async def ends(self, amount):
        if not self.holds:
            return
        hold = self.holds.pop(self.dice.randrange(len(self.holds)))
        if self.dice.random() < 0.3:
            await self.credits.extend(self.user, hold.id, amount)
        if self.dice.random() < 0.3:
            await self.credits.release(self.user, hold.id)
        else:
            done = await self.credits.settle(self.user, hold.id, amount)
            self.charges.append(done.tx_id)
            self.note("spent", made_at(hold.id), amount)

    async def undoes(self, amount):
        refund = self.dice.random() < 0.6
        of = self.charges if refund else self.added
        if of:
            undo = self.credits.refund if refund else self.credits.revoke
            done = await undo(self.user, self.dice.choice(of), amount)
            if not done.replayed:
                self.note("refunded" if refund else "revoked", done.timestamp, done.amount)
            if done.claimed:
                self.revoked.append(done.tx_id)

    async def what_was_claimed_is_taken(self):
        """When it is, nobody is told but by the log."""
        for one in await self.credits.get_transactions(self.user, limit=1000):
            if one.refers_to in self.revoked:
                self.note("revoked", one.timestamp, one.amount)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_it_is_what_happened(credits, clock, new_user, seed):
    user, friend = new_user(), new_user()
    life = Life(credits, clock, user, friend, seed)
    life.note("earned", (await credits.initialize_user(user, 2000)).timestamp, 2000)
    for _ in range(60):
        await life.goes_on()
    balance, account = await credits.get_balance(user), await credits.get_account(user)
    await life.what_was_claimed_is_taken()
    usage = await credits.usage(user, 30)
    for name, sums in life.told.items():
        found = {day_number(day.date): getattr(day.total, name) for day in usage.days}
        assert {day: sum_ for day, sum_ in found.items() if sum_} == +sums, name
    assert (gained(usage), usage.held) == (balance, account.held)
    assert (await credits.usage(user, 2)).days == usage.days[-2:]
    await clock.forward(33 * DAY)
    await credits.get_balance(user)
    for days in (35, 34, 33):
        await credits.fold(user, Kept(), older_than=days * DAY)
        assert [day.held for day in (await credits.usage(user, 60)).days] == [0] * 60


async def test_an_unknown_user_used_nothing(credits, user):
    usage = await credits.usage(user)
    assert (gained(usage), len(usage.days), usage.actions) == (0, 7, {})


@pytest.fixture
def long_log(tcp, server, user):
    """A log of a hundred thousand entries of this week."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    raw = server.client()
    count = 100_000
    for start in range(0, count, 5000):
        times = {number: now - 5 * DAY * 1000 + number for number in range(start, start + 5000)}
        raw.zadd(
            f"txs:{user}",
            {entry(number, -1, at, f"action {number % 50}"): at for number, at in times.items()},
        )
    raw.set(f"balance:{user}", -count)
    yield count
    raw.delete(f"txs:{user}", f"balance:{user}")
    raw.close()


def peak_of(credits, user):
    """The memory that a question takes at most, and its answer."""
    tracemalloc.start()
    try:
        usage = credits.usage(user, 7)
        return tracemalloc.get_traced_memory()[1], usage
    finally:
        tracemalloc.stop()


def test_a_long_log_is_never_in_memory(tcp, long_log, user, new_user):
    other = new_user()
    tcp.initialize_user(other, 10)
    peak_of(tcp, other)
    peak, usage = peak_of(tcp, user)
    assert usage.total.spent == long_log
    assert len(usage.actions) == 50
    # The log is 10 MB of text, and several times that in objects; a page is a few hundred KB.
    assert peak < 3_000_000
