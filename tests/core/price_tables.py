"""Price tables for tests of the price book: written ones, and drawn ones."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from credits_core import PriceBook


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


GRADUATED = tiers("graduated", (10, 10, 0), (100, 5, 20), (None, 1, 0))
VOLUME = tiers("volume", (10, 10, 0), (100, 5, 20), (None, 1, 0))
TEN_FOR_90 = {"package": {"size": 10, "price": 90}, "unit": "image"}


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
