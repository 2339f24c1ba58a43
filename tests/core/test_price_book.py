"""A price book as a whole: exact, a copy, and the one of the documentation."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from credits_core import PriceBook
from credits_core.pricing import (
    COMPLEXITY_MULTIPLIERS,
    FIXED_PRICING,
    PRICING_CONFIG,
    TOOL_COSTS,
    PricingEngine,
)

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "prices.toml"


def test_numbers_of_a_file_stay_exact(tmp_path: Path):
    (tmp_path / "prices.toml").write_text('[actions]\nx = { rate = 0.1, unit = "s" }\n')
    quote = PriceBook.from_file(tmp_path / "prices.toml").quote("x", 30)
    assert (quote.exact, quote.credits) == (3, 3)


def test_a_book_is_a_copy():
    actions = {"x": {"rate": 1, "unit": "s"}}
    book = PriceBook.from_dict({"actions": actions})
    actions["x"]["rate"] = 100
    assert book.cost("x", 1) == 1


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
