"""What the pricing engine refuses, when it is made and when it is asked."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing import MeteredPrice, PricingEngine
from tests.core.pricing_numbers import BAD_NUMBERS


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
