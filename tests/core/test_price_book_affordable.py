"""How much a balance pays for by a price book."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credits_core.errors import InvalidRequestError
from credits_core.models import MAX_AMOUNT
from tests.core.price_tables import as_number, book_of, tier_tables, tiers


@st.composite
def prices(draw: st.DrawFn) -> dict[str, Any]:
    number = st.decimals(0, 20, places=2)
    shape = draw(st.sampled_from(["price", "rate", "graduated", "volume", "package", "pieces"]))
    if shape in ("graduated", "volume"):
        rows = draw(tier_tables())
        table = tiers(shape, *[(end, as_number(rate), flat) for end, rate, flat in rows])
    elif shape in ("package", "pieces"):
        size, price = draw(st.integers(1, 9)), draw(number)
        table = {"package": {"size": size, "price": price}, "unit": "image"}
        if shape == "pieces":
            table["rate"] = price  # dearer than a package of them, or the same
    else:
        table = {shape: draw(number), "unit": "s"}
    table["whole"] = draw(st.booleans())
    if draw(st.booleans()):
        table["minimum"] = draw(st.integers(0, 60))
    if draw(st.booleans()):
        table["maximum"] = table.get("minimum", 0) + draw(st.integers(1, 200))
    return table


@settings(max_examples=400)
@given(
    price=prices(),
    balance=st.integers(-5, 400),
    multiplier=st.sampled_from([0, Decimal("0.3"), 1, Decimal("1.5"), Fraction(7, 3)]),
    further=st.fractions(0, 100, max_denominator=8).filter(bool),
)
def test_a_balance_pays_for_what_is_affordable_and_for_no_more(
    price: dict[str, Any], balance: int, multiplier: Any, further: Fraction
):
    book = book_of(price)
    if price["whole"]:
        further = Fraction(math.ceil(further))
    step = Fraction(1) if price["whole"] else Fraction(1, 10**12)
    most = book.max_affordable("work", balance, multiplier=multiplier)
    if most is None:
        # By volume the last tier may be free, and one before it not.
        any_quantity = 1000 + further if price.get("mode") == "volume" else further
        assert book.cost("work", any_quantity, multiplier=multiplier) <= max(balance, 0)
        return
    assert book.cost("work", most, multiplier=multiplier) <= max(balance, 0)
    assert not price["whole"] or most.denominator == 1
    for more in (step, further):
        assert book.cost("work", most + more, multiplier=multiplier) > balance


def test_by_volume_the_largest_quantity_counts_though_a_smaller_one_costs_more():
    book = book_of(tiers("volume", (10, 10, 0), (None, 5, 0)))
    assert book.max_affordable("work", 70) == 14
    assert book.cost("work", 10) == 100
    # Just above 10 the second tier begins at 50, which 50 do not reach.
    assert book.max_affordable("work", 50) == 5


@pytest.mark.parametrize(
    ("price", "balance", "most"),
    [
        pytest.param(0, 0, None, id="free"),
        pytest.param({"rate": 1, "unit": "s", "maximum": 50}, 50, None, id="the maximum"),
        pytest.param({"rate": 1, "unit": "s", "maximum": 50}, 49, 49, id="below the maximum"),
        pytest.param({"rate": 1, "unit": "s", "minimum": 50}, 49, 0, id="below the minimum"),
        pytest.param({"rate": 1, "unit": "s", "minimum": 50}, 50, 50, id="the minimum"),
        pytest.param({"rate": 1, "unit": "s"}, 10**20, MAX_AMOUNT, id="one operation's most"),
        pytest.param(tiers("graduated", (5, 0, 0), (None, 9, 9)), 0, 5, id="a free tier"),
        pytest.param(tiers("graduated", (5, 2, 0), (None, 0, 0)), 10, None, id="free from there"),
        pytest.param(tiers("graduated", (5, 2, 0), (None, 1, 9)), 12, 5, id="before a flat amount"),
        pytest.param(tiers("volume", (5, 2, 0), (None, 3, 0)), 12, 5, id="before a dearer tier"),
        pytest.param(
            {"package": {"size": 2, "price": 0}, "unit": "s"}, 0, None, id="free packages"
        ),
    ],
)
def test_what_is_affordable_at_the_edges(price: Any, balance: int, most: int | None):
    assert book_of(price).max_affordable("work", balance) == most


@pytest.mark.parametrize("balance", [True, 1.0, "1", None, Decimal(1)])
def test_a_balance_is_an_int(balance: Any):
    with pytest.raises(InvalidRequestError, match="balance is a whole int"):
        book_of(10).max_affordable("work", balance)
