"""From a price and a quantity to whole credits, and from a balance back to a quantity."""

from __future__ import annotations

import math
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from credits_core.errors import InvalidRequestError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing.numbers import Number, exact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.pricing.shapes import Part, Tariff

__all__ = ["KEPT", "ONE", "Quote", "affordable", "measured", "quoted", "written"]

KEPT: Final = "priced"
"""The key of a charge's metadata under which stands what re-pricing needs."""

ONE: Final = Fraction(1)
"""Known by identity: leaving the quantity out is one piece, and an error at a rate."""

Bound: TypeAlias = Literal["minimum", "maximum"]

_NOTHING: Final[tuple[tuple[Part, ...], Fraction, Bound | None]] = ((), Fraction(0), None)
_MOST_DIGITS: Final = 200
_DECIMALS: Final = Context(prec=_MOST_DIGITS, traps=[Inexact])


class Quote(NamedTuple):
    """What a quantity of an action costs, and how that comes about.

    (A tuple, as one is made for each request whose price follows from it.) `exact` is the sum of
    `parts` times all `factors`, within the bounds of the price; `credits` is that rounded up.
    """

    action: str
    quantity: Fraction
    unit: str
    parts: tuple[Part, ...]
    factors: Mapping[str, Fraction]
    """What multiplied the sum: the name of a set, or `"multiplier"`, and by how much."""
    bound: Bound | None
    """Whether the minimum or the maximum of a charge made the price."""
    exact: Fraction
    credits: int
    version: str | None = None
    """The version of the book; None for a price that stands in no book."""
    levels: Mapping[str, str] = {}
    """The names of the multipliers: the set, and the level in it."""

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What a charge keeps of it, to be priced again; None for a price that is in no book.

        Raises `InvalidRequestError` when the quantity has more than 200 digits.
        """
        if self.version is None:
            return None
        kept: dict[str, Any] = {"action": self.action, "quantity": _kept(self.quantity)}
        if self.levels:
            kept["multipliers"] = dict(self.levels)
        if "multiplier" in self.factors:
            kept["multiplier"] = _kept(self.factors["multiplier"])
        return {KEPT: {**kept, "version": self.version, "credits": self.credits}}


def measured(action: str, price: Tariff, quantity: Number) -> Fraction:
    """A quantity, exactly. Raises `InvalidRequestError` for one that cannot be sold."""
    if quantity is ONE and not price.whole:
        raise InvalidRequestError(f"{action!r} is priced by the {price.unit}: say how many")
    found = exact(quantity, f"the quantity of {action!r}", InvalidRequestError)
    if price.whole and found.denominator != 1:
        raise InvalidRequestError(
            f"{action!r} is sold whole, not in fractions ({price.unit}): pass a whole number, "
            "or price it by rate and unit"
        )
    return found


def quoted(
    action: str,
    price: Tariff,
    quantity: Fraction,
    factors: Mapping[str, Fraction],
    version: str | None = None,
    levels: Mapping[str, str] | None = None,
) -> Quote:
    """What a quantity costs. Nothing costs nothing, whatever the minimum.

    Multipliers come before the bounds, as percentages do in the order of
    https://openmeter.io/docs/billing/invoicing/discounts, and rounding is last.

    Raises `InvalidRequestError` for more credits than one operation can move.
    """
    parts, cost, bound = _NOTHING if not quantity else _of_something(price, quantity, factors)
    credits_ = math.ceil(cost)
    if credits_ > MAX_AMOUNT:
        raise InvalidRequestError(
            f"this much of {action!r} costs more than {MAX_AMOUNT:,} credits, the most that "
            "one operation can move: check the unit, or charge it in parts"
        )
    return Quote(
        action,
        quantity,
        price.unit,
        parts,
        factors,
        bound,
        cost,
        credits_,
        version,
        levels or {},
    )


def affordable(price: Tariff, balance: object, factors: Mapping[str, Fraction]) -> Fraction | None:
    """The largest quantity that costs no more than a balance; None where none is too large.

    Raises `InvalidRequestError` when the balance is no `int`.
    """
    if isinstance(balance, bool) or not isinstance(balance, int):
        raise InvalidRequestError(f"the balance is a whole int, not {type(balance).__name__}")
    # Whole credits on this side of the comparison, so rounding up the cost changes nothing.
    funds = min(max(balance, 0), MAX_AMOUNT)
    if funds < price.minimum:
        return Fraction(0)
    factor = math.prod(factors.values())
    if not factor or (price.maximum is not None and funds >= price.maximum):
        return None
    return price.shape.most(Fraction(funds) / factor, whole=price.whole)


def _of_something(
    price: Tariff, quantity: Fraction, factors: Mapping[str, Fraction]
) -> tuple[tuple[Part, ...], Fraction, Bound | None]:
    parts = tuple(price.shape.parts(quantity))
    cost = parts[0].credits
    for part in parts[1:]:
        cost += part.credits
    for factor in factors.values():
        cost *= factor
    return parts, *_bounded(price, cost)


def _bounded(price: Tariff, cost: Fraction) -> tuple[Fraction, Bound | None]:
    if price.minimum and cost < price.minimum:
        return Fraction(price.minimum), "minimum"
    if price.maximum is not None and cost > price.maximum:
        return Fraction(price.maximum), "maximum"
    return cost, None


def written(number: Fraction) -> str:
    """A number as text, exactly: a decimal, or a fraction where no decimal is exact.

    >>> written(Fraction(5, 2)), written(Fraction(1, 3))
    ('2.5', '1/3')
    """
    # As decimals: Python refuses to print an int of more than 4300 digits, which a sum may have.
    above, below = Decimal(number.numerator), Decimal(number.denominator)
    try:
        return f"{_DECIMALS.divide(above, below):f}"
    except Inexact:
        return f"{above:f}/{below:f}"


def _kept(number: Fraction) -> str:
    """A number for the log, which is no place for any length."""
    if max(number.numerator, number.denominator) >= 10**_MOST_DIGITS:
        raise InvalidRequestError(
            f"a number of more than {_MOST_DIGITS} digits is not kept: round the quantity first"
        )
    return written(number)
