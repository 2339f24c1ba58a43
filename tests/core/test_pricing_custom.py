"""Prices of one's own."""

from decimal import Decimal
from fractions import Fraction

import pytest

from credits_core.pricing import FIXED_PRICING, PRICING_CONFIG, MeteredPrice, PricingEngine
from tests.core.pricing_numbers import seed_formula


@pytest.mark.parametrize(
    "price",
    [
        {"rate": 15, "unit": "item"},
        {"rate": 15, "unit": "item", "calculate": seed_formula},
        {"rate": 15, "unit": "item", "calculate": None},
        MeteredPrice(15, "item"),
        MeteredPrice(15, "item", seed_formula),
    ],
)
def test_a_custom_price_is_a_mapping_or_a_metered_price(price):
    engine = PricingEngine({"custom_action": price})
    assert engine.calculate_cost("custom_action", 10) == 150
    assert engine.calculate_cost("custom_action", 0.1) == 2


def test_a_custom_price_may_be_credits_for_one_piece():
    engine = PricingEngine({"report": 7, "free_report": 0})
    assert engine.calculate_cost("report", 3) == 21
    assert engine.calculate_cost("free_report") == 0


@pytest.mark.parametrize(
    ("action", "price"),
    [
        ("chat_message", 12),
        ("chat_message", {"rate": 12, "unit": "message"}),
        ("video_generation", 12),
        ("video_generation", {"rate": 12, "unit": "second"}),
    ],
)
def test_a_custom_price_takes_the_place_of_a_default_one(action, price):
    engine = PricingEngine({action: price})
    assert engine.calculate_cost(action, 2) == 24
    assert engine.prices.keys() == FIXED_PRICING.keys() | PRICING_CONFIG.keys()


@pytest.mark.parametrize(
    ("returned", "cost"),
    [(3, 3), (0, 0), (2.1, 3), (Decimal("2.000001"), 3), (Fraction(7, 2), 4), (3.0, 3)],
)
def test_what_calculate_returns_is_rounded_up(returned, cost):
    engine = PricingEngine({"work": MeteredPrice(1, "item", lambda value: returned)})
    assert engine.calculate_cost("work", 1) == cost


def test_calculate_is_given_the_value_exactly():
    seen: list[Fraction] = []

    def calculate(value: Fraction) -> Fraction:
        seen.append(value)
        return value * 1000

    engine = PricingEngine({"work": MeteredPrice(1000, "hour", calculate)})
    assert engine.calculate_cost("work", 4.03) == 4030
    assert seen == [Fraction(403, 100)]


def test_a_multiplier_scales_what_calculate_returns_before_rounding():
    engine = PricingEngine({"work": MeteredPrice(1, "item", lambda value: value / 2)})
    assert engine.calculate_cost("work", 3, multiplier=Decimal("1.5")) == 3  # 2.25


def test_an_exception_in_calculate_reaches_the_caller_as_it_is():
    def calculate(value: Fraction) -> int:
        raise LookupError("no tier")

    engine = PricingEngine({"work": MeteredPrice(1, "item", calculate)})
    with pytest.raises(LookupError, match="no tier"):
        engine.calculate_cost("work", 1)
