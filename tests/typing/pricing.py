"""Prices and charges."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import assert_type

from credits_core import (
    FIXED_PRICING,
    AsyncCredits,
    Charge,
    Credits,
    PriceBook,
    Priced,
    PricingEngine,
    Transaction,
    hold_credits,
    require_credits,
)
from credits_core.pricing import Packaged, Quote, Repricing, Tariff, Tier, Tiers, Used, reprice_log
from credits_core.tokens import RateCard


async def work(credits: AsyncCredits) -> None:
    async with require_credits(credits, "alice", 10, "chat") as charge:
        assert_type(charge, Charge)
        assert_type(charge.amount, int)
        assert_type(charge.balance, int | None)
        assert_type(charge.id, str | None)


def prices() -> None:
    engine = PricingEngine()
    print(engine, FIXED_PRICING)


def book(at: datetime) -> None:
    book = PriceBook.from_file(Path("prices.toml"))
    assert_type(PriceBook.from_toml("[actions]"), PriceBook)
    assert_type(PriceBook.from_dict({"actions": {"chat": 10}}), PriceBook)
    assert_type(book.cost("video", 4.03, at=at, complexity="high", plan="pro"), int)
    assert_type(book.cost("video", Decimal("4.03"), multiplier=Fraction(1, 3)), int)
    assert_type(book.quote("chat"), Quote)
    assert_type(book.max_affordable("video", 100, at=1_800_000_000_000), Fraction | None)
    assert_type(book.priced("video", 30, complexity="high"), Priced)
    assert_type(book.rate_card(), RateCard)
    assert_type(book.version(at).starts, datetime | None)
    for price in book.version(at).prices.values():
        assert_type(price, Tariff)
        if isinstance(price.shape, Tiers):
            assert_type(price.shape.tiers[0], Tier)
        elif isinstance(price.shape, Packaged):
            assert_type(price.shape.rate, Fraction | None)


def video_price(book: PriceBook, seconds: float) -> Priced:
    return book.priced("video", seconds)


def charged(credits: Credits, book: PriceBook) -> None:
    quote = book.quote("chat")
    credits.deduct("alice", quote.credits, quote.action, quote.metadata)
    with hold_credits(credits, "alice", book.priced("training", 4)) as charge:
        charge.settle(book.priced("training", 3.5))
        charge.settle(12)
    credits.settle("alice", "tx", quote.credits, metadata=quote.metadata)


def used(entry: Transaction) -> Used | None:
    return Used("video", 15) if entry.action == "video" else None


async def repriced(credits: AsyncCredits, sync: Credits, book: PriceBook) -> None:
    report = await credits.reprice("alice", book, start_time=datetime.now(UTC), used=used)
    assert_type(report, Repricing)
    assert_type(sync.reprice("alice", book, at=1_800_000_000_000), Repricing)
    assert_type(reprice_log(sync.iter_transactions("alice"), book), Repricing)
    for one in report.actions:
        assert_type(one.quantity, Fraction)
        assert_type(one.difference, int)
    assert_type([one.reason for one in report.unpriced], list[str])
