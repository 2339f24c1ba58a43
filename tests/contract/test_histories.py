"""The log a page at a time: nothing left out, nothing twice, whoever writes meanwhile."""

from __future__ import annotations

import random

import pytest

from credits_core import InvalidRequestError
from tests.contract.flavours import only
from tests.contract.store import entry

flavour = only("tcp-async", "tcp-sync", "rest-async", "memory-async")


async def pages(credits, user, limit, between=None, **bounds):
    """All pages, with something done between them."""
    cursor, found = None, []
    while True:
        page = await credits.get_history(user, limit=limit, cursor=cursor, **bounds)
        assert len(page.transactions) <= limit
        found += page.transactions
        cursor = page.next_cursor
        if cursor is None:
            return [one.id for one in found]
        assert len(page.transactions) == limit
        if between is not None:
            await between()


async def whole(credits, user, **bounds):
    return [one.id async for one in credits.iter_transactions(user, **bounds)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_pages_are_the_log(credits, store, user, limit):
    await credits.initialize_user(user, 100)
    for amount in range(1, 6):
        await credits.deduct(user, amount, "chat")
    assert await pages(credits, user, limit) == await whole(credits, user)


@pytest.mark.parametrize("limit", [1, 4, 50])
async def test_entries_of_one_instant_come_once_each(credits, store, user, limit):
    dice = random.Random(limit)
    times = sorted(dice.choice([5, 5, 5, 6, 9]) for _ in range(40))
    await store.append(user, [(at, entry(n, 1, at)) for n, at in enumerate(times)])
    assert await pages(credits, user, limit) == await whole(credits, user)


async def test_more_entries_of_one_instant_than_a_read_takes(credits, store, user):
    await store.append(user, [(5, entry(n, 1, 5)) for n in range(1700)])
    found = await pages(credits, user, 400)
    assert found == await whole(credits, user)
    assert len(set(found)) == 1700


async def test_what_others_write_meanwhile_moves_nothing(credits, store, user):
    times = [10 * (number // 3) for number in range(60)]
    await store.append(user, [(at, entry(500 + n, 1, at)) for n, at in enumerate(times)])
    before = await whole(credits, user)
    added = iter(range(1000))

    async def write():
        number = next(added)
        at = 10 * (number % 20)
        # Below and above in an instant, and at the end of the log.
        words = [(at, entry(number, 1, at)), (at, entry(900 + number, 1, at))]
        await store.append(user, [*words, (10**6 + number, entry(number, 1, 10**6))])

    found = await pages(credits, user, 4, write)
    assert [one for one in found if one in before] == before
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("limit", [1, 2, 4])
async def test_an_entry_that_goes_takes_no_other_with_it(credits, store, user, limit):
    members = [entry(number, 1, 5) for number in range(6)]
    await store.append(user, [(5, member) for member in members])
    await store.append(user, [(1, entry(9, 1, 1))])
    page = await credits.get_history(user, limit=limit)
    last = page.transactions[-1].id
    await store.run("ZREM", f"txs:{user}", *(one for one in members if f'"{last}"' in one))
    rest = await credits.get_history(user, limit=100, cursor=page.next_cursor)
    told = {one.id for one in (*page.transactions, *rest.transactions)}
    assert told == {f"tx_5_{number:06d}" for number in range(6)} | {"tx_1_000009"}


async def test_bounds_hold_on_every_page(credits, store, user):
    await store.append(user, [(at, entry(at, 1, at)) for at in range(1, 30)])
    bounds = {"start_time": 5, "end_time": 20}
    assert await pages(credits, user, 3, **bounds) == await whole(credits, user, **bounds)
    page = await credits.get_history(user, limit=3, end_time=25)
    lower = await credits.get_history(user, limit=3, end_time=10, cursor=page.next_cursor)
    assert [one.timestamp for one in lower.transactions] == [10, 9, 8]
    none = await credits.get_history(user, start_time=26, cursor=page.next_cursor)
    assert (none.transactions, none.next_cursor) == ((), None)


async def test_a_cursor_of_another_shows_nothing_of_the_other(credits, store, pair):
    one, other = pair
    for user in pair:
        await credits.initialize_user(user, 100)
        for _ in range(3):
            await credits.deduct(user, 1, user)
    page = await credits.get_history(one, limit=1)
    theirs = await credits.get_history(other, cursor=page.next_cursor)
    assert {entry.action for entry in theirs.transactions} <= {other, "user_initialized"}


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "=", "AAAA", "\x00", "é", "MSBuYW4gMDEyMzQ1Njc4OWFiY2RlZg", 5, b"x", "A" * 9999,
     "MSAxZSs5OTkgMDEyMzQ1Njc4OWFiY2RlZg"],
)  # fmt: skip
async def test_a_cursor_that_is_none_is_refused(credits, user, cursor):
    with pytest.raises(InvalidRequestError, match="next_cursor"):
        await credits.get_history(user, cursor=cursor)


async def test_an_unknown_user_has_an_empty_page(credits, user):
    page = await credits.get_history(user)
    assert (page.transactions, page.next_cursor) == ((), None)
