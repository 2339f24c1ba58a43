"""One account that everybody charges: its log keeps pace with the clock, in execution order."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from credits_core import AsyncCredits, commands, scripts
from credits_core.backends._resp import words
from credits_core.commands import SignUp
from credits_core.keys import KeySpace
from tests.faults.helpers import ready


def flood(store, user: str, charges: int) -> None:
    """Run that many charges on the server, as fast as one connection carries them."""
    with store.client() as raw:
        raw.script_load(scripts.DEDUCT.text)
        for _ in range(charges // 10_000):
            seconds, _ = raw.time()
            pipeline = raw.pipeline(transaction=False)
            for _ in range(10_000):
                command = commands.deduct(
                    KeySpace(),
                    user,
                    1,
                    "flood",
                    None,
                    idempotency_key=None,
                    sign_up=SignUp(),
                    now_ms=seconds * 1000,
                )
                pipeline.execute_command(*words(command.bind(seconds * 1000 + 60_000)))
            assert {reply[0] for reply in pipeline.execute()} == {"ok"}


def check_log(store, user: str, entries: int) -> None:
    with store.client() as raw:
        seconds, micros = raw.time()
        [(_, last)] = raw.zrange(f"txs:{user}", -1, -1, withscores=True)
        assert abs(last - (seconds * 1000 + micros / 1000)) < 1000
        assert raw.zcard(f"txs:{user}") == entries
        scores = [score for _, score in raw.zrange(f"txs:{user}", 0, 99_999, withscores=True)]
        assert all(earlier < later for earlier, later in itertools.pairwise(scores))


async def charge_in_turns(store, user: str, merged: int, flooded: int) -> None:
    async with AsyncCredits.from_url(store.url, timeout=20) as credits:
        await ready(credits, user, 2 * (merged + flooded))
        await asyncio.to_thread(flood, store, user, flooded)
        receipts = []
        for _ in range(merged // 1000):
            calls = (credits.deduct(user, 1, "call") for _ in range(1000))
            receipts += await asyncio.gather(*calls)
        check_log(store, user, 2 + merged + flooded)
        in_order = sorted(receipts, key=lambda receipt: -receipt.balance)
        logged = [entry.id async for entry in credits.iter_transactions(user)][:merged][::-1]
        assert [receipt.tx_id for receipt in in_order] == logged
        assert (await credits.verify_balance(user)).valid
        assert await credits.get_balance(user) == merged + flooded
        await credits.delete_account(user)


async def test_a_hundred_thousand_charges_on_one_account(store, user):
    """A log that runs ahead of the clock, by 0.01 ms an entry, is a second ahead by then."""
    await charge_in_turns(store, user, merged=10_000, flooded=90_000)


@pytest.mark.soak
async def test_half_a_million_charges_on_one_account(store, user):
    await charge_in_turns(store, user, merged=10_000, flooded=490_000)
