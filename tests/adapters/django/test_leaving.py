"""Under ASGI Django drops the answer of a client that has left: its charges end all the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from credits_django import clients
from credits_django.middleware import PATH
from credits_django.signals import charged
from tests.adapters.django.leaving import Moment, worked
from tests.adapters.paths.books import GIVEN_BACK, PAID, log, wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from credits_core import Credits

HERE = "tests.adapters.django.leaving"
LATE, SYNC_LATE, SYNC = f"{HERE}.Late", f"{HERE}.late", f"{HERE}.plain"

HELD_AND_SETTLED = [(-4, "held"), (1, "held")]
HELD_AND_RELEASED = [(-4, "held"), (4, "held")]


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    yield
    await clients.aclose()


async def comes(credits: Credits, user: str, entries: list[tuple[int, str]]) -> None:
    """Nothing is on hold, and the log is this, and stays so."""

    def ended() -> bool:
        return credits.get_account(user).held == 0 and log(credits, user) == entries

    await asyncio.to_thread(wait_for, ended, 3.0)
    await asyncio.sleep(0.1)
    assert ended()


@pytest.mark.parametrize("where", ["/aheld", "/held"])
@pytest.mark.parametrize("around", [(LATE, PATH), (SYNC_LATE, PATH), (SYNC_LATE, PATH, SYNC)])
async def test_a_hold_whose_answer_is_dropped_is_settled(
    credits: Credits, payer: str, where: str, around: tuple[str, ...]
) -> None:
    assert await Moment().leave(where, payer, *around) == []
    await comes(credits, payer, HELD_AND_SETTLED)


async def test_a_price_whose_answer_is_dropped_is_paid_as_that_of_one_nobody_read(
    credits: Credits, payer: str
) -> None:
    assert await Moment().leave("/afixed", payer, LATE, PATH) == []
    await comes(credits, payer, PAID)


@pytest.mark.parametrize("around", [(LATE, PATH), (SYNC_LATE, PATH)])
async def test_a_stream_that_is_dropped_before_its_first_piece_is_given_back(
    credits: Credits, payer: str, around: tuple[str, ...]
) -> None:
    assert await Moment().leave("/astream", payer, *around) == []
    await comes(credits, payer, GIVEN_BACK)


@pytest.mark.parametrize("around", [(LATE, PATH), (SYNC_LATE, PATH), (SYNC_LATE, PATH, SYNC)])
async def test_a_metered_stream_that_is_dropped_before_its_first_piece_costs_nothing(
    credits: Credits, payer: str, around: tuple[str, ...]
) -> None:
    assert await Moment().leave("/metered", payer, *around) == []
    await comes(credits, payer, HELD_AND_RELEASED)


@pytest.mark.parametrize("around", [(PATH,), (PATH, SYNC)])
async def test_a_sync_view_that_works_on_for_nobody_is_settled(
    credits: Credits, payer: str, around: tuple[str, ...]
) -> None:
    moment = Moment()
    await moment.leave("/held-at-work", payer, *around)
    assert await asyncio.to_thread(moment.done.wait, 10)
    await comes(credits, payer, HELD_AND_SETTLED)


async def test_work_for_nobody_does_not_begin(credits: Credits, payer: str) -> None:
    moment = Moment()
    await moment.leave("/begun-late", payer, PATH)
    assert await asyncio.to_thread(moment.done.wait, 10)
    await comes(credits, payer, GIVEN_BACK)
    assert payer not in worked


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_client_that_leaves_while_its_charges_end_leaves_nothing_on_hold(
    credits: Credits, payer: str, key: str | None
) -> None:
    moment = Moment()

    async def hears(**_: object) -> None:
        await moment.awaited()

    charged.connect(hears)
    try:
        await moment.leave("/both", payer, PATH, key=key, wrapped=False)
        await comes(credits, payer, [(-10, "fixed"), *HELD_AND_SETTLED])
    finally:
        charged.disconnect(hears)


@pytest.mark.parametrize("turns", range(9))
async def test_a_client_that_leaves_as_the_view_ends_leaves_nothing_on_hold(
    credits: Credits, payer: str, turns: int
) -> None:
    await Moment().leave("/aheld", payer, PATH, turns=turns, wrapped=False)
    await comes(credits, payer, HELD_AND_SETTLED)


@pytest.mark.parametrize("turns", range(9))
async def test_a_client_that_leaves_as_a_stream_begins_has_its_price_back(
    credits: Credits, payer: str, turns: int
) -> None:
    sent = await Moment().leave("/astream", payer, PATH, turns=turns, wrapped=False)
    delivered = any(message.get("body") for message in sent)
    await comes(credits, payer, PAID if delivered else GIVEN_BACK)
