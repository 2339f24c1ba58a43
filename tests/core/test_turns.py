"""Turns that tasks and threads take one after the other."""

from __future__ import annotations

import asyncio
import threading

import pytest

from credits_core.charge.turns import Turns


async def test_tasks_take_turns_in_the_order_of_asking() -> None:
    turns, order = Turns(), list[int]()

    async def work(number: int) -> None:
        await turns.await_mine()
        order.append(number)
        await asyncio.sleep(0)
        order.append(number)
        turns.pass_on()

    await asyncio.gather(*(work(number) for number in range(5)))
    assert order == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("late", [False, True])
async def test_a_turn_that_nobody_takes_goes_to_the_next(late: bool) -> None:
    """Also when it comes in the moment in which its task is cancelled."""
    turns = Turns()
    await turns.await_mine()
    first, second = (asyncio.create_task(turns.await_mine()) for _ in range(2))
    await asyncio.sleep(0)
    if late:
        turns.pass_on()
        first.cancel()
    else:
        first.cancel()
        turns.pass_on()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.wait_for(second, 5)
    turns.pass_on()
    await asyncio.wait_for(turns.await_mine(), 5)


async def test_threads_and_tasks_wait_for_each_other() -> None:
    turns, inside = Turns(), list[int]()
    most = 0

    def look() -> None:
        nonlocal most
        inside.append(1)
        most = max(most, len(inside))

    async def task() -> None:
        for _ in range(50):
            await turns.await_mine()
            look()
            await asyncio.sleep(0)
            inside.pop()
            turns.pass_on()

    def thread() -> None:
        for _ in range(50):
            assert turns.wait_for_mine()
            look()
            inside.pop()
            turns.pass_on()

    threads = [asyncio.to_thread(thread) for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*threads, *(task() for _ in range(3))), 30)
    assert most == 1


async def test_sync_code_does_not_wait_for_a_task_of_the_loop_that_it_holds_up() -> None:
    turns = Turns()
    await turns.await_mine()
    assert not turns.wait_for_mine()
    turns.pass_on()
    assert turns.wait_for_mine()


def test_a_thread_waits_until_it_is_passed_on() -> None:
    turns = Turns()
    assert turns.wait_for_mine()
    waiting = threading.Thread(target=turns.wait_for_mine)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    turns.pass_on()
    waiting.join(5)
    assert not waiting.is_alive()
