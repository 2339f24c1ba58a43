"""Paid work inside paid work: the charge around pays, or it is charged apart; never twice."""

from __future__ import annotations

import asyncio

import pytest

from credits_core import InsufficientCreditsError, InvalidRequestError
from credits_core.charge import current_charge
from tests.contract.accounts import sound
from tests.contract.paid import amounts, fixed, held

pytestmark = pytest.mark.stores


async def test_work_inside_a_hold_draws_on_it(credits, rich):
    async with held(credits, rich, 50) as outer, fixed(credits, rich, 10, "inner") as inner:
        assert (inner.id, inner.amount, outer.cost) == (None, 10, 10)
    assert (outer.cost, outer.balance) == (10, 90)
    assert await amounts(credits, rich) == [(-50, "work"), (40, "work")]
    await sound(credits, rich, 90)


async def test_work_inside_a_hold_is_added_to_what_is_metered(credits, rich):
    async with held(credits, rich, 50) as outer:
        outer.meter(7.5)
        async with fixed(credits, rich, 10, "inner"):
            pass
        outer.meter(7)
    assert outer.cost == 25
    await sound(credits, rich, 75)


async def test_a_hold_grows_for_the_work_inside(credits, rich):
    async with held(credits, rich, 5, step=1) as outer:
        for _ in range(3):
            async with fixed(credits, rich, 10, "inner"):
                pass
        assert outer.amount == 30
    await sound(credits, rich, 70)


async def test_work_inside_that_nobody_can_pay_does_not_run(credits, rich):
    async with held(credits, rich, 60) as outer:
        outer.meter(55)
        with pytest.raises(InsufficientCreditsError) as refused:
            async with fixed(credits, rich, 50, "inner"):
                pytest.fail("the work ran")
        assert (refused.value.required, refused.value.available) == (45, 40)
    assert outer.cost == 55
    await sound(credits, rich, 45)


async def test_a_fixed_price_includes_the_work_inside(credits, rich):
    async with fixed(credits, rich, 30, "outer"):
        async with fixed(credits, rich, 10, "inner") as inner:
            pass
        async with held(credits, rich, 90, "inner") as metered:
            await metered.spend(200)
        assert (inner.cost, inner.id, metered.id) == (0, None, None)
    assert await amounts(credits, rich) == [(-30, "outer")]
    await sound(credits, rich, 70)


async def test_a_part_of_a_price_that_is_included_changes_nothing(credits, rich):
    async with fixed(credits, rich, 30, "outer"), fixed(credits, rich, 10, "inner") as inner:
        inner.settle(3)
        with pytest.raises(InvalidRequestError, match="fixed price of 10 credits"):
            inner.settle(11)
    await sound(credits, rich, 70)


async def test_a_part_of_a_price_that_a_hold_pays(credits, rich):
    async with held(credits, rich, 50) as outer, fixed(credits, rich, 10, "inner") as inner:
        inner.settle(3)
    assert (inner.cost, outer.cost) == (3, 3)
    await sound(credits, rich, 97)


async def test_apart_is_charged_apart(credits, rich):
    async with held(credits, rich, 50), fixed(credits, rich, 10, "inner", apart=True) as inner:
        assert inner.id is not None
    assert (-10, "inner") in await amounts(credits, rich)
    await sound(credits, rich, 40)


async def test_work_inside_what_is_apart_is_paid_by_it(credits, rich):
    async with (
        fixed(credits, rich, 30),
        held(credits, rich, 20, "apart", apart=True) as apart,
        fixed(credits, rich, 5, "inner"),
    ):
        pass
    assert apart.cost == 5
    await sound(credits, rich, 65)


async def test_another_user_pays_for_themselves(credits, pair):
    alice, bob = pair
    for user in pair:
        await credits.initialize_user(user, 100)
    async with held(credits, alice, 50), fixed(credits, bob, 10, "inner"):
        pass
    await sound(credits, alice, 50)
    await sound(credits, bob, 90)


async def test_a_user_pays_once_also_with_the_work_of_another_between(credits, pair):
    alice, bob = pair
    for user in pair:
        await credits.initialize_user(user, 100)
    async with fixed(credits, alice, 50), fixed(credits, bob, 5), fixed(credits, alice, 10):
        pass
    await sound(credits, alice, 50)
    await sound(credits, bob, 95)


async def test_what_is_free_between_changes_nothing(credits, rich):
    async with fixed(credits, rich, 30), fixed(credits, rich, 0), fixed(credits, rich, 10):
        pass
    await sound(credits, rich, 70)


async def test_what_is_free_has_a_charge_of_its_own(credits, rich):
    """What it says of itself must not reach the charge around it."""
    async with held(credits, rich, 50) as outer:
        outer.settle(40)
        async with held(credits, rich, 0) as free:
            inner = current_charge()
            assert inner is free.charge
            inner.settle(4)
            inner.meter(4)
        async with fixed(credits, rich, 0) as free:
            free.settle(7)
            free.refund()
        assert (free.cost, free.amount) == (0, 0)
    await sound(credits, rich, 60)


async def test_work_inside_that_fails_costs_nothing(credits, rich):
    async with held(credits, rich, 50) as outer:
        async with fixed(credits, rich, 20, "inner"):
            pass
        with pytest.raises(KeyError):
            async with fixed(credits, rich, 10, "inner"):
                raise KeyError
    assert outer.cost == 20
    await sound(credits, rich, 80)


async def test_the_only_work_inside_fails(credits, rich):
    async with held(credits, rich, 50) as outer:
        with pytest.raises(KeyError):
            async with fixed(credits, rich, 10, "inner"):
                raise KeyError
    assert outer.cost == 0
    await sound(credits, rich, 100)


async def test_work_around_that_fails_gives_everything_back(credits, rich):
    async def work() -> None:
        async with held(credits, rich, 50):
            async with fixed(credits, rich, 20, "inner"):
                pass
            raise KeyError

    with pytest.raises(KeyError):
        await work()
    await sound(credits, rich, 100)


async def test_a_hold_inside_a_hold(credits, rich):
    async with held(credits, rich, 50) as outer:
        async with held(credits, rich, 20, "inner") as inner:
            assert outer.cost == 20
            await inner.spend(7.5)
            await inner.spend(20)
        assert (inner.cost, outer.cost) == (28, 28)
        outer.meter(1)
    assert outer.cost == 29
    await sound(credits, rich, 71)


async def test_a_hold_inside_a_hold_inside_a_hold(credits, rich):
    async with (
        held(credits, rich, 5, step=1) as outer,
        held(credits, rich, 10, "middle") as middle,
        held(credits, rich, 20, "inner") as inner,
    ):
        await inner.spend(30)
        assert outer.amount == 30  # what is held around holds the rest, too
    assert (inner.cost, middle.cost, outer.cost) == (30, 30, 30)
    await sound(credits, rich, 70)


async def test_streams_inside_are_paid_by_the_hold_around(credits, rich):
    async with held(credits, rich, 5, step=5) as outer:
        async with held(credits, rich, 1, "inner") as inner:
            assert [piece async for piece in inner.stream("abcdefgh", 2)] == list("abcdefgh")
        assert (inner.cost, outer.cost) == (16, 16)
    await sound(credits, rich, 84)


async def test_tasks_that_outlive_the_work_around_pay_for_themselves(credits, rich):
    inside = asyncio.Event()

    async def late() -> None:
        await inside.wait()
        async with fixed(credits, rich, 10, "late"):
            pass

    async with held(credits, rich, 50) as outer:
        outer.settle(5)
        task = asyncio.create_task(late())
        await asyncio.sleep(0)
    inside.set()
    await task
    await sound(credits, rich, 85)
