"""Logs of many pages, and many accounts at once, while nobody else writes."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from credits_core import (
    AsyncCredits,
    BackendError,
    BalanceVerificationError,
    Credits,
    InvalidRequestError,
)
from credits_core.plans import verify as verification
from tests.contract.flavours import AsyncFace, only
from tests.contract.store import Store, entry
from tests.support.servers import Server

pytestmark = pytest.mark.long

flavour = only("tcp-async", "rest-sync", "memory-async")


async def fill(store, user, times):
    """An account with an entry at each of `times`; answers the sum."""
    dice = random.Random(3)
    amounts = [1_000_000, *(dice.randint(-9, 9) for _ in times[1:])]
    await store.append(user, [(at, entry(n, amounts[n], at)) for n, at in enumerate(times)])
    await store.run("SET", f"balance:{user}", sum(amounts))
    return sum(amounts)


async def check_and_repair(credits, store, user, total):
    """Verify, plant a drift, find it, repair it."""
    found = await credits.verify_balance(user)
    assert (found.valid, found.cached, found.calculated) == (True, total, total)
    await store.run("SET", f"balance:{user}", total + 321)
    found = await credits.verify_balance(user)
    assert (found.valid, found.difference) == (False, 321)
    assert await credits.rebuild_balance(user) == total
    assert (await credits.verify_balance(user)).valid


async def walk(credits, user):
    """All transactions, newest first, and once more by export."""
    entries = [found async for found in credits.iter_transactions(user)]
    export = await credits.export_account(user)
    assert list(export.transactions) == entries[::-1]
    return entries


@pytest.mark.parametrize("count", [999, 1000, 1001, 1999, 2000, 2001, 2002, 3000, 5001])
async def test_logs_around_the_size_of_a_page(credits, store, user, count):
    total = await fill(store, user, range(1, count + 1))
    await check_and_repair(credits, store, user, total)
    entries = await walk(credits, user)
    assert [found.timestamp for found in entries] == list(range(count, 0, -1))
    assert sum(found.amount for found in entries) == total


@pytest.mark.parametrize(
    ("before", "same", "after"),
    [(0, 1000, 0), (0, 5000, 0), (1, 5000, 0), (0, 5000, 1), (10, 5000, 10), (1500, 4000, 1500),
     (30, 999, 5000), (40, 1000, 5000), (999, 2001, 0)],
)  # fmt: skip
async def test_many_entries_of_one_instant(credits, store, user, before, same, after):
    times = [*range(1, before + 1), *[before + 1] * same, *range(before + 2, before + 2 + after)]
    total = await fill(store, user, times)
    await check_and_repair(credits, store, user, total)
    entries = await walk(credits, user)
    assert len({found.id for found in entries}) == len(entries) == before + same + after
    assert [found.timestamp for found in entries] == times[::-1]
    newest = await credits.get_transactions(user, limit=1000)
    assert newest == entries[:1000]


@pytest.mark.parametrize("ranges", [2, 7, 40])
async def test_ranges_are_joined_where_there_are_too_many(
    credits, store, user, ranges, monkeypatch
):
    monkeypatch.setattr(verification, "PAGE", 20)
    monkeypatch.setattr(verification, "GRAIN", 3)
    monkeypatch.setattr(verification, "MAX_RANGES", ranges)
    asked = []
    snapshot = verification._snapshot

    def watched(keys, name, known, *rest):
        asked.append(len(known))
        return snapshot(keys, name, known, *rest)

    monkeypatch.setattr(verification, "_snapshot", watched)
    dice = random.Random(5)
    total = await fill(store, user, sorted(dice.randint(1, 900) for _ in range(1200)))
    await check_and_repair(credits, store, user, total)
    assert 0 < max(asked) <= ranges


async def test_ranges_hold_every_entry_once(user):
    dice = random.Random(11)
    for _ in range(200):
        bounds = sorted(dice.sample(range(100_000), dice.randint(2, 4000)))
        known = [
            verification.Range(str(low), str(high), dice.randint(1, 60), dice.randint(-99, 99))
            for low, high in pairwise(bounds)
            if dice.random() < 0.9
        ]
        joined = verification._joined(known)
        assert sum(part.count for part in joined) == sum(part.count for part in known)
        assert sum(part.total for part in joined) == sum(part.total for part in known)
        covered = {(part.low, part.high) for part in known}
        spans = [(int(part.low), int(part.high)) for part in joined]
        assert spans == sorted(spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        width = sum(high - low for low, high in spans)
        assert width == sum(int(high) - int(low) for low, high in covered)


async def test_a_hundred_drifted_accounts_are_found_named_and_repaired(credits, store, new_user):
    users = [new_user() for _ in range(130)]
    for number, user in enumerate(users):
        await credits.initialize_user(user, number)
    drifted = users[:100]
    for number, user in enumerate(drifted):
        await store.run("INCRBY", f"balance:{user}", 7 if number % 2 else -7)
    await store.run("LPUSH", f"txs:broken-{users[0]}", "x")
    everyone = [*users, f"broken-{users[0]}"]

    looked = await credits.reconcile(everyone, repair=False)
    assert (looked.total, looked.verified, looked.fixed, looked.errors) == (131, 30, 0, 101)
    assert len(looked.problems) == 100
    for number, (user, problem) in enumerate(looked.problems):
        assert isinstance(problem, BalanceVerificationError)
        drift = 7 if number % 2 else -7
        assert (user, problem.user_id) == (drifted[number], drifted[number])
        assert (problem.cached, problem.calculated) == (number + drift, number)

    told = []
    report = await credits.reconcile(everyone, on_progress=told.append)
    assert (report.total, report.verified, report.fixed, report.errors) == (131, 30, 100, 1)
    assert [name for name, _ in report.problems] == [f"broken-{users[0]}"]
    assert told[-1] == report
    assert [progress.total for progress in told] == sorted(progress.total for progress in told)
    again = await credits.reconcile(users)
    assert (again.verified, again.fixed) == (130, 0)
    for number, user in enumerate(users):
        assert await credits.get_balance(user) == number


async def test_reconciling_all_users_finds_those_that_only_have_a_log(open_credits, new_user):
    prefix = f"{new_user()}:"
    credits = open_credits(prefix=prefix)
    store = Store(credits)
    users = [new_user() for _ in range(5)]
    for user in users:
        await credits.initialize_user(user, 10)
    await store.run("DEL", f"{prefix}balance:{users[0]}")
    report = await credits.reconcile()
    assert (report.total, report.verified, report.fixed, report.errors) == (5, 4, 1, 0)
    assert await credits.get_balance(users[0]) == 10


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_reconciling_stops_when_the_store_goes_away(kind, new_user):
    users = [new_user() for _ in range(120)]
    reports = []
    with Server() as server:
        if kind == "async":
            credits = AsyncCredits.from_url(server.url, timeout=0.3)
        else:
            credits = AsyncFace(Credits.from_url(server.url, timeout=0.3))
        for user in users:
            await credits.initialize_user(user)

        def progress(report):
            reports.append(report)
            server.kill()

        with pytest.raises(BackendError):
            await credits.reconcile(users, on_progress=progress)
        await credits.aclose()
    assert [(report.total, report.errors) for report in reports] == [(8, 0)]


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_reconciling_stops_at_once_when_the_store_freezes_amid_a_group(kind, new_user):
    with Server() as server:
        if kind == "async":
            credits = AsyncCredits.from_url(server.url, timeout=0.3)
        else:
            credits = AsyncFace(Credits.from_url(server.url, timeout=0.3))
        broken, *users = [new_user() for _ in range(50)]
        for user in users:
            await credits.initialize_user(user)
        server.call("LPUSH", f"txs:{broken}", "x")
        asked = []

        async def names():
            for name in [broken, *users]:
                asked.append(name)
                yield name

        server.freeze()
        with pytest.raises(BackendError):
            await credits.reconcile(names() if kind == "async" else [broken, *users])
        assert len(asked) <= 8
        server.thaw()
        await credits.aclose()


async def test_a_single_user_is_not_taken_for_its_letters(credits, user):
    for users in (user, user.encode()):
        with pytest.raises(InvalidRequestError, match=r"\["):
            await credits.reconcile(users)


@pytest.mark.parametrize("name", [" edge ", "a\nb", "x" * 300, ""])
async def test_a_user_of_another_app_that_we_do_not_take_is_reported(credits, store, user, name):
    name = name and f"{name[:-1]}{user}{name[-1]}"
    await store.run("SET", f"balance:{name}", 5)
    report = await credits.reconcile([name, user])
    assert (report.total, report.verified, report.errors) == (2, 1, 1)
    ((found, problem),) = report.problems
    assert found == name
    assert isinstance(problem, InvalidRequestError)
    await store.run("DEL", f"balance:{name}")


async def test_a_key_that_is_no_text_stops_no_reconciliation(open_credits, new_user):
    prefix = f"{new_user()}:"
    credits = open_credits(prefix=prefix)
    store = Store(credits)
    await credits.initialize_user("alice", 10)
    on_the_key = "return redis.call(ARGV[1], KEYS[1] .. '\\255\\254', unpack(ARGV, 2))"
    await store.run("EVAL", on_the_key, 1, f"{prefix}balance:", "SET", 5)
    report = await credits.reconcile()
    assert (report.total, report.verified, report.errors) == (2, 1, 1)
    assert isinstance(report.problems[0][1], InvalidRequestError)
    # Others, too, list the keys of this server.
    await store.run("EVAL", on_the_key, 1, f"{prefix}balance:", "DEL")
