import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing import (
    COMPLEXITY_MULTIPLIERS,
    FIXED_PRICING,
    PRICING_CONFIG,
    TOOL_COSTS,
    MeteredPrice,
    PricingEngine,
)

BAD_NUMBERS = [
    pytest.param(True, id="bool"),
    pytest.param("3", id="str"),
    pytest.param(None, id="None"),
    pytest.param(1j, id="complex"),
    pytest.param(math.nan, id="float nan"),
    pytest.param(math.inf, id="float inf"),
    pytest.param(-math.inf, id="float -inf"),
    pytest.param(Decimal("NaN"), id="Decimal NaN"),
    pytest.param(Decimal("sNaN"), id="Decimal sNaN"),
    pytest.param(Decimal("Infinity"), id="Decimal inf"),
    pytest.param(Decimal("1e999999999"), id="Decimal too large to expand"),
    pytest.param(Decimal("1e-999999999"), id="Decimal too small to expand"),
    pytest.param(Decimal("0." + "1" * 1000), id="Decimal too long to expand"),
    pytest.param(-1, id="negative int"),
    pytest.param(-0.5, id="negative float"),
    pytest.param(Decimal("-0.1"), id="negative Decimal"),
    pytest.param(Fraction(-1, 3), id="negative Fraction"),
    pytest.param(-(10**5000), id="negative int too long to print"),
]

numbers = st.one_of(
    st.integers(0, 10**6),
    st.floats(0, 1e6),
    st.decimals(0, 10**6, places=9),
    st.fractions(0, 10**6, max_denominator=10**6),
)
positive_numbers = numbers.filter(bool)


def as_decimal_reads(number: float | Decimal | Fraction) -> Fraction:
    """The oracle reads digits from text, where the engine converts numbers."""
    return number if isinstance(number, Fraction) else Fraction(str(number))


def rounded_up(exact: Fraction) -> int:
    whole, rest = divmod(exact.numerator, exact.denominator)
    return whole + (rest > 0)


# What things cost


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


# Prices of one's own


def seed_formula(value: Fraction) -> int:
    return math.ceil(value * 15)


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


# Requests that are refused


@pytest.mark.parametrize("bad", BAD_NUMBERS)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda e, bad: e.calculate_cost("video_generation", bad), id="metered"),
        pytest.param(lambda e, bad: e.calculate_cost("chat_message", bad), id="fixed"),
        pytest.param(
            lambda e, bad: e.calculate_cost("chat_message", multiplier=bad), id="multiplier"
        ),
        pytest.param(
            lambda e, bad: e.max_affordable("chat_message", 1, multiplier=bad),
            id="affordable multiplier",
        ),
    ],
)
def test_a_number_that_is_none_is_refused(call: Callable[[PricingEngine, Any], object], bad):
    with pytest.raises(InvalidRequestError, match=r"'(video_generation|chat_message)'") as caught:
        call(PricingEngine(), bad)
    assert isinstance(caught.value, ValueError)


def test_a_metered_action_needs_its_value_and_the_error_names_the_unit():
    with pytest.raises(InvalidRequestError, match=r"'video_generation'.* second.*say how many"):
        PricingEngine().calculate_cost("video_generation")


@pytest.mark.parametrize("value", [0.5, Decimal("1.5"), Fraction(1, 3)])
def test_a_fixed_price_is_not_sold_in_fractions(value):
    with pytest.raises(InvalidRequestError, match=r"'chat_message'.*whole"):
        PricingEngine().calculate_cost("chat_message", value)


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("training_job", 10**12 + 1),
        ("training_job", Decimal("1000000000000.0000001")),
        ("training_job", 1.7e308),
        ("chat_message", 10**14 + 1),
        pytest.param("chat_message", 10**5000, id="too long to print"),
        ("custom", MAX_AMOUNT + 1),
    ],
)
def test_a_cost_above_the_largest_amount_is_refused(action, value):
    engine = PricingEngine({"custom": MeteredPrice(1, "item", lambda value: value)})
    with pytest.raises(InvalidRequestError, match=f"'{action}'.*1,000,000,000,000,000"):
        engine.calculate_cost(action, value)


@pytest.mark.parametrize("action", ["chat_mesage", "", None, 3, ["chat_message"]])
def test_an_unknown_action_is_an_error_that_lists_the_known_ones(action):
    engine = PricingEngine({"report": 7})
    for ask in (engine.calculate_cost, engine.max_affordable):
        with pytest.raises(PricingConfigError) as caught:
            ask(action, 1)
        assert caught.value.action == str(action)
        assert repr(action) in str(caught.value)
        assert all(known in str(caught.value) for known in engine.prices)


# Prices that are refused


@pytest.mark.parametrize(
    ("price", "told"),
    [
        pytest.param(True, "int from 0", id="bool"),
        pytest.param(None, "int from 0", id="None"),
        pytest.param("10", "int from 0", id="str"),
        pytest.param(2.5, "rate and a unit", id="fraction of a credit"),
        pytest.param(Decimal(2), "int from 0", id="Decimal"),
        pytest.param(-1, "int from 0", id="negative"),
        pytest.param(MAX_AMOUNT + 1, "int from 0", id="above the largest amount"),
        pytest.param({}, "it has none", id="empty mapping"),
        pytest.param({"rate": 1}, "it has 'rate'", id="no unit"),
        pytest.param({"unit": "item"}, "it has 'unit'", id="no rate"),
        pytest.param(
            {"rate": 1, "unit": "item", "calc": len}, "it has .*'calc'", id="misspelt key"
        ),
        pytest.param({"rate": 1, "unit": "item", 3: 3}, "it has .*3", id="key not a str"),
        pytest.param({"rate": 1, "unit": ""}, "unit of 'work'", id="empty unit"),
        pytest.param({"rate": 1, "unit": 3}, "unit of 'work'", id="unit not a str"),
        pytest.param(
            {"rate": 1, "unit": "item", "calculate": 3}, "calculate of 'work'", id="not callable"
        ),
    ],
)
def test_a_wrong_price_fails_when_the_engine_is_made(price, told):
    with pytest.raises(PricingConfigError, match=told) as caught:
        PricingEngine({"work": price})
    assert caught.value.action == "work"


@pytest.mark.parametrize("bad", BAD_NUMBERS)
@pytest.mark.parametrize(
    "price", [lambda bad: {"rate": bad, "unit": "item"}, lambda bad: MeteredPrice(bad, "item")]
)
def test_a_rate_that_is_no_number_fails_when_the_engine_is_made(price, bad):
    with pytest.raises(PricingConfigError, match="rate of 'work'") as caught:
        PricingEngine({"work": price(bad)})
    assert caught.value.action == "work"


@pytest.mark.parametrize("bad", BAD_NUMBERS)
def test_a_calculate_that_returns_no_amount_is_a_fault_of_the_price(bad):
    engine = PricingEngine({"work": MeteredPrice(1, "item", lambda value: bad)})
    with pytest.raises(PricingConfigError, match="calculate returned for 'work'") as caught:
        engine.calculate_cost("work", 1)
    assert caught.value.action == "work"


@pytest.mark.parametrize("action", ["", 3, None, ("a",)])
def test_an_action_is_named_by_a_string(action):
    with pytest.raises(PricingConfigError, match="named by a str"):
        PricingEngine({action: 1})


# Nobody changes another's prices


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


# What a balance pays for


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
