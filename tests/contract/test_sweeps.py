"""Reconciliation in many short calls: every account once a round, wherever a call ends."""

from __future__ import annotations

from functools import partial

import pytest

from credits_core import InvalidRequestError
from credits_core.cursors import scan
from credits_core.plans import sweep as sweeping
from credits_core.plans import together
from tests.contract.flavours import on, only
from tests.contract.store import Store, entry

# In memory one look at the keys shows them all: no call could end in between.
flavour = only("tcp-async", "tcp-sync")


@pytest.fixture
def ours(open_credits, new_user):
    """A client with accounts of its own only, and its prefix."""
    prefix = f"{new_user()}:"
    return open_credits(prefix=prefix), prefix


class Ticks:
    """A clock that goes on by a step each time it is looked at."""

    def __init__(self, step):
        self.now = 0.0
        self.step = step

    def __call__(self):
        self.now += self.step
        return self.now


def in_order(position, pattern, count):
    """A SCAN of just these accounts, whatever else is in the store."""
    _, names = yield from scan("0", pattern, 10**6)
    after = int(position) + count
    return str(after) if after < len(names) else "0", sorted(names)[int(position) : after]


async def accounts(credits, count):
    users = [f"user {number}" for number in range(count)]
    for number, user in enumerate(users):
        await credits.initialize_user(user, number)
    return users


async def sweep(credits, seconds=60, cursor=None):
    """Calls until all accounts were looked at."""
    reports = [await credits.reconcile_within(seconds, cursor=cursor)]
    while reports[-1].cursor is not None:
        reports.append(await credits.reconcile_within(seconds))
    return reports


def sums(reports):
    names = ("total", "verified", "fixed", "errors")
    return tuple(sum(getattr(report, name) for report in reports) for name in names)


async def test_one_call_is_enough_where_there_is_time(ours):
    credits, prefix = ours
    users = await accounts(credits, 25)
    await Store(credits).run("SET", f"{prefix}balance:{users[3]}", 999)
    report = await credits.reconcile_within(60)
    assert (report.total, report.verified, report.fixed, report.errors) == (25, 24, 1, 0)
    assert report.cursor is None
    assert await credits.get_balance(users[3]) == 3


async def test_calls_that_end_early_look_at_every_account(ours, monkeypatch):
    credits, prefix = ours
    users = await accounts(credits, 60)
    for user in users:
        await Store(credits).run("SET", f"{prefix}balance:{user}", 999)
    monkeypatch.setattr(sweeping, "monotonic", Ticks(0.1))
    reports = await sweep(credits, 2)
    total, _, fixed, errors = sums(reports)
    assert len(reports) > 3
    assert (fixed, errors) == (60, 0)
    assert total >= 60
    for number, user in enumerate(users):
        assert await credits.get_balance(user) == number


async def test_the_next_call_begins_anew_after_the_last_account(ours):
    credits, _ = ours
    await accounts(credits, 5)
    for _ in range(2):
        assert sums([await credits.reconcile_within(60)]) == (5, 5, 0, 0)


async def test_a_cursor_says_where_to_go_on(ours, monkeypatch):
    credits, _ = ours
    await accounts(credits, 60)
    monkeypatch.setattr(sweeping, "scan", in_order)
    monkeypatch.setattr(sweeping, "monotonic", Ticks(0.1))
    first = await credits.reconcile_within(2)
    assert first.cursor is not None
    monkeypatch.setattr(sweeping, "monotonic", lambda: 0.0)
    rest = await credits.reconcile_within(2, cursor=first.cursor)
    assert rest.cursor is None
    assert first.total + rest.total >= 60
    assert rest.total < 60
    again = await credits.reconcile_within(2, cursor="start")
    assert (again.total, again.cursor) == (60, None)


async def test_accounts_that_only_have_a_log_are_found_and_the_others_not_counted_twice(ours):
    credits, prefix = ours
    users = await accounts(credits, 20)
    await Store(credits).run("DEL", f"{prefix}balance:{users[7]}")
    report = await credits.reconcile_within(60)
    assert (report.total, report.verified, report.fixed, report.errors) == (20, 19, 1, 0)
    assert await credits.get_balance(users[7]) == 7


async def test_an_account_that_cannot_be_repaired_is_an_error_and_stops_nothing(ours):
    credits, prefix = ours
    users = await accounts(credits, 12)
    await Store(credits).run("DEL", f"{prefix}txs:{users[5]}")
    for _ in range(2):
        report = await credits.reconcile_within(60)
        assert (report.total, report.verified, report.errors) == (12, 11, 1)
        assert report.problems[0][0] == users[5]


async def test_a_log_too_long_for_the_call_is_told_and_the_next_call_goes_past_it(
    ours, monkeypatch
):
    credits, prefix = ours
    (user,) = await accounts(credits, 1)
    log = [f"{number}" for at in range(1, 9000) for number in (at, entry(at, 0, at))]
    await Store(credits).run("ZADD", f"{prefix}txs:{user}", *log)
    monkeypatch.setattr(sweeping, "scan", in_order)
    monkeypatch.setattr(sweeping, "monotonic", Ticks(0.4))
    reports = [await credits.reconcile_within(1)]
    while reports[-1].cursor is not None and len(reports) < 5:
        reports.append(await credits.reconcile_within(1))
    assert reports[-1].cursor is None
    assert sums(reports) == (1, 0, 0, 1)
    told = next(report for report in reports if report.errors)
    assert "more time" in str(told.problems[0][1])


async def test_long_logs_that_the_store_lists_together_are_looked_at_one_by_one(ours, monkeypatch):
    credits, prefix = ours
    users = await accounts(credits, 3)
    for user in users:
        log = [f"{number}" for at in range(1, 2500) for number in (at, entry(at, 0, at))]
        await Store(credits).run("ZADD", f"{prefix}txs:{user}", *log)
    monkeypatch.setattr(sweeping, "scan", in_order)
    # The clock goes on with each command, and a call has the time for one of the three.
    monkeypatch.setattr(sweeping, "together", partial(together, width=1))
    monkeypatch.setattr(sweeping, "monotonic", Ticks(0.1))
    reports = [await credits.reconcile_within(2)]
    while reports[-1].cursor is not None and len(reports) < 12:
        reports.append(await credits.reconcile_within(2))
    assert reports[0].cursor == "balances-0-alone"
    assert reports[-1].cursor is None
    assert sums(reports) == (3, 3, 0, 0)


async def test_without_repair_it_only_looks(ours):
    credits, prefix = ours
    (user,) = await accounts(credits, 1)
    await Store(credits).run("SET", f"{prefix}balance:{user}", 999)
    report = await credits.reconcile_within(60, repair=False)
    assert (report.fixed, report.errors) == (0, 1)
    assert await credits.get_balance(user) == 999


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "balances-", "balances-x", "logs-1 OR", "b-1", f"logs-{2**64}", "logs-1:1", 5],
)
async def test_a_cursor_that_is_none_is_refused(ours, cursor):
    with pytest.raises(InvalidRequestError, match="cursor"):
        await ours[0].reconcile_within(5, cursor=cursor)


@pytest.mark.parametrize("seconds", [0, -1, 0.5, 3601, True, "8", float("nan")])
async def test_a_time_that_is_none_is_refused(ours, seconds):
    with pytest.raises(InvalidRequestError, match="seconds"):
        await ours[0].reconcile_within(seconds)


@on("tcp-async", "tcp-sync", "rest-async")
async def test_where_a_call_ended_is_kept_for_a_while_and_under_one_key(ours, monkeypatch):
    credits, prefix = ours
    await accounts(credits, 60)
    monkeypatch.setattr(sweeping, "monotonic", Ticks(0.1))
    report = await credits.reconcile_within(2)
    store = Store(credits)
    assert await store.run("GET", f"{prefix}credits:sweep") == report.cursor
    assert 0 < await store.run("TTL", f"{prefix}credits:sweep") <= 7 * 86_400
    assert "sweep" not in {user async for user in credits.users()}
    monkeypatch.setattr(sweeping, "monotonic", lambda: 0.0)
    await credits.reconcile_within(2)
    assert await store.run("EXISTS", f"{prefix}credits:sweep") == 0


@pytest.mark.parametrize("place", ["of another time", "balances-1:7", f"logs-{2**64}"])
async def test_a_place_that_is_none_is_the_beginning(ours, place):
    credits, prefix = ours
    await accounts(credits, 5)
    await Store(credits).run("SET", f"{prefix}credits:sweep", place)
    assert (await credits.reconcile_within(60)).total == 5
