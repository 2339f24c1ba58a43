"""The charge around a piece of work when the store is away or its answers are lost."""

import asyncio
import logging
from typing import Any

import pytest

from credits_core import AsyncCredits, BackendUnavailableError, OutcomeUnknownError
from credits_core.charge import adrain, pending, require_credits
from credits_core.models import MAX_BALANCE, Receipt
from tests.core.test_charge import Setting, setting

__all__ = ["setting"]  # the fixture


@pytest.mark.parametrize("fate", ["lost", "never_arrives"])
async def test_a_charge_without_an_answer_serves_nothing_and_costs_nothing(
    setting: Setting, fate: str
) -> None:
    setting.store.broken = {"deduct": fate, "question": "away"}
    with pytest.raises(OutcomeUnknownError):
        async with require_credits(setting.credits, "alice", 10, "chat"):
            pytest.fail("the work ran")
    await asyncio.sleep(0.3)
    setting.store.broken = {"refund": "away"}
    await asyncio.sleep(0.3)
    setting.store.broken = {}
    await adrain(setting.credits)
    assert (await setting.log())[1:] == ([(-10, "chat"), (10, "refund")] if fate == "lost" else [])
    assert await setting.balance() == 100


async def test_cancelled_and_without_an_answer(setting: Setting) -> None:
    setting.store.broken, setting.store.seconds = {"deduct": "lost"}, 0.01
    entering = asyncio.create_task(
        require_credits(setting.credits, "alice", 10, "chat").__aenter__()
    )
    await asyncio.sleep(0.01)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    setting.store.broken = {"deduct": "lost"}
    await adrain(setting.credits)
    assert (await setting.log())[1:] == [(-10, "chat"), (10, "refund")]


async def test_a_store_that_is_away_charges_nothing(setting: Setting) -> None:
    setting.store.broken = {"deduct": "away"}
    with pytest.raises(BackendUnavailableError):
        async with require_credits(setting.credits, "alice", 10, "chat"):
            pytest.fail("the work ran")
    setting.store.broken = {}
    assert await setting.balance() == 100


@pytest.mark.parametrize("how", ["away", "lost", "never_arrives"])
async def test_a_give_back_that_fails_hides_nothing_and_is_tried_again(
    setting: Setting, how: str
) -> None:
    setting.store.broken = {"refund": how}
    with pytest.raises(KeyError, match="the work") as failed:
        async with require_credits(setting.credits, "alice", 10, "chat") as paid:
            raise KeyError("the work")
    assert f"the refund of {paid.id}" in failed.value.__notes__[0]
    setting.store.broken = {}
    await adrain(setting.credits)
    assert (await setting.log())[1:] == [(-10, "chat"), (10, "refund")]


async def test_a_give_back_that_never_comes_through_is_logged(
    setting: Setting, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "PAUSES", (0.01,))
    setting.store.broken = {"refund": "away"}
    with pytest.raises(KeyError):
        async with require_credits(setting.credits, "alice", 10, "chat") as paid:
            raise KeyError
    await adrain(setting.credits)
    errors = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert paid.id is not None
    assert paid.id in errors[0].getMessage()
    setting.store.broken = {}
    assert await setting.balance() == 90


async def test_a_give_back_that_is_refused_is_logged_and_hides_nothing(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    async def work_that_fills_the_account() -> None:
        async with require_credits(setting.credits, "alice", 10, "chat"):
            room = MAX_BALANCE - await setting.balance()
            while room:
                room -= (await setting.credits.add("alice", min(room, 10**15), "gift")).amount
            raise KeyError("the work")

    with pytest.raises(KeyError, match="the work") as failed:
        await work_that_fills_the_account()
    assert "has not come through" in failed.value.__notes__[0]
    assert "was refused" in caplog.text
    assert await setting.balance() == MAX_BALANCE


class Buggy(AsyncCredits):
    """A client that raises what nobody expects, after it has refunded."""

    async def refund(self, *args: Any, **options: Any) -> Receipt:
        await super().refund(*args, **options)
        raise RuntimeError("a bug of refund")


async def test_a_give_back_that_breaks_is_logged_and_hides_nothing(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    setting.credits = Buggy(setting.store)
    with pytest.raises(KeyError, match="the work") as failed:
        async with require_credits(setting.credits, "alice", 10, "chat") as paid:
            raise KeyError("the work")
    assert "a bug of refund" in failed.value.__notes__[0]
    assert f"the refund of {paid.id} to 'alice' of 10 credits for 'chat'" in caplog.text
    assert "RuntimeError: a bug of refund" in caplog.text
    assert await setting.balance() == 100


def test_a_charge_under_way_when_the_loop_ends_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        credits = Setting().credits
        await credits.initialize_user("alice", 100)
        paying = require_credits(credits, "alice", 10, "chat").__aenter__()
        entering.append(asyncio.create_task(paying))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    entering: list[asyncio.Task[Any]] = []
    asyncio.run(run())
    assert entering[0].cancelled()
    assert "broken off, look whether the user was charged" in caplog.text
    assert "a charge to 'alice' of 10 credits for 'chat'" in caplog.text
