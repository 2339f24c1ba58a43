"""What the pricing engine says an action costs: exact, rounded up once, by tables of its own."""

from dataclasses import FrozenInstanceError
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from credits_core.errors import InvalidRequestError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing import (
    COMPLEXITY_MULTIPLIERS,
    FIXED_PRICING,
    PRICING_CONFIG,
    TOOL_COSTS,
    MeteredPrice,
    PricingEngine,
)
from tests.core.pricing_numbers import as_decimal_reads, numbers, rounded_up


def test_the_tables_hold_the_published_prices():
    assert dict(FIXED_PRICING) == {
        "chat_message": 10,
        "canvas_generation_simple": 50,
        "canvas_generation_complex": 75,
    }
    assert dict(PRICING_CONFIG) == {
        "video_generation": MeteredPrice(rate=10, unit="second"),
        "training_job": MeteredPrice(rate=1000, unit="GPU hour"),
    }


@pytest.mark.parametrize(
    ("action", "value", "cost"),
    [
        ("video_generation", 30, 300),
        ("video_generation", 0, 0),
        ("video_generation", 0.1, 1),
        ("video_generation", 0.11, 2),
        ("video_generation", 1, 10),
        ("video_generation", Fraction(1), 10),
        ("video_generation", Fraction(1, 3), 4),
        ("training_job", 2, 2000),
        ("training_job", 4.03, 4030),  # 4030.0000000000005 in floats
        ("training_job", Decimal("4.03"), 4030),
        ("training_job", Decimal("4.0300000000000000000000000000000001"), 4031),
        ("training_job", 5e-324, 1),
        ("training_job", -0.0, 0),
        ("training_job", 10**12, MAX_AMOUNT),
        ("chat_message", 1, 10),
        ("chat_message", 3, 30),
        ("chat_message", 3.0, 30),
        ("chat_message", Decimal("3.00"), 30),
        ("chat_message", 0, 0),
        ("canvas_generation_simple", 2, 100),
        ("canvas_generation_complex", 2, 150),
    ],
)
def test_a_cost_is_the_exact_product_rounded_up(action, value, cost):
    answer = PricingEngine().calculate_cost(action, value)
    assert answer == cost
    assert type(answer) is int


@pytest.mark.parametrize("action", FIXED_PRICING)
def test_a_fixed_price_is_for_one_piece_unless_told(action):
    assert PricingEngine().calculate_cost(action) == FIXED_PRICING[action]


@pytest.mark.parametrize(
    ("tool", "complexity", "cost"),
    [
        ("text-generation", "low", 1),
        ("text-generation", "medium", 2),
        ("text-generation", "high", 2),
        ("image-generation", "low", 3),
        ("image-generation", "medium", 5),
        ("image-generation", "high", 6),
        ("video-processing", "low", 10),
        ("video-processing", "medium", 15),
        ("video-processing", "high", 20),
    ],
)
def test_a_tool_costs_more_the_more_complex_its_task(tool, complexity, cost):
    engine = PricingEngine(TOOL_COSTS)
    assert engine.calculate_cost(tool, multiplier=COMPLEXITY_MULTIPLIERS[complexity]) == cost


def test_value_and_multiplier_are_rounded_once_together():
    # 0.15 s cost 1.5 credits: 3 at double the price, not twice 2.
    assert PricingEngine().calculate_cost("video_generation", 0.15, multiplier=2) == 3


@given(rate=numbers, value=numbers, multiplier=numbers)
def test_any_metered_cost_equals_the_oracle(rate, value, multiplier):
    expected = rounded_up(
        as_decimal_reads(rate) * as_decimal_reads(value) * as_decimal_reads(multiplier)
    )
    engine = PricingEngine({"work": MeteredPrice(rate, "unit")})
    if expected > MAX_AMOUNT:
        with pytest.raises(InvalidRequestError):
            engine.calculate_cost("work", value, multiplier=multiplier)
    else:
        assert engine.calculate_cost("work", value, multiplier=multiplier) == expected


def test_a_subclass_of_float_is_read_by_its_digits_not_by_its_repr():
    class Wrapped(float):
        def __repr__(self) -> str:
            return f"np.float64({float(self)})"

    assert PricingEngine().calculate_cost("training_job", Wrapped(4.03)) == 4030


@pytest.mark.parametrize(
    "table",
    [
        FIXED_PRICING,
        PRICING_CONFIG,
        TOOL_COSTS,
        COMPLEXITY_MULTIPLIERS,
        PricingEngine().prices,
    ],
)
def test_a_table_is_read_only(table):
    before = dict(table)
    with pytest.raises(TypeError):
        table["chat_message"] = 1
    with pytest.raises(TypeError):
        del table[next(iter(table))]
    assert dict(table) == before


def test_a_price_is_frozen():
    with pytest.raises(FrozenInstanceError):
        PRICING_CONFIG["video_generation"].rate = 1  # type: ignore[misc]


def test_engines_share_no_table():
    changed, untouched = PricingEngine({"chat_message": 1, "report": 7}), PricingEngine()
    assert changed.calculate_cost("chat_message") == 1
    assert untouched.calculate_cost("chat_message") == 10
    assert "report" not in untouched.prices
    assert FIXED_PRICING["chat_message"] == 10


def test_changing_the_mapping_passed_in_changes_no_price():
    metered: dict[str, Any] = {"rate": 15, "unit": "item"}
    custom: dict[str, Any] = {"custom_action": metered, "report": 7}
    engine = PricingEngine(custom)
    metered["rate"] = 1
    custom["report"] = 1
    custom["later"] = 1
    assert engine.calculate_cost("custom_action", 10) == 150
    assert engine.calculate_cost("report") == 7
    assert "later" not in engine.prices
