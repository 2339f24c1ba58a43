"""Every way out of paid work is settled once; afterwards the balance is the sum of the log."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import product

import pytest

from credits_core import (
    HoldClosedError,
    InsufficientCreditsError,
    InvalidRequestError,
    PricingConfigError,
    PricingEngine,
)
from credits_core.charge import Priced, current_charge
from tests.contract.accounts import sound
from tests.contract.paid import amounts, fixed, held
from tests.contract.store import Store

pytestmark = pytest.mark.stores

FAILURES = [KeyError, TimeoutError]
DEPARTURES = [asyncio.CancelledError, KeyboardInterrupt, SystemExit]
"""What leaves a block because nobody waits for it any more."""

BOTH = (fixed, held)


async def run(work, error=None, say=None):
    """A piece of work that says something of itself, and then returns or raises."""
    async with work:
        if say is not None:
            say(work)
        if error is not None:
            raise error
    return work


@pytest.mark.parametrize("kind", BOTH)
async def test_work_that_returns_is_paid(credits, rich, kind):
    work = await run(kind(credits, rich, 10))
    assert (work.amount, work.cost, work.balance, work.open) == (10, 10, 90, False)
    assert current_charge() is None
    await sound(credits, rich, 90)


async def test_work_that_is_left_without_a_word_costs_nothing(credits, rich):
    for kind, error in product(BOTH, FAILURES + DEPARTURES):
        work = kind(credits, rich, 10)
        with pytest.raises(error):
            await run(work, error())
        assert (work.cost, work.balance) == (0, 100), (kind, error)
    await sound(credits, rich, 100)


@pytest.mark.parametrize("kind", BOTH)
async def test_a_generator_that_is_closed_has_delivered(credits, rich, kind):
    work = kind(credits, rich, 10)
    with pytest.raises(GeneratorExit):
        await run(work, GeneratorExit())
    assert work.cost == 10
    await sound(credits, rich, 90)


WORDS = {
    "settle": (lambda work: work.settle(6.5), 7),
    "settle at 0": (lambda work: work.settle(0), 0),
    "refund": (lambda work: work.refund(), 0),
    "keep": (lambda work: work.keep(), 10),
    "the last word": (lambda work: (work.refund(), work.settle(4)), 4),
}


async def test_work_says_what_it_costs(credits, user):
    await credits.initialize_user(user, left := 1000)
    for kind, (word, (say, cost)) in product(BOTH, WORDS.items()):
        work = await run(kind(credits, user, 10, word), say=say)
        left -= cost
        assert (work.cost, work.amount, work.balance) == (cost, cost, left), (kind, word)
    assert len(await amounts(credits, user)) <= 2 * 10  # one to begin, one to end
    await sound(credits, user, left)


async def test_work_that_says_so_is_paid_when_it_is_cancelled(credits, user):
    await credits.initialize_user(user, left := 1000)
    for kind, (word, (say, cost)) in product(BOTH, WORDS.items()):
        work = kind(credits, user, 10)
        with pytest.raises(asyncio.CancelledError):
            await run(work, asyncio.CancelledError(), say)
        left -= cost
        assert (work.cost, work.balance) == (cost, left), (kind, word)
    await sound(credits, user, left)


async def test_work_that_raises_costs_nothing_unless_it_is_kept(credits, user):
    await credits.initialize_user(user, left := 1000)
    for kind, (word, (say, _)) in product(BOTH, WORDS.items()):
        cost = 10 if word == "keep" else 0
        work = kind(credits, user, 10)
        with pytest.raises(KeyError):
            await run(work, KeyError(), say)
        left -= cost
        assert (work.cost, work.balance) == (cost, left), (kind, word)
    await sound(credits, user, left)


@pytest.mark.parametrize("kind", BOTH)
async def test_what_counts_as_a_failure(credits, rich, kind):
    def fails_when(error):
        asked.append(error)
        return isinstance(error, TimeoutError)

    asked = []
    for error in (KeyError(), TimeoutError(), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            await run(kind(credits, rich, 10, fails_when=fails_when), error)
    assert [type(error) for error in asked] == [KeyError, TimeoutError]
    await sound(credits, rich, 90)


async def test_metered_work_costs_what_it_used(credits, rich):
    work = await run(
        held(credits, rich, 50), say=lambda work: [work.meter(each) for each in (0.1, 0.2, 12.5)]
    )
    assert (work.cost, work.balance) == (13, 87)
    assert await amounts(credits, rich) == [(-50, "work"), (37, "work")]
    await sound(credits, rich, 87)


async def test_metered_work_that_is_cancelled_costs_what_it_used(credits, rich):
    with pytest.raises(asyncio.CancelledError):
        await run(held(credits, rich, 50), asyncio.CancelledError(), lambda work: work.meter(12))
    await sound(credits, rich, 88)


async def test_of_a_fixed_price_nothing_is_metered_and_no_more_settled(credits, rich):
    async with fixed(credits, rich, 10) as work:
        with pytest.raises(InvalidRequestError, match="hold_credits"):
            work.meter(1)
        with pytest.raises(InvalidRequestError, match="fixed price of 10 credits"):
            work.settle(11)
    await sound(credits, rich, 90)


SAYINGS = {
    "settle": lambda work: work.settle(3),
    "meter": lambda work: work.meter(3),
    "refund": lambda work: work.refund(),
    "keep": lambda work: work.keep(),
}


@pytest.mark.parametrize("word", SAYINGS.values(), ids=SAYINGS)
async def test_a_word_too_early_or_too_late_is_refused(credits, rich, word):
    work = held(credits, rich, 10)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"has ended\. .* resume_hold"):
            word(work)
        with pytest.raises(RuntimeError, match="not open"):
            await work.spend(1)
        if work.id is None:
            await run(work)
    await sound(credits, rich, 90)


@pytest.mark.parametrize("word", SAYINGS.values(), ids=SAYINGS)
async def test_a_word_about_what_was_handed_over_is_refused(credits, rich, word):
    async with held(credits, rich, 10) as work:
        work.hand_over()
        with pytest.raises(RuntimeError, match="handed over"):
            word(work)


async def test_a_charge_is_begun_once(credits, rich):
    work = await run(fixed(credits, rich, 10))
    with pytest.raises(RuntimeError, match="begun once"):
        await run(work)
    await sound(credits, rich, 90)


@pytest.mark.parametrize("kind", BOTH)
async def test_a_refusal_runs_nothing_and_charges_nothing(credits, rich, kind):
    with pytest.raises(InsufficientCreditsError) as refused:
        await run(kind(credits, rich, 101, "film"), say=lambda _: pytest.fail("the work ran"))
    assert (refused.value.required, refused.value.available) == (101, 100)
    assert refused.value.action == "film"
    await sound(credits, rich, 100)


@pytest.mark.parametrize("kind", BOTH)
async def test_what_is_free_sends_nothing(credits, user, kind):
    work = await run(kind(credits, user, 0))
    with pytest.raises(KeyError):
        await run(kind(credits, user, 0), KeyError())
    assert (work.id, work.balance, work.amount, work.cost) == (None, None, 0, 0)
    assert not (await Store(credits).look(user)).kept


@pytest.mark.parametrize("kind", BOTH)
def test_prices_that_are_none(credits, user, kind):
    with pytest.raises(PricingConfigError, match="0 is the least") as refused:
        kind(credits, user, -1, "film")
    assert refused.value.action == "film"
    for cost in (True, 1.0, "1", None, 10**15 + 1, Priced("chat_message", -1)):
        with pytest.raises(InvalidRequestError):
            kind(credits, user, cost)
    with pytest.raises(PricingConfigError):
        kind(credits, user, Priced("no such action"))
    with pytest.raises(InvalidRequestError, match="name the action"):
        kind(credits, user, 1, None)


@pytest.mark.parametrize("kind", BOTH)
async def test_a_priced_action(credits, rich, kind):
    engine = PricingEngine({"image": {"rate": 0.5, "unit": "megapixel"}})
    work = await run(kind(credits, rich, Priced("image", 3, engine=engine), None))
    assert (work.action, work.cost) == ("image", 2)
    await run(kind(credits, rich, Priced("image", 3, 10, engine=engine), "large"))
    assert {action for _, action in await amounts(credits, rich)} >= {"image", "large"}
    await sound(credits, rich, 83)


async def test_a_price_that_somebody_gave_back_meanwhile(credits, rich):
    async with fixed(credits, rich, 10) as work:
        await credits.refund(rich, work.id)
    await sound(credits, rich, 100)
    with suppress(KeyError):
        async with fixed(credits, rich, 10) as work:
            await credits.refund(rich, work.id)
            raise KeyError
    assert work.cost == 0
    await sound(credits, rich, 100)


async def test_a_hold_that_somebody_settled_meanwhile(credits, rich):
    for error in (None, KeyError()):
        work = held(credits, rich, 50)
        with suppress(KeyError):
            async with work:
                work.meter(30)
                await credits.settle(rich, work.id, 5)
                if error is not None:
                    raise error
        assert work.cost == 5
    await sound(credits, rich, 90)


async def test_a_hold_that_is_ended_with_what_it_would_cost_anyway(credits, rich):
    async with held(credits, rich, 50) as work:
        work.settle(5)
        await credits.settle(rich, work.id, 5)
    assert (work.cost, work.balance) == (5, 95)
    await sound(credits, rich, 95)


async def test_a_hold_that_expired_under_the_work_is_charged_afresh(credits, rich):
    async with held(credits, rich, 50, expires_in=0.02) as work:
        await asyncio.sleep(0.05)
        assert await credits.get_balance(rich) == 100
        work.settle(30)
    assert (work.cost, work.balance) == (30, 70)
    await sound(credits, rich, 70)


async def test_a_hold_that_expired_under_work_that_fails_costs_nothing(credits, rich, caplog):
    with suppress(KeyError):
        async with held(credits, rich, 50, expires_in=0.02) as work:
            await asyncio.sleep(0.05)
            raise KeyError
    assert work.cost == 0
    assert not caplog.records
    await sound(credits, rich, 100)


async def test_a_hold_that_expired_and_was_spent_meanwhile(credits, rich):
    async with held(credits, rich, 50, expires_in=0.02) as work:
        await asyncio.sleep(0.05)
        await credits.deduct(rich, 90, "else")
        work.settle(30)
    assert (work.cost, work.balance) == (10, 0)
    await sound(credits, rich, 0)


@pytest.mark.parametrize(("shortfall", "cost"), [("take", 100), ("owe", 120)])
async def test_work_that_cost_more_than_there_is(credits, rich, caplog, shortfall, cost):
    work = await run(
        held(credits, rich, 50, shortfall=shortfall), say=lambda work: work.settle(119.5)
    )
    assert (work.cost, work.balance) == (cost, 100 - cost)
    assert ("lacked 20 credits" in caplog.text) is (shortfall == "take")
    await sound(credits, rich, 100 - cost)


@pytest.mark.parametrize("shortfall", ["take", "owe"])
async def test_work_of_an_account_that_is_frozen_meanwhile_keeps_what_is_held(
    credits, rich, caplog, shortfall
):
    async with held(credits, rich, 50, shortfall=shortfall) as work:
        await credits.freeze(rich)
        work.settle(70)
    assert (work.cost, work.balance) == (50, 50)
    assert {"take": "lacked 20 credits", "owe": "is cut to 50"}[shortfall] in caplog.text
    assert (await credits.get_account(rich)).held == 0
    await sound(credits, rich, 50)


def test_terms_that_are_none(credits, user):
    for options in ({"shortfall": "refuse"}, {"step": 0}, {"step": 1.5}, {"expires_in": 0}):
        with pytest.raises(InvalidRequestError):
            held(credits, user, 5, **options)


async def test_a_closed_hold_is_not_renewed_and_not_spent_of(credits, rich):
    async with held(credits, rich, 5) as work:
        await credits.release(rich, work.id)
        with pytest.raises(HoldClosedError):
            await work.renew()
        with pytest.raises(HoldClosedError):
            await work.spend(6)
    await sound(credits, rich, 100)
