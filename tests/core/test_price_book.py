"""What a price book says an action costs, beside models that count piece by piece."""

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credits_core import PriceBook, Priced
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing import (
    COMPLEXITY_MULTIPLIERS,
    FIXED_PRICING,
    PRICING_CONFIG,
    TOOL_COSTS,
    PricingEngine,
)
from credits_core.tokens import TokenUsage

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "prices.toml"


def book_of(price: Any, **rest: Any) -> PriceBook:
    return PriceBook.from_dict({"actions": {"work": price}, **rest})


def tiers(mode: str, *rows: tuple[int | None, Any, int]) -> dict[str, Any]:
    """A price of rows of up_to, rate and flat."""
    return {
        "unit": "call",
        "mode": mode,
        "tiers": [
            {"rate": rate, "flat": flat} | ({} if up_to is None else {"up_to": up_to})
            for up_to, rate, flat in rows
        ],
    }


# What things cost


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


GRADUATED = tiers("graduated", (10, 10, 0), (100, 5, 20), (None, 1, 0))
VOLUME = tiers("volume", (10, 10, 0), (100, 5, 20), (None, 1, 0))


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


TEN_FOR_90 = {"package": {"size": 10, "price": 90}, "unit": "image"}


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


# Beside models that count


@st.composite
def tier_tables(draw: st.DrawFn) -> list[tuple[int | None, Fraction, int]]:
    ends = sorted(draw(st.sets(st.integers(1, 30), max_size=3)))
    return [
        (
            end,
            Fraction(draw(st.integers(0, 40)), draw(st.sampled_from([1, 2, 4, 10]))),
            draw(st.integers(0, 15)),
        )
        for end in [*ends, None]
    ]


def as_number(rate: Fraction) -> Decimal:
    return Decimal(rate.numerator) / Decimal(rate.denominator)


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


# How much a balance pays for


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


# Versions

LATER = """
version = "2026"

[actions]
chat = 10
image = 3

[multipliers.complexity]
high = 2

[[versions]]
starts = 2027-01-01
actions.chat = 12

[[versions]]
version = "summer"
starts = 2027-06-01T00:00:00+02:00
actions.video = { rate = 5, unit = "second" }
multipliers.complexity = { high = 3 }
"""
JUNE = datetime(2027, 5, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "named", "chat"),
    [
        (datetime(2001, 9, 10, tzinfo=UTC), "2026", 20),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2026", 20),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-01-01", 24),
        (1_798_761_600_000, "2027-01-01", 24),  # the same in ms
        (JUNE - timedelta(milliseconds=1), "2027-01-01", 24),
        (JUNE, "summer", 36),
        (datetime(9999, 1, 1, tzinfo=UTC), "summer", 36),
    ],
)
def test_a_version_applies_from_its_start_on(at: Any, named: str, chat: int):
    book = PriceBook.from_toml(LATER)
    assert book.version(at).name == named
    quote = book.quote("chat", at=at, complexity="high")
    assert (quote.version, quote.credits) == (named, chat)
    assert book.cost("image", at=at) == 3  # said once, and never changed


def test_a_version_adds_actions_that_were_not_there_before():
    book = PriceBook.from_toml(LATER)
    assert [version.starts for version in book.versions] == [
        None,
        datetime(2027, 1, 1, tzinfo=UTC),
        JUNE,
    ]
    assert book.cost("video", 3, at=JUNE) == 15
    with pytest.raises(PricingConfigError, match=r"'video' in version '2026'.*chat, image"):
        book.max_affordable("video", 3, at=datetime(2026, 1, 1, tzinfo=UTC))


def test_without_an_instant_it_is_now():
    long_ago, to_come = datetime(2002, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
    book = PriceBook.from_dict(
        {
            "actions": {"chat": 1},
            "versions": [
                {"starts": long_ago, "actions": {"chat": 2}},
                {"starts": to_come, "actions": {"chat": 3}},
            ],
        }
    )
    assert book.cost("chat") == 2
    assert Priced("chat", engine=book).cost() == 2
    assert not book.priced("chat").steady
    assert book_of(1).priced("work").steady


def test_a_book_may_begin_with_a_version():
    book = PriceBook.from_dict({"versions": [{"starts": "2027-01-01", "actions": {"chat": 1}}]})
    with pytest.raises(PricingConfigError, match="begins at 2027-01-01"):
        book.cost("chat", at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("at", [1, "2027-01-01", datetime(2027, 1, 1), True])  # noqa: DTZ001
def test_an_instant_is_ms_or_an_aware_datetime(at: Any):
    with pytest.raises(InvalidRequestError):
        book_of(1).cost("work", at=at)


# Rates of tokens


def test_a_version_may_have_its_rates_of_tokens():
    book = PriceBook.from_toml("""
    tokens.markup = 2
    tokens.models.small = { input = 10, output = 20 }
    [[versions]]
    starts = 2027-01-01
    tokens.models.small = { input = 1, output = 2 }
    [[versions]]
    starts = 2028-01-01
    """)
    usage = TokenUsage(output_tokens=10**6)
    assert book.rate_card(datetime(2026, 1, 1, tzinfo=UTC)).credits("small", usage) == 40
    for year in (2027, 2028):
        assert book.rate_card(datetime(year, 1, 1, tzinfo=UTC)).credits("small", usage) == 2


def test_a_book_without_rates_of_tokens_says_so():
    with pytest.raises(PricingConfigError, match=r"no rates of tokens: add \[tokens"):
        book_of(1).rate_card()


def test_numbers_of_a_file_stay_exact(tmp_path: Path):
    (tmp_path / "prices.toml").write_text('[actions]\nx = { rate = 0.1, unit = "s" }\n')
    quote = PriceBook.from_file(tmp_path / "prices.toml").quote("x", 30)
    assert (quote.exact, quote.credits) == (3, 3)


def test_a_book_is_a_copy():
    actions = {"x": {"rate": 1, "unit": "s"}}
    book = PriceBook.from_dict({"actions": actions})
    actions["x"]["rate"] = 100
    assert book.cost("x", 1) == 1


# The book of the documentation


def test_the_example_has_the_published_prices_and_tools():
    book, engine = PriceBook.from_file(EXAMPLE), PricingEngine(TOOL_COSTS)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for action in FIXED_PRICING:
        assert book.cost(action, 3, at=at) == engine.calculate_cost(action, 3)
    for action in PRICING_CONFIG:
        assert book.cost(action, 4.03, at=at) == engine.calculate_cost(action, 4.03)
    for action in TOOL_COSTS:
        for level, factor in COMPLEXITY_MULTIPLIERS.items():
            cost = engine.calculate_cost(action, multiplier=factor)
            assert book.cost(action, at=at, complexity=level) == cost


def test_the_core_reads_no_toml_before_it_must():
    script = (
        "import sys, credits_core\n"
        "assert not {'tomllib', 'pydantic', 'credits_core.tokens'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
