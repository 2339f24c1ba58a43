"""Numbers for tests of the pricing engine, good and bad, and oracles."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import strategies as st

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


def seed_formula(value: Fraction) -> int:
    return math.ceil(value * 15)
