"""What a charge comes to: pure counting, without a store."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core.charge.tab import Move, Tab
from credits_core.errors import InvalidRequestError
from credits_core.models import MAX_AMOUNT

if TYPE_CHECKING:
    from credits_core.charge.tab import Ending
    from credits_core.pricing import Number

ENDINGS: tuple[Ending, ...] = ("served", "failed", "left")

endings = st.sampled_from(ENDINGS)
amounts = st.one_of(
    st.integers(0, 10**6),
    st.decimals(0, 1000, places=4),
    st.fractions(0, 1000, max_denominator=1000),
    st.floats(0, 1000, allow_nan=False),
)


def fixed(price: int = 10) -> Tab:
    tab = Tab(price, held=False)
    tab.taken = price
    return tab


def hold(estimate: int = 50) -> Tab:
    tab = Tab(estimate, held=True)
    tab.taken = estimate
    return tab


def exactly(amount: object) -> Fraction:
    """As a person reads the number: a float counts as the decimal that it prints as."""
    return Fraction(Decimal(repr(amount))) if isinstance(amount, float) else Fraction(amount)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("ending", "kept", "move"),
    [
        ("served", 10, None),
        ("failed", 0, Move("refund", ("tx",))),
        ("left", 0, Move("refund", ("tx",))),
    ],
)
def test_a_fixed_price_stays_or_is_given_back(ending: Ending, kept: int, move: Move | None) -> None:
    assert fixed().final(ending) == kept
    assert fixed().last_move("tx", ending, "take") == move


@pytest.mark.parametrize(
    ("ending", "kept"), [("served", 50), ("failed", 0), ("left", 0)], ids=ENDINGS
)
def test_a_hold_without_a_word_costs_the_estimate(ending: Ending, kept: int) -> None:
    assert hold().final(ending) == kept


@pytest.mark.parametrize(("ending", "kept"), [("served", 8), ("failed", 0), ("left", 8)])
@pytest.mark.parametrize("word", ["meter", "settle"])
def test_what_was_said_is_paid_also_by_who_leaves(ending: Ending, kept: int, word: str) -> None:
    for tab in (hold(), *([fixed()] if word == "settle" else [])):
        getattr(tab, word)(7.5)
        assert tab.final(ending) == kept


@pytest.mark.parametrize("make", [fixed, hold])
def test_who_leaves_pays_what_was_delivered(make: type[Tab]) -> None:
    tab = make()  # type: ignore[call-arg]
    tab.delivered = True
    assert tab.final("left") == tab.estimate
    assert tab.final("failed") == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_word_on_the_whole_beats_the_ending(ending: Ending) -> None:
    for tab in (fixed(), hold()):
        tab.say("refund")
        assert tab.final(ending) == 0
        tab.say("keep")
        assert tab.final(ending) == tab.estimate


def test_the_last_word_counts() -> None:
    tab = hold()
    tab.say("refund")
    tab.settle(7)
    assert tab.final("served") == 7
    tab.settle(0)
    assert tab.final("served") == 0
    tab.say("keep")
    assert tab.final("failed") == 50


def test_keep_keeps_what_was_metered() -> None:
    tab = hold()
    tab.meter(Decimal("3.2"))
    tab.say("keep")
    assert tab.final("failed") == 4


def test_who_is_told_that_it_costs_nothing_pays_nothing_when_leaving() -> None:
    tab = hold()
    tab.settle(0)
    tab.delivered = True
    assert tab.final("left") == 0


@given(st.lists(amounts, min_size=1, max_size=30))
def test_what_is_metered_is_rounded_up_once(used: list[Number]) -> None:
    tab = hold()
    for amount in used:
        tab.meter(amount)
    total = sum(map(exactly, used), Fraction(0))
    assert tab.final("served") == math.ceil(total)


@given(st.lists(amounts, max_size=20), st.lists(st.integers(0, 1000), max_size=5), endings)
def test_never_more_is_kept_than_was_sold(
    used: list[Number], drawn: list[int], ending: Ending
) -> None:
    tab = hold()
    for amount in used:
        tab.meter(amount)
    for cost in drawn:
        tab.draw(cost)
    sold = math.ceil(sum(map(exactly, used), Fraction(0)) + sum(drawn))
    final = tab.final(ending)
    assert 0 <= final <= (sold if used or drawn else tab.estimate)
    assert final in (0, tab.used)


@given(st.integers(1, MAX_AMOUNT), amounts, endings)
def test_a_fixed_price_never_becomes_more(price: int, told: Number, ending: Ending) -> None:
    tab = fixed(price)
    try:
        tab.settle(told)
    except InvalidRequestError:
        assert exactly(told) > price
    assert 0 <= tab.final(ending) <= price


@given(amounts, amounts, st.integers(0, 100))
def test_what_is_missing_covers_what_is_used(used: Number, more: Number, taken: int) -> None:
    tab = hold()
    tab.taken = taken
    tab.meter(used)
    missing = tab.lacks(more)
    total = exactly(used) + exactly(more)
    assert total <= taken + missing
    assert missing == 0 or taken + missing - total < 1


def test_what_is_missing_leaves_the_tab_as_it_is() -> None:
    tab = hold(5)
    tab.meter(Decimal("4.5"))
    assert (tab.lacks(), tab.lacks(Decimal("0.5")), tab.lacks(Decimal("0.51"))) == (0, 0, 1)
    tab.draw(3)
    assert (tab.lacks(), tab.lacks(2)) == (3, 5)
    assert tab.used == 8


def test_work_inside_is_added_to_what_was_said() -> None:
    tab = hold()
    tab.settle(Decimal("1.5"))
    tab.draw(10)
    assert tab.final("served") == 12
    tab.draw(-10)
    assert tab.final("served") == 2


def test_work_inside_is_a_word_of_its_own() -> None:
    """A hold around paid work costs what that did: the estimate was for it."""
    tab = hold()
    tab.draw(10)
    assert (tab.final("served"), tab.final("left"), tab.final("failed")) == (10, 10, 0)


def test_work_inside_that_failed_costs_no_more_than_work_that_did_not() -> None:
    tab = hold()
    tab.draw(10)
    tab.draw(-10)
    assert (tab.final("served"), tab.final("left")) == (0, 0)


def test_a_price_that_another_charge_includes_can_be_settled() -> None:
    tab = Tab(10, held=False)  # nothing was taken for it
    tab.settle(3)
    assert tab.final("served") == 3
    with pytest.raises(InvalidRequestError, match="fixed price of 10 credits"):
        tab.settle(11)


@pytest.mark.parametrize("held", [True, False])
def test_what_is_free_stays_free_whatever_is_said(held: bool) -> None:
    tab = Tab(0, held=held)
    tab.settle(7)
    assert (tab.used, tab.final("served")) == (0, 0)
    if held:
        tab.meter(7)
    tab.say("keep")
    assert (tab.used, tab.final("served")) == (0, 0)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_not_charged_has_no_last_move(ending: Ending) -> None:
    assert Tab(0, held=False).last_move(None, ending, "take") is None
    assert hold().last_move(None, ending, "take") is None


def test_the_last_moves() -> None:
    tab = fixed()
    tab.settle(Decimal("2.5"))
    # A part has a key of its own: the whole is given back once without one.
    part = Move("refund", ("tx", 7), {"idempotency_key": "settled tx"})
    assert tab.last_move("tx", "served", "take") == part
    held = hold()
    held.meter(70)
    options = {"shortfall": "owe", "if_expired": "charge"}
    assert held.last_move("tx", "served", "owe") == Move("settle", ("tx", 70), options)
    assert held.last_move("tx", "failed", "owe") == Move("release", ("tx",))


def test_more_than_an_operation_can_move_is_cut() -> None:
    tab = hold()
    tab.meter(MAX_AMOUNT)
    tab.meter(MAX_AMOUNT)
    assert tab.final("served") == MAX_AMOUNT


@pytest.mark.parametrize("amount", [-1, -0.5, True, "5", None, math.nan, math.inf, Decimal("NaN")])
def test_what_is_no_amount_is_refused_and_changes_nothing(amount: object) -> None:
    tab = hold()
    for word in (tab.meter, tab.settle, tab.lacks):
        with pytest.raises(InvalidRequestError, match="what the work used"):
            word(amount)  # type: ignore[operator]
    assert tab.final("served") == 50


def test_a_fixed_price_is_not_metered() -> None:
    with pytest.raises(InvalidRequestError, match="hold_credits"):
        fixed().meter(1)
