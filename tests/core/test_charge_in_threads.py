"""A charge of a client for sync code that async code drives, as adapters do under WSGI."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from credits_core import Credits, InvalidRequestError
from credits_core.charge import Charge
from credits_core.charge.terms import hold_terms, price_terms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from credits_core.charge.terms import Terms


@pytest.fixture
def credits() -> Iterator[Credits]:
    with Credits.from_url("memory://", auto_initialize=True) as client:
        yield client


def charge(credits: Credits, terms: Terms) -> Charge:
    return Charge(credits, terms, threaded=True)


def fixed(cost: int = 10) -> Terms:
    return price_terms("alice", cost, "work", None)


def held(estimate: int = 10) -> Terms:
    return hold_terms("alice", estimate, "work", None, step=5)


async def test_it_is_paid_and_given_back(credits: Credits) -> None:
    async with charge(credits, fixed()) as paid:
        assert paid.balance == 90
    with pytest.raises(KeyError):
        async with charge(credits, fixed()):
            raise KeyError
    assert credits.get_balance("alice") == 90


async def test_a_hold_grows_and_is_settled(credits: Credits) -> None:
    async with charge(credits, held()) as work:
        await work.aspend(12)
        await work.arenew()
        async with charge(credits, fixed(3)) as inner:
            assert inner.id is None
    assert (work.cost, credits.get_balance("alice")) == (15, 85)


async def pieces() -> AsyncIterator[str]:
    for one in ("a", "b", "c"):
        await asyncio.sleep(0)
        yield one


async def test_streams_of_both_kinds_are_metered(credits: Credits) -> None:
    one, two = charge(credits, held()), charge(credits, held())
    await one.abegin()
    assert [piece async for piece in one.stream(pieces(), 1)] == ["a", "b", "c"]
    await two.abegin()
    assert list(two.stream(["a", "b"], 2)) == ["a", "b"]
    assert credits.get_balance("alice") == 93


async def test_the_loop_goes_on_meanwhile(
    credits: Credits, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    async with charge(credits, fixed()):
        pass
    ticking.cancel()
    assert ticks > 5


async def test_who_is_cancelled_while_it_is_made_has_it_back(
    credits: Credits, monkeypatch: pytest.MonkeyPatch
) -> None:
    credits.get_balance("alice")
    slow(monkeypatch)
    for terms in (fixed(), held()):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await charge(credits, terms).abegin()
        assert credits.get_account("alice").balance == 90
        await come_about(credits, 100)
    assert len(credits.get_transactions("alice")) == 5


async def test_who_is_cancelled_just_when_it_was_made_has_it_back(credits: Credits) -> None:
    credits.get_balance("alice")
    one = charge(credits, fixed())
    task = asyncio.create_task(one.abegin())
    await asyncio.sleep(0)
    time.sleep(0.1)  # noqa: ASYNC251 - the loop stands still, and the thread is done
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await come_about(credits, 100)


async def test_its_end_is_not_cut_off(credits: Credits, monkeypatch: pytest.MonkeyPatch) -> None:
    work = charge(credits, held())
    await work.abegin()
    slow(monkeypatch)
    task = asyncio.create_task(work.aend("failed"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await come_about(credits, 100)
    assert credits.get_account("alice").held == 0


async def test_without_being_asked_for_it_is_refused(credits: Credits) -> None:
    with pytest.raises(InvalidRequestError, match="for sync code"):
        await Charge(credits, fixed()).abegin()


def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    from credits_core.backends.memory import MemoryBackend  # noqa: PLC0415

    real = MemoryBackend.execute

    def execute(self: Any, calls: Any, timeout: float) -> Any:
        answers = real(self, calls, timeout)
        time.sleep(0.2)
        return answers

    monkeypatch.setattr(MemoryBackend, "execute", execute)


async def come_about(credits: Credits, balance: int) -> None:
    deadline = time.monotonic() + 5
    while credits.get_balance("alice") != balance:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
