"""Charges at the prices of a book: what the log keeps, and what it costs under another book."""

from __future__ import annotations

import pytest

from credits_core import InvalidRequestError, Item, PriceBook, PricingConfigError, Receipt
from credits_core.pricing import Repriced
from tests.contract.accounts import sound
from tests.contract.paid import fixed, held

pytestmark = pytest.mark.stores

BOOK = PriceBook.from_toml("""
version = "2026"
[actions]
image = 3
video = { rate = 2, unit = "second", minimum = 5 }
[multipliers.complexity]
high = 1.5
""")
DEARER = PriceBook.from_toml("""
[actions]
image = 5
video = { rate = 3, unit = "second" }
[multipliers.complexity]
high = 2
""")


async def newest(credits, user):
    return (await credits.get_transactions(user, limit=1))[0]


@pytest.mark.parametrize("kind", [fixed, held])
async def test_a_charge_keeps_what_it_was_for(credits, rich, kind):
    price = BOOK.priced("video", 4.5, complexity="high")
    async with kind(credits, rich, price, None, metadata={"job": 7}) as work:
        entry = await newest(credits, rich)
    assert (work.action, work.cost) == ("video", 14)
    assert entry.action == "video"
    assert entry.metadata == {
        "job": 7,
        "priced": {
            "action": "video",
            "quantity": "4.5",
            "multipliers": {"complexity": "high"},
            "version": "2026",
            "credits": 14,
        },
    }
    await sound(credits, rich, 86)


async def test_a_hold_is_settled_at_a_price_of_the_book(credits, rich):
    async with held(credits, rich, BOOK.priced("video", 10), None) as work:
        work.settle(1)
        work.settle(BOOK.priced("video", 12))
    entry = await newest(credits, rich)
    assert (work.cost, entry.kind, entry.kept) == (24, "settle", 24)
    assert entry.metadata == BOOK.quote("video", 12).metadata
    assert entry.hold_id == work.id
    await credits.refund(rich, entry.id, 4)  # its entry is found and read as before
    await sound(credits, rich, 80)


@pytest.mark.parametrize("last", [7, 0, None])
async def test_the_last_word_on_what_it_cost_counts_for_the_log_too(credits, rich, last):
    async with held(credits, rich, 50) as work:
        work.settle(BOOK.priced("video", 12))
        if last is None:
            work.refund()
        else:
            work.settle(last)
    entry = await newest(credits, rich)
    assert (entry.kept, entry.metadata) == (last or 0, None)


async def test_a_settlement_has_metadata_of_its_own(credits, rich):
    told = {"say": 'a "b" \\ 日本語 %d', "of": [1, {"two": None}]}
    hold = await credits.hold(rich, 60, "train", {"job": 7})
    receipt = await credits.settle(rich, hold.id, 25, metadata=told)
    again = await credits.settle(rich, hold.id, 25)
    assert (again.replayed, again.tx_id) == (True, receipt.tx_id)
    entry, before, _ = await credits.get_transactions(rich)
    assert (entry.metadata, before.metadata) == (told, {"job": 7})
    with pytest.raises(InvalidRequestError, match="metadata is a dict"):
        await credits.settle(rich, hold.id, 25, metadata=[1])
    await sound(credits, rich, 75)


async def test_a_key_that_a_price_needs_is_not_taken_from_the_app(credits, rich):
    with pytest.raises(InvalidRequestError, match="a key 'priced' of its own"):
        fixed(credits, rich, BOOK.priced("image"), None, metadata={"priced": 1})
    async with fixed(credits, rich, 3, "image", metadata={"priced": 1}):
        pass
    assert (await newest(credits, rich)).metadata == {"priced": 1}


async def test_a_price_that_is_none_charges_nothing(credits, rich):
    for price in (BOOK.priced("vdieo", 1), BOOK.priced("video", 1, complexity="low")):
        with pytest.raises((PricingConfigError, InvalidRequestError)):
            fixed(credits, rich, price, None)
    await sound(credits, rich, 100)


async def test_a_period_is_priced_again_and_nothing_changes(credits, rich):
    async with fixed(credits, rich, BOOK.priced("image", 2), None) as image:
        pass
    async with held(credits, rich, BOOK.priced("video", 10), None) as work:
        work.settle(BOOK.priced("video", 12))
    async with fixed(credits, rich, BOOK.priced("image", 4, complexity="high"), None):
        pass
    await credits.refund(rich, image.id, 2)
    await credits.deduct(rich, 7, "chat")
    await credits.add(rich, 20, "bonus")
    open_hold = await credits.hold(rich, 10, "train")
    before = await credits.get_transactions(rich)

    report = await credits.reprice(rich, DEARER)

    assert report.actions == (
        Repriced("image", 2, 6, 22, 47),  # 4 of 6 and 18; 7 of 10 and 40
        Repriced("video", 1, 12, 24, 36),
    )
    assert [(one.action, one.charged) for one in report.unpriced] == [("chat", 7), ("train", 0)]
    assert await credits.get_transactions(rich) == before
    assert (await credits.reprice(rich, BOOK)).difference == 0
    await credits.release(rich, open_hold.id)
    await sound(credits, rich, 100 - 22 - 24 - 7 + 20)


async def test_a_period_has_bounds_and_an_instant_chooses_the_version(credits, rich):
    for _ in range(2):
        async with fixed(credits, rich, BOOK.priced("image"), None):
            pass
    newer, older, _ = await credits.get_transactions(rich)
    assert newer.timestamp >= older.timestamp
    everything = await credits.reprice(
        rich, DEARER, start_time=older.timestamp, end_time=newer.time
    )
    assert everything.charged == 6
    assert (await credits.reprice(rich, DEARER, start_time=newer.timestamp + 1)).actions == ()
    later = PriceBook.from_dict(
        {
            "actions": {"image": 1},
            "versions": [{"starts": "2999-01-01", "actions": {"image": 9}}],
        }
    )
    assert (await credits.reprice(rich, later)).repriced == 2
    assert (await credits.reprice(rich, later, at=later.versions[1].starts)).repriced == 18


async def test_a_long_log_is_read_page_by_page(open_credits, rich):
    credits = open_credits(timeout=60)
    await credits.add(rich, 10_000, "bonus")
    for _ in range(3):
        made = await credits.deduct_many(
            [item(rich, BOOK.quote("image", number % 3 + 1)) for number in range(400)]
        )
        assert [one for one in made if not isinstance(one, Receipt)] == []
    report = await credits.reprice(rich, DEARER)
    quantity = 3 * sum(number % 3 + 1 for number in range(400))
    assert report.actions == (Repriced("image", 1200, quantity, 3 * quantity, 5 * quantity),)


async def test_an_account_that_is_not_there_has_no_charges(credits, user):
    report = await credits.reprice(user, BOOK)
    assert (report.actions, report.unpriced, report.difference) == ((), (), 0)


def item(user, quote):
    return Item(user, quote.credits, quote.action, quote.metadata)
