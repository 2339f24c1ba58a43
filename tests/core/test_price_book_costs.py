"""What a price book says an action costs, beside models that count piece by piece."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core.errors import InvalidRequestError
from tests.core.price_tables import (
    GRADUATED,
    TEN_FOR_90,
    VOLUME,
    as_number,
    book_of,
    tier_tables,
    tiers,
)


@pytest.mark.parametrize(
    ("price", "quantity", "cost"),
    [
        pytest.param(10, 3, 30, id="fixed"),
        pytest.param(0.5, 3, 2, id="fixed, of a fraction"),
        pytest.param({"price": 10, "unit": "message"}, 3, 30, id="fixed, as a table"),
        pytest.param({"price": 10, "unit": "kg", "whole": False}, 0.25, 3, id="sold in fractions"),
        pytest.param({"rate": 1000, "unit": "hour"}, 4.03, 4030, id="rate"),
        pytest.param({"rate": "0.1", "unit": "second"}, Decimal("0.1"), 1, id="a small rate"),
        pytest.param({"rate": 10, "unit": "s", "minimum": 25}, 1, 25, id="below the minimum"),
        pytest.param({"rate": 10, "unit": "s", "minimum": 25}, 3, 30, id="above the minimum"),
        pytest.param({"rate": 10, "unit": "s", "minimum": 25}, 0, 0, id="nothing, with a minimum"),
        pytest.param({"rate": 10, "unit": "s", "maximum": 25}, 3, 25, id="above the maximum"),
        pytest.param({"rate": 10, "unit": "s", "maximum": 25}, 2, 20, id="below the maximum"),
    ],
)
def test_a_price_makes_a_cost(price: Any, quantity: Any, cost: int):
    answer = book_of(price).cost("work", quantity)
    assert answer == cost
    assert type(answer) is int


@pytest.mark.parametrize(
    ("quantity", "graduated", "volume"),
    [
        (0, 0, 0),
        (10, 100, 100),
        (11, 125, 75),  # 100, 20 and 5 of the second tier; 20 and 11 times 5
        (100, 570, 520),
        (101, 571, 101),
        (Fraction(21, 2), 123, 73),  # 122.5 and 72.5
    ],
)
def test_tiers_are_counted_each_by_its_own_rate_or_all_by_one(
    quantity: Any, graduated: int, volume: int
):
    assert book_of(GRADUATED).cost("work", quantity) == graduated
    assert book_of(VOLUME).cost("work", quantity) == volume


@pytest.mark.parametrize(
    ("quantity", "whole_packages", "rest_in_pieces"),
    [
        (1, 90, 12),
        (7, 90, 84),
        (8, 90, 90),  # 8 pieces would be 96: a package is cheaper
        (10, 90, 90),
        (11, 180, 102),
        (20, 180, 180),
        (Fraction(41, 2), 270, 186),
    ],
)
def test_what_fills_no_package_costs_one_or_its_pieces(
    quantity: Any, whole_packages: int, rest_in_pieces: int
):
    assert book_of(TEN_FOR_90).cost("work", quantity) == whole_packages
    assert book_of(TEN_FOR_90 | {"rate": 12}).cost("work", quantity) == rest_in_pieces


SETS = {"complexity": {"low": 1, "medium": 1.5, "high": 2}, "plan": {"pro": "0.8", "staff": 0}}


@pytest.mark.parametrize(
    ("levels", "cost"),
    [
        ({}, 15),
        ({"complexity": "low"}, 15),
        ({"complexity": "medium"}, 23),  # 22.5
        ({"complexity": "high", "plan": "pro"}, 24),
        ({"plan": "staff"}, 0),
        ({"multiplier": Fraction(1, 3)}, 5),
        ({"complexity": "medium", "multiplier": 2}, 45),  # rounded once, not 46
    ],
)
def test_multipliers_are_named_and_rounding_is_last(levels: dict[str, Any], cost: int):
    assert book_of(15, multipliers=SETS).cost("work", **levels) == cost


def test_the_bounds_of_a_charge_come_after_the_multipliers():
    book = book_of({"rate": 10, "unit": "s", "minimum": 15, "maximum": 40}, multipliers=SETS)
    assert book.cost("work", 1, complexity="high") == 20
    assert book.cost("work", 1, plan="pro") == 15
    assert book.cost("work", 3, complexity="high") == 40


def test_one_piece_is_meant_where_pieces_are_sold_and_a_measure_must_be_told():
    assert book_of(10).cost("work") == 10
    with pytest.raises(InvalidRequestError, match=r"priced by the second: say how many"):
        book_of({"rate": 10, "unit": "second"}).cost("work")


def test_a_quote_tells_how_a_cost_comes_about():
    book = book_of(GRADUATED | {"maximum": 200}, multipliers=SETS, version="2026")
    quote = book.quote("work", 11, complexity="medium", multiplier=2)
    assert [(part.what, part.quantity, part.each, part.credits) for part in quote.parts] == [
        ("tier 1", 10, 10, 100),
        ("tier 2", 1, 5, 5),
        ("tier 2, flat", 1, 20, 20),
    ]
    assert quote.factors == {"complexity": Fraction(3, 2), "multiplier": 2}
    assert (quote.exact, quote.credits, quote.bound) == (200, 200, "maximum")
    assert (quote.unit, quote.version) == ("call", "2026")
    assert quote.metadata == {
        "priced": {
            "action": "work",
            "quantity": "11",
            "multipliers": {"complexity": "medium"},
            "multiplier": "2",
            "version": "2026",
            "credits": 200,
        }
    }
    assert [part.what for part in book_of(TEN_FOR_90 | {"rate": 9}).quote("work", 13).parts] == [
        "package of 10",
        "rest",
    ]


@given(rows=tier_tables(), steps=st.integers(0, 180), step=st.sampled_from([1, 2, 3, 4]))
def test_graduated_tiers_cost_what_each_small_step_costs(rows: Any, steps: int, step: int):
    """A step is a part of a unit, and lies in one tier."""
    cost, reached = Fraction(0), -1
    for taken in range(steps):
        place = Fraction(taken, step)
        tier = next(i for i, (end, _, _) in enumerate(rows) if end is None or place < end)
        cost += rows[tier][1] / step
        # A step may not jump over a tier: ends are whole, and steps are no longer than 1.
        if tier != reached:
            cost, reached = cost + rows[tier][2], tier
    price = tiers("graduated", *[(end, as_number(rate), flat) for end, rate, flat in rows])
    assert book_of(price).cost("work", Fraction(steps, step)) == math.ceil(cost)


@given(rows=tier_tables(), quantity=st.fractions(0, 60, max_denominator=12))
def test_volume_tiers_cost_the_rate_of_the_tier_that_holds_the_quantity(
    rows: Any, quantity: Fraction
):
    holding = next(row for row in rows if row[0] is None or quantity <= row[0])
    cost = math.ceil(quantity * holding[1] + holding[2]) if quantity else 0
    price = tiers("volume", *[(end, as_number(rate), flat) for end, rate, flat in rows])
    assert book_of(price).cost("work", quantity) == cost


@given(
    size=st.integers(1, 12),
    price=st.integers(0, 50),
    extra=st.none() | st.integers(0, 30),
    pieces=st.integers(0, 100),
)
def test_packages_are_the_cheapest_way_to_pieces(
    size: int, price: int, extra: int | None, pieces: int
):
    """`extra` is what a package of pieces costs more than the package."""
    table: dict[str, Any] = {"package": {"size": size, "price": price}, "unit": "image"}
    rate = None if extra is None else Fraction(price + extra, size)
    if rate is not None:
        table["rate"] = (Decimal(rate.numerator) / Decimal(rate.denominator)).quantize(
            Decimal("1e-9"), "ROUND_UP"
        )
    each = None if rate is None else Fraction(table["rate"])
    ways = [
        packages * price + max(0, pieces - packages * size) * (each or 0)
        for packages in range(pieces + 2)
        if each is not None or packages * size >= pieces
    ]
    assert book_of(table).cost("work", pieces) == math.ceil(min(ways))
