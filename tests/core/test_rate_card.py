import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.tokens import RateCard, TokenUsage

ONE = {"input": 1, "output": 1}

counts = st.integers(0, 10**9)
usages = st.builds(TokenUsage, counts, counts, counts, counts)
rates = st.decimals(0, 10**6, places=6)
cards = st.builds(
    lambda models, markup: RateCard({"m": models}, markup=markup),
    st.fixed_dictionaries(
        {"input": rates, "output": rates}, optional={"cached_input": rates, "cache_write": rates}
    ),
    st.decimals(0, 10, places=4),
)


def exactly(card: RateCard, usage: TokenUsage) -> Fraction:
    return Fraction(card.cost("m", usage))


def test_each_kind_of_token_has_its_rate():
    card = RateCard({"m": {"input": 1, "output": 10, "cached_input": 100, "cache_write": 1000}})
    assert card.cost("m", TokenUsage(input_tokens=10**6)) == 1
    assert card.cost("m", TokenUsage(output_tokens=10**6)) == 10
    assert card.cost("m", TokenUsage(cached_input_tokens=10**6)) == 100
    assert card.cost("m", TokenUsage(cache_write_tokens=10**6)) == 1000


def test_the_cache_costs_as_much_as_input_unless_set():
    card = RateCard({"m": {"input": 3, "output": 0}})
    assert card.cost("m", TokenUsage(0, 0, 10**6, 10**6)) == 6


@given(cards, usages, usages)
def test_costs_are_exact_and_additive(card: RateCard, one: TokenUsage, other: TokenUsage):
    assert exactly(card, one + other) == exactly(card, one) + exactly(card, other)
    m = card.rates("m")
    by_hand = (
        one.input_tokens * Fraction(m.input)
        + one.output_tokens * Fraction(m.output)
        + one.cached_input_tokens * Fraction(m.cached_input)
        + one.cache_write_tokens * Fraction(m.cache_write)
    )
    assert exactly(card, one) == by_hand * Fraction(card._markup) / 10**6


@given(cards, st.lists(usages, min_size=1, max_size=5))
def test_rounding_once_is_never_dearer_than_rounding_each_and_never_below_the_cost(
    card: RateCard, parts: list[TokenUsage]
):
    whole = sum(parts, TokenUsage())
    assert exactly(card, whole) <= card.credits("m", whole) < exactly(card, whole) + 1
    assert card.credits("m", whole) <= sum(card.credits("m", part) for part in parts)


def test_the_largest_numbers_stay_exact():
    most = Decimal("999999999999999." + "9" * 30)
    card = RateCard({"m": {"input": most, "output": most}}, markup=most)
    usage = TokenUsage(10**15, 10**15, 10**15, 10**15)
    assert exactly(card, usage) == 4 * Fraction(10**15) * Fraction(most) ** 2 / 10**6


def test_a_call_that_costs_more_than_a_charge_can_take():
    card = RateCard({"m": {"input": MAX_AMOUNT, "output": 0}})
    assert card.credits("m", TokenUsage(10**6)) == MAX_AMOUNT
    with pytest.raises(InvalidRequestError, match="more than 1,000,000,000,000,000 credits"):
        card.credits("m", TokenUsage(10**6 + 1))


@given(cards, usages, st.integers(-10, 10**9))
def test_the_output_that_a_balance_pays_for_is_the_most(
    card: RateCard, used: TokenUsage, balance: int
):
    assume(card.rates("m").output > 0 and card._markup > 0)
    most = card.max_output_tokens("m", balance, used)
    assume(most < 10**15 - used.output_tokens)
    if most or card.credits("m", used) <= balance:
        assert card.credits("m", used + TokenUsage(output_tokens=most)) <= balance
    assert math.ceil(card.cost("m", used + TokenUsage(output_tokens=most + 1))) > balance


def test_output_that_is_free_is_affordable_where_the_input_is():
    card = RateCard({"m": {"input": 1, "output": 0}})
    assert card.max_output_tokens("m", 1, TokenUsage(10**6)) == 10**15
    assert card.max_output_tokens("m", 1, TokenUsage(10**6 + 1)) == 0


@pytest.mark.parametrize("balance", [1.0, True, "1", None])
def test_a_balance_is_a_whole_int(balance):
    with pytest.raises(InvalidRequestError, match="balance"):
        RateCard({"m": ONE}).max_output_tokens("m", balance, TokenUsage())


@pytest.mark.parametrize(
    ("model", "rate"),
    [
        ("gpt-4o", 1),
        ("gpt-4o-2024-08-06", 2),
        ("gpt-4o-mini", 3),
        ("gpt-4o-mini-2024-07-18", 4),
        ("gpt-4", 5),
        ("house", 1),
        ("house-2", 6),
    ],
)
def test_the_exact_name_comes_first_then_the_longest_beginning(model: str, rate: int):
    names = ["gpt-4o", "gpt-4o*", "gpt-4o-mini", "gpt-4o-mini*", "gpt-*", "*"]
    card = RateCard(
        {name: {"input": number, "output": 0} for number, name in enumerate(names, 1)},
        aliases={"house": "gpt-4o"},
    )
    assert card.rates(model).input == rate


def test_an_alias_may_stand_for_names_that_begin_so():
    card = RateCard({"gpt-4o": ONE}, aliases={"gpt-4o-2*": "gpt-4o"})
    assert card.rates("gpt-4o-2024-08-06") == card.rates("gpt-4o")


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4.1", '"gpt-4.1"'),
        ("", '""'),
        (None, "None"),
        (5, "5"),
    ],
)
def test_an_unknown_model_says_what_to_add(model, key):
    card = RateCard({"gpt-4o": ONE, "claude-*": ONE})
    with pytest.raises(PricingConfigError) as caught:
        card.cost(model, TokenUsage())
    assert caught.value.action == str(model)
    assert f"Add [models.{key}] with input" in str(caught.value)
    assert "claude-*, gpt-4o" in str(caught.value)


@pytest.mark.parametrize(
    ("number", "is_"),
    [
        (2, Decimal(2)),
        ("2.50", Decimal("2.5")),
        (Decimal("0.1"), Decimal("0.1")),
        (0.1, Decimal("0.1")),
        (1e-07, Decimal("0.0000001")),
        (Decimal("-0"), Decimal(0)),
        (MAX_AMOUNT, Decimal(MAX_AMOUNT)),
    ],
)
def test_forms_of_numbers(number: Any, is_: Decimal):
    found = RateCard({"m": {"input": number, "output": 0}}).rates("m").input
    assert found == is_
    assert not found.is_signed()


@pytest.mark.parametrize(
    ("number", "message"),
    [
        pytest.param(True, "not bool", id="bool"),
        pytest.param(None, "not NoneType", id="None"),
        pytest.param([1], "not list", id="list"),
        pytest.param(Fraction(1, 3), "not Fraction", id="Fraction"),
        pytest.param(math.nan, "finite", id="nan"),
        pytest.param(math.inf, "finite", id="inf"),
        pytest.param(Decimal("sNaN"), "finite", id="sNaN"),
        pytest.param(-1, "negative", id="negative"),
        pytest.param(-0.5, "negative", id="negative float"),
        pytest.param("-1", "plain decimal", id="negative str"),
        pytest.param("nan", "plain decimal", id="nan str"),
        pytest.param("1_000", "plain decimal", id="underscore"),
        pytest.param("\u0661\u0662", "plain decimal", id="other digits"),
        pytest.param(" 1", "plain decimal", id="blank"),
        pytest.param("", "plain decimal", id="empty"),
        pytest.param(10**15 + 1, "at most", id="large"),
        pytest.param(10**5000, "at most", id="too long to print"),
        pytest.param(Decimal("1e999999999"), "at most", id="too large to expand"),
        pytest.param(Decimal("1e-999999999"), "decimals", id="too small to expand"),
    ],
)
@pytest.mark.parametrize("place", ["input", "markup"])
def test_a_number_that_is_none_is_refused_where_it_stands(number: Any, message: str, place: str):
    card: dict[str, Any] = {"models": {"gpt-4o": {**ONE}}}
    if place == "markup":
        card["markup"] = number
    else:
        card["models"]["gpt-4o"]["input"] = number
        place = "models.gpt-4o.input"
    with pytest.raises(PricingConfigError, match=message) as caught:
        RateCard.from_dict(card)
    assert str(caught.value).startswith(f"{place}: ")
    assert caught.value.action == place


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (None, "the card: a mapping with the key models, not NoneType"),
        ({}, "models: no model has rates"),
        ({"models": {}}, "models: no model has rates"),
        ({"models": [1]}, "models: a table of names, not list"),
        ({"models": {"": ONE}}, "models: a name is a str that is not blank, not ''"),
        ({"models": {5: ONE}}, "models: a name is a str that is not blank, not int"),
        ({"models": {"a*b": ONE}}, 'models."a*b": a * stands at the end of a name only'),
        ({"models": {"m": 5}}, "models.m: rates are a table with input and output, not int"),
        ({"models": {"m": {"input": 1}}}, "models.m.output: missing"),
        ({"models": {"m": {**ONE, "cached": 1}}}, "models.m.cached: no key of rates; there are"),
        ({"models": {"gpt-4": {"1": ONE}}}, "models.gpt-4.1: no key of rates; a name with a dot"),
        ({"model": {}}, "model: no key of a card; there are models, aliases, markup"),
        ({"models": {"m": ONE}, "aliases": {"m": "m"}}, "aliases.m: models has this name"),
        ({"models": {"m": ONE}, "aliases": {"a": "b"}}, "aliases.a: an alias leads to a name"),
        ({"models": {"m": ONE}, "aliases": {"a": "m", "b": "a"}}, "aliases.b: an alias leads"),
        ({"models": {"m": ONE}, "aliases": {"a": ["m"]}}, "aliases.a: an alias leads"),
        ({"models": {"m": ONE}, "aliases": "m"}, "aliases: a table of names, not str"),
    ],
)
def test_what_is_wrong_with_a_card_is_said_with_its_place(card: Any, message: str):
    with pytest.raises(PricingConfigError) as caught:
        RateCard.from_dict(card)
    assert str(caught.value).startswith(message)


def test_toml_floats_are_exact():
    card = RateCard.from_toml(
        'markup = 1.1\n[models."gpt-4.1"]\ninput = 0.1000000000000000000001\noutput = 2\n'
    )
    cost = card.cost("gpt-4.1", TokenUsage(input_tokens=10**6))
    assert cost == Decimal("0.11000000000000000000011")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models = ", "the card: this text is no TOML"),
        ("rates.toml", "the card: this text is no TOML"),
        (b"", "the card: the text of a file, not bytes"),
        ("markup = nan\n[models.m]\ninput=1\noutput=1", "markup: a finite number"),
        ("markup = 1e99999999999999999999\n[models.m]", "the card: this text is no TOML"),
        ("[models.m]\ninput = true\noutput = 1", "models.m.input: a number"),
        ("[models.m]\ninput = 2026-11-26\noutput = 1", "models.m.input: a number"),
        ("[models.gpt-4.1]\ninput = 1\noutput = 1", "models.gpt-4.1: no key of rates; a name"),
    ],
)
def test_what_is_wrong_with_toml(text: Any, message: str):
    with pytest.raises(PricingConfigError) as caught:
        RateCard.from_toml(text)
    assert str(caught.value).startswith(message)


def test_a_card_keeps_what_it_was_made_of():
    models = {"m": {**ONE}}
    card = RateCard(models)
    models["m"]["input"] = 100
    assert card.cost("m", TokenUsage(10**6)) == 1


def test_tokens_load_no_library_and_the_core_loads_no_tokens():
    script = (
        "import sys, credits_core\n"
        "assert 'credits_core.tokens' not in sys.modules\n"
        "import credits_core.tokens\n"
        "assert not {'openai', 'anthropic', 'litellm', 'pydantic'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
