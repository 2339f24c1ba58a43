"""The numbers that prices and quantities are made of: exact, whatever they come as."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Number", "decimals", "exact"]

# Decimal("1e999999999") is short to write and would fill the memory once it is exact, and one of a
# million decimals, which a request can carry, would take a minute to become a fraction.
_MAX_EXPONENT: Final = 400

Number: TypeAlias = int | float | Decimal | Fraction


def exact(number: object, what: str, error: Callable[[str], Exception]) -> Fraction:
    """Return a number of 0 or more exactly; `error` makes the exception for anything else.

    Messages leave the number out: Python refuses to print an int of more than 4300 digits.
    """
    if isinstance(number, bool) or not isinstance(number, Number):
        raise error(
            f"{what} must be an int, float, Decimal or Fraction, not {type(number).__name__}"
        )
    if isinstance(number, float):
        # Not repr(number): a subclass may print as "np.float64(4.03)".
        number = Decimal(float.__repr__(number))
    if isinstance(number, Decimal):
        if not number.is_finite():
            raise error(f"{what} must be finite, not {number}")
        if number.adjusted() > _MAX_EXPONENT or decimals(number) > _MAX_EXPONENT:
            raise error(f"{what} is out of range: it has digits beyond 10^±{_MAX_EXPONENT}")
    exact = Fraction(number)
    if exact < 0:
        raise error(f"{what} must be 0 or more, not negative")
    return exact


def decimals(number: Decimal) -> int:
    """How many decimals a finite number is written with; below 0 for one such as 1E+3."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
