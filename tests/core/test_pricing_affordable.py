"""How much a balance pays for by the pricing engine."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing import MeteredPrice, PricingEngine
from tests.core.pricing_numbers import positive_numbers, seed_formula


@pytest.mark.parametrize(
    ("action", "balance", "value"),
    [
        ("video_generation", 25, Fraction(5, 2)),
        ("training_job", 1, Fraction(1, 1000)),
        ("chat_message", 25, 2),
        ("chat_message", 9, 0),
        ("canvas_generation_complex", 150, 2),
        ("video_generation", 0, 0),
        ("video_generation", -50, 0),
        ("chat_message", -50, 0),
        ("video_generation", 2**53 - 1, MAX_AMOUNT // 10),
        ("chat_message", 2**53 - 1, MAX_AMOUNT // 10),
    ],
)
def test_a_balance_pays_for_this_much(action, balance, value):
    affordable = PricingEngine().max_affordable(action, balance)
    assert affordable == value
    assert type(affordable) is Fraction


@given(
    price=st.one_of(
        st.integers(1, MAX_AMOUNT), positive_numbers.map(lambda r: MeteredPrice(r, "u"))
    ),
    balance=st.integers(-(2**53), 2**53 - 1),
    multiplier=positive_numbers,
    more=st.fractions(Fraction(1, 10**12), 10),
)
def test_what_is_affordable_is_the_largest_value_whose_cost_fits(price, balance, multiplier, more):
    engine = PricingEngine({"work": price})
    largest = engine.max_affordable("work", balance, multiplier=multiplier)
    assert engine.calculate_cost("work", largest, multiplier=multiplier) <= max(balance, 0)

    step = more if isinstance(price, MeteredPrice) else Fraction(math.ceil(more))
    try:
        assert engine.calculate_cost("work", largest + step, multiplier=multiplier) > balance
    except InvalidRequestError as refusal:
        assert "costs more than" in str(refusal)  # noqa: PT017


@pytest.mark.parametrize(
    ("price", "multiplier", "told"),
    [
        (MeteredPrice(15, "item", seed_formula), 1, "calculate function"),
        (MeteredPrice(0, "item"), 1, "free"),
        (0, 1, "free"),
        (5, 0, "free"),
    ],
)
def test_no_largest_value_is_an_error_that_says_why(price, multiplier, told):
    with pytest.raises(PricingConfigError, match=f"'work'.*{told}") as caught:
        PricingEngine({"work": price}).max_affordable("work", 100, multiplier=multiplier)
    assert caught.value.action == "work"


@pytest.mark.parametrize("balance", [True, 1.0, "10", None, Decimal(10), Fraction(10)])
def test_a_balance_is_an_int(balance):
    with pytest.raises(InvalidRequestError, match="the balance is a whole int"):
        PricingEngine().max_affordable("chat_message", balance)
