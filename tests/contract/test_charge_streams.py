"""Streams: each piece is paid as it is delivered, and the end of the stream settles."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from credits_core import HoldClosedError, InsufficientCreditsError, LimitExceededError
from credits_core.charge import current_charge
from tests.contract.accounts import sound
from tests.contract.paid import amounts, fixed, held

pytestmark = pytest.mark.stores


async def test_pieces_are_paid_and_the_hold_grows_in_steps(credits, rich):
    async with held(credits, rich, 5, step=20) as work:
        pieces = [piece async for piece in work.stream(range(30), 1)]
    assert pieces == list(range(30))
    assert await amounts(credits, rich) == [
        (-5, "work"),
        (-20, "hold_extended"),
        (-20, "hold_extended"),
        (15, "work"),
    ]
    assert (work.cost, work.balance, work.cut_off) == (30, 70, None)
    await sound(credits, rich, 70)


async def test_fractions_are_summed_and_rounded_up_once(credits, rich):
    async with held(credits, rich, 5) as work:
        assert [piece async for piece in work.stream("a" * 33, 0.1)] == ["a"] * 33
    assert work.cost == 4
    await sound(credits, rich, 96)


async def test_a_piece_may_be_priced_by_what_it_is(credits, rich):
    async with held(credits, rich, 5) as work:
        assert [piece async for piece in work.stream(["one", "three", ""], len)] == [
            "one",
            "three",
            "",
        ]
    assert work.cost == 8
    await sound(credits, rich, 92)


async def test_a_stream_without_pieces_costs_nothing(credits, rich):
    async with held(credits, rich, 5) as work:
        assert [piece async for piece in work.stream([], 1)] == []
    assert work.cost == 0
    await sound(credits, rich, 100)


async def test_a_stream_whose_pieces_have_no_price_costs_the_estimate(credits, rich):
    async with held(credits, rich, 5) as work:
        assert [piece async for piece in work.stream("ab")] == ["a", "b"]
    assert work.cost == 5
    await sound(credits, rich, 95)


async def test_a_stream_of_a_fixed_price(credits, rich):
    async with fixed(credits, rich, 10) as work:
        assert [piece async for piece in work.stream("ab")] == ["a", "b"]
    assert await amounts(credits, rich) == [(-10, "work")]
    await sound(credits, rich, 90)


async def test_when_the_credits_run_out_the_stream_ends(credits, rich):
    async with held(credits, rich, 5, step=10) as work:
        pieces = [
            piece async for piece in work.stream("a" * 500, 3, final=lambda charge: charge.cost)
        ]
    assert pieces == ["a"] * 33 + [99]  # the final piece is told of the charge as it ended
    assert isinstance(work.cut_off, InsufficientCreditsError)
    assert (work.cost, work.balance) == (99, 1)
    await sound(credits, rich, 1)


async def test_when_the_first_piece_is_too_dear_nothing_is_paid(credits, rich):
    async with held(credits, rich, 5) as work:
        assert [piece async for piece in work.stream("ab", 101)] == []
    assert isinstance(work.cut_off, InsufficientCreditsError)
    assert work.cost == 0
    await sound(credits, rich, 100)


async def test_an_account_that_is_frozen_meanwhile_ends_the_stream(credits, rich):
    async with held(credits, rich, 2) as work:
        stream = work.stream("abcdef", 1)
        pieces = await stream.take(2)
        await credits.freeze(rich)
        pieces += [piece async for piece in stream]
    assert pieces == ["a", "b"]
    assert isinstance(work.cut_off, LimitExceededError)
    await sound(credits, rich, 98)


async def test_a_hold_that_expired_meanwhile_ends_the_stream_which_is_paid(credits, rich):
    async with held(credits, rich, 2, expires_in=0.05) as work:
        stream = work.stream("abcdef", 1)
        pieces = await stream.take(2)
        await asyncio.sleep(0.1)
        pieces += [piece async for piece in stream]
    assert pieces == ["a", "b"]
    assert isinstance(work.cut_off, HoldClosedError)
    assert work.cost == 2
    await sound(credits, rich, 98)


async def test_a_hold_that_somebody_ended_meanwhile_ends_the_stream(credits, rich):
    async with held(credits, rich, 2) as work:
        stream = work.stream("abcdef", 1)
        pieces = await stream.take(2)
        await credits.settle(rich, work.id, 1)
        pieces += [piece async for piece in stream]
    assert pieces == ["a", "b"]
    assert isinstance(work.cut_off, HoldClosedError)
    assert work.cost == 1
    await sound(credits, rich, 99)


async def test_a_piece_below_zero_is_a_mistake_and_no_end(credits, rich):
    async def consume() -> None:
        async with held(credits, rich, 2) as work:
            async for _ in work.stream([1, -1], lambda piece: piece):
                pass

    with pytest.raises(ValueError, match="what the work used"):
        await consume()


@pytest.mark.parametrize("taken", [1, 3])
async def test_who_closes_the_stream_pays_for_what_was_delivered(credits, rich, taken):
    async with held(credits, rich, 50) as work:
        stream = work.stream(range(10), 4)
        await stream.take(taken)
        await stream.aclose()
        assert not work.open
    assert work.cost == 4 * taken
    await sound(credits, rich, 100 - 4 * taken)


async def test_who_breaks_off_pays_for_what_was_delivered(credits, rich):
    async with held(credits, rich, 50) as work:
        async for piece in work.stream(range(10), 4):
            if piece == 2:
                break
    assert work.cost == 12
    await sound(credits, rich, 88)


async def test_a_stream_that_is_closed_keeps_a_fixed_price(credits, rich):
    async with fixed(credits, rich, 10) as work:
        stream = work.stream("abc")
        await stream.take(1)
        await stream.aclose()
    await sound(credits, rich, 90)


async def test_an_exception_between_two_pieces_costs_what_was_delivered(credits, rich):
    async def consume() -> None:
        async with held(credits, rich, 50) as work:
            stream = work.stream(range(10), 4)
            await stream.take(2)
            await stream.aclose()
            raise KeyError

    with pytest.raises(KeyError):
        await consume()
    await sound(credits, rich, 92)


def breaks(after: int) -> object:
    yield from range(after)
    raise KeyError("the model is away")


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_source_that_breaks_is_paid_for_the_pieces_that_it_made(credits, rich, after):
    work = held(credits, rich, 50)
    async with work:
        stream = work.stream(breaks(after), 4)
        with pytest.raises(KeyError, match="the model is away"):
            await stream.take(10)
    assert work.cost == 4 * after
    await sound(credits, rich, 100 - 4 * after)


@pytest.mark.parametrize("after", [0, 3])
async def test_a_source_without_a_price_a_piece_that_breaks_costs_nothing(credits, rich, after):
    for work in (fixed(credits, rich, 10), held(credits, rich, 10)):
        async with work:
            with pytest.raises(KeyError):
                await work.stream(breaks(after)).take(10)
        assert work.cost == 0
    await sound(credits, rich, 100)


async def test_a_stream_outlives_its_block(credits, rich):
    async with held(credits, rich, 50) as work:
        stream = work.stream("abc", 4)
    assert work.open
    assert [piece async for piece in stream] == ["a", "b", "c"]
    assert (work.open, work.cost) == (False, 12)
    await sound(credits, rich, 88)


@pytest.mark.parametrize("kind", [fixed, held])
async def test_a_stream_that_is_closed_before_it_began_costs_nothing(credits, rich, kind):
    async with kind(credits, rich, 10) as work:
        stream = work.stream("abc")
    await stream.aclose()
    await stream.aclose()
    assert not work.open
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await sound(credits, rich, 100)


async def test_a_block_that_breaks_ends_the_stream_that_it_made(credits, rich):
    with suppress(KeyError):
        async with held(credits, rich, 10) as work:
            work.stream("abc", 1)
            raise KeyError
    assert (work.open, work.streaming) == (False, False)
    await sound(credits, rich, 100)


async def test_what_has_ended_is_not_streamed(credits, rich):
    async with held(credits, rich, 10) as work:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        work.stream("abc")
    async with held(credits, rich, 10) as work:
        work.hand_over()
        with pytest.raises(RuntimeError, match="not open"):
            work.stream("abc")


async def test_a_fixed_price_has_no_pieces(credits, rich):
    async with fixed(credits, rich, 10) as work:
        with pytest.raises(ValueError, match="hold_credits"):
            work.stream("abc", 1)


async def test_the_source_works_inside_the_charge_and_its_consumer_does_not(credits, rich):
    def source() -> object:
        seen.append(current_charge())
        yield "a"
        seen.append(current_charge())

    seen = []
    async with held(credits, rich, 50) as work:
        stream = work.stream(source(), 4)
    assert current_charge() is None
    await stream.take(1)
    assert current_charge() is None
    assert [piece async for piece in stream] == []
    assert seen == [work.charge, work.charge]
    await sound(credits, rich, 96)


async def test_a_source_is_closed_before_the_charge_ends(credits, rich):
    def source() -> object:
        try:
            yield from "abc"
        finally:
            work.settle(7)

    async with held(credits, rich, 50) as work:
        stream = work.stream(source())
        await stream.take(1)
        await stream.aclose()
    assert work.cost == 7
    await sound(credits, rich, 93)
