"""Prices and charges."""

from typing import assert_type

from credits_core import FIXED_PRICING, AsyncCredits, Charge, PricingEngine, require_credits


async def work(credits: AsyncCredits) -> None:
    async with require_credits(credits, "alice", 10, "chat") as charge:
        assert_type(charge, Charge)
        assert_type(charge.amount, int)
        assert_type(charge.balance, int | None)
        assert_type(charge.id, str | None)


def prices() -> None:
    engine = PricingEngine()
    print(engine, FIXED_PRICING)
