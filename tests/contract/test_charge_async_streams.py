"""Streams of async charges: cancelled, dropped, and out of sync sources that run in threads."""

from __future__ import annotations

import asyncio
import threading
import time

import anyio
import pytest

from credits_core.charge import adrain, current_charge, require_credits
from tests.contract.accounts import sound
from tests.contract.flavours import only
from tests.contract.paid import held

flavour = only("tcp-async", "memory-async")


async def slowly(pieces):
    for piece in pieces:
        await asyncio.sleep(0.02)
        yield piece


async def endless(started, *, pieces=2):
    for piece in range(pieces):
        yield piece
    started.set()
    await asyncio.sleep(60)


async def test_a_task_that_is_cancelled_pays_for_what_was_delivered(credits, rich):
    async def consume() -> None:
        async with held(credits, rich, 50) as work:
            async for _ in work.charge.stream(endless(waiting), 4):
                pass

    waiting = asyncio.Event()
    task = asyncio.create_task(consume())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await sound(credits, rich, 92)


async def end(scope, waiting):
    await waiting
    scope.cancel()


async def test_a_scope_that_ends_pays_for_what_was_delivered(credits, rich):
    waiting = asyncio.Event()
    with anyio.CancelScope() as scope:
        ending = asyncio.create_task(end(scope, waiting.wait()))
        async with held(credits, rich, 50) as work:
            async for _ in work.charge.stream(endless(waiting), 4):
                pass
    assert scope.cancelled_caught
    await ending
    assert work.cost == 8
    await sound(credits, rich, 92)


async def test_a_task_that_is_cancelled_at_a_piece_pays_for_it(credits, rich):
    async def consume() -> None:
        async with held(credits, rich, 50) as work:
            async for _ in work.charge.stream(slowly("abc"), 4):
                reached.set()
                await asyncio.sleep(60)

    reached = asyncio.Event()
    task = asyncio.create_task(consume())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await sound(credits, rich, 96)


async def test_a_stream_that_is_dropped_is_settled_by_the_loop(credits, rich):
    async with held(credits, rich, 50) as work:
        stream = work.charge.stream(slowly("abc"), 4)
    await anext(stream)
    del stream
    await adrain(credits)
    assert not work.open
    await sound(credits, rich, 96)


async def test_a_sync_source_runs_in_a_thread_inside_the_charge(credits, rich):
    def source():
        for piece in "abc":
            seen.append((threading.current_thread(), current_charge()))
            yield piece

    seen = []
    async with held(credits, rich, 50) as work:
        assert [piece async for piece in work.charge.stream(source(), 4)] == ["a", "b", "c"]
    assert {charge for _, charge in seen} == {work.charge}
    assert threading.current_thread() not in {thread for thread, _ in seen}
    await sound(credits, rich, 88)


async def test_a_sync_source_that_breaks(credits, rich):
    def source():
        yield "a"
        raise KeyError("the model is away")

    async with held(credits, rich, 50) as work:
        stream = work.charge.stream(source(), 4)
        assert await anext(stream) == "a"
        with pytest.raises(KeyError, match="the model is away"):
            await anext(stream)
    await sound(credits, rich, 96)


@pytest.mark.parametrize("how", ["task", "scope"])
async def test_a_sync_source_is_closed_once_its_piece_is_made(credits, rich, how):
    """A generator that runs cannot be closed, and a cancelled task does not stop its thread."""

    def source():
        try:
            yield "a"
            making.set()
            time.sleep(0.2)
            yield "b"
        finally:
            closed.set()

    async def consume() -> None:
        async with held(credits, rich, 50) as work:
            async for _ in work.charge.stream(source(), 4):
                pass

    making, closed = threading.Event(), threading.Event()
    if how == "task":
        task = asyncio.create_task(consume())
        await asyncio.to_thread(making.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with anyio.CancelScope() as scope:
            ending = asyncio.create_task(end(scope, asyncio.to_thread(making.wait)))
            await consume()
        assert scope.cancelled_caught
        await ending
    assert closed.is_set()
    # A scope of anyio waits for the thread, so that its piece is delivered.
    await sound(credits, rich, 96 if how == "task" else 92)


async def test_an_iterator_without_an_end_of_its_own(credits, rich):
    async with held(credits, rich, 50) as work:
        assert [piece async for piece in work.charge.stream(iter("abc"), 4)] == ["a", "b", "c"]
    await sound(credits, rich, 88)


async def test_a_sync_source_of_none(credits, rich):
    async with held(credits, rich, 50) as work:
        assert [piece async for piece in work.charge.stream([None, None], 4)] == [None, None]
    await sound(credits, rich, 92)


async def test_an_async_source_needs_an_async_charge(tcp, user):
    tcp.initialize_user(user, 100)
    with pytest.raises(TypeError, match="AsyncCredits"), require_credits(tcp, user, 1, "x") as paid:
        paid.stream(slowly("abc"))
    assert tcp.get_balance(user) == 100


async def test_many_streams_at_once(credits, rich):
    async def consume(number: int) -> None:
        async with held(credits, rich, 1, step=2, action=f"s{number}") as work:
            async for piece in work.charge.stream(slowly("abcd"), 1):
                if number % 2 and piece == "b":
                    break

    await asyncio.gather(*(consume(number) for number in range(16)))
    await adrain(credits)
    await sound(credits, rich, 100 - 8 * 4 - 8 * 2)
