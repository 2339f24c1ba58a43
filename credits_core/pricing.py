"""What an action costs, in whole credits.

Fractions live here and nowhere else: a cost is multiplied exactly and rounded up once. A float
counts as the decimal that it prints as, so 4.03 GPU hours are 4.03, not the binary number beside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT

__all__ = [
    "COMPLEXITY_MULTIPLIERS",
    "FIXED_PRICING",
    "PRICING_CONFIG",
    "TOOL_COSTS",
    "MeteredPrice",
    "Number",
    "Price",
    "PricingEngine",
]

# Decimal("1e999999999") is short to write and would fill the memory once it is exact.
_MAX_EXPONENT: Final = 400

# Known by identity: leaving the value out is one piece at a fixed price, and an error at a rate.
_ONE: Final = Fraction(1)

Number: TypeAlias = int | float | Decimal | Fraction


@dataclass(frozen=True, slots=True)
class MeteredPrice:
    """A price by measure: `rate` credits for each `unit`.

    `rate` is 0 or more and may be fractional; `unit` is a name for people ("second", "GPU hour").
    `calculate` takes the place of the multiplication: it is given the measured value as an exact
    `Fraction` and returns credits, which are rounded up if fractional; `rate` then only informs.
    A price is checked by the `PricingEngine` that it is given to.

    >>> MeteredPrice(rate=10, unit="second")
    MeteredPrice(rate=10, unit='second', calculate=None)
    """

    rate: Number
    unit: str
    calculate: Callable[[Fraction], Number] | None = None


Price: TypeAlias = int | MeteredPrice

#: Credits for one piece.
FIXED_PRICING: Final[Mapping[str, int]] = MappingProxyType(
    {
        "chat_message": 10,
        "canvas_generation_simple": 50,
        "canvas_generation_complex": 75,
    }
)

#: Credits by measure.
PRICING_CONFIG: Final[Mapping[str, MeteredPrice]] = MappingProxyType(
    {
        "video_generation": MeteredPrice(rate=10, unit="second"),
        "training_job": MeteredPrice(rate=1000, unit="GPU hour"),
    }
)

#: Credits for one use of a tool at low complexity: a table to pass to `PricingEngine`.
TOOL_COSTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "text-generation": 1,
        "image-generation": 3,
        "video-processing": 10,
    }
)

#: What the complexity of a task multiplies its cost by.
COMPLEXITY_MULTIPLIERS: Final[Mapping[str, Number]] = MappingProxyType(
    {
        "low": 1,
        "medium": Decimal("1.5"),
        "high": 2,
    }
)


class PricingEngine:
    """A table of prices: `FIXED_PRICING` and `PRICING_CONFIG`, with `custom` laid over them.

    `custom` maps an action to a whole number of credits a piece (0 to 10^15), to a `MeteredPrice`,
    or to a mapping with the keys `rate`, `unit` and, optionally, `calculate`. It is checked and
    copied here: a wrong price fails at start, and changing `custom` later changes nothing.

    Raises `PricingConfigError` for a price that is none.

    >>> pricing = PricingEngine({"image": {"rate": 0.5, "unit": "megapixel"}, "chat_message": 12})
    >>> pricing.calculate_cost("image", 3)
    2
    >>> pricing.calculate_cost("chat_message")
    12
    """

    __slots__ = ("_prices",)

    def __init__(self, custom: Mapping[str, Price | Mapping[str, Any]] | None = None) -> None:
        """Check and copy `custom`."""
        checked = {action: _check_price(action, price) for action, price in (custom or {}).items()}
        self._prices: dict[str, Price] = {**FIXED_PRICING, **PRICING_CONFIG, **checked}

    @property
    def prices(self) -> Mapping[str, Price]:
        """Every action and its price, read-only.

        >>> PricingEngine().prices["training_job"].unit
        'GPU hour'
        """
        return MappingProxyType(self._prices)

    def calculate_cost(self, action: str, value: Number = _ONE, *, multiplier: Number = 1) -> int:
        """Return the credits that `value` of `action` costs, 0 to 10^15, rounded up once.

        `value` is 0 or more. At a fixed price it is a whole number of pieces, 1 unless given; at
        a metered price it is in the price's unit, may be fractional, and must be given.
        `multiplier`, 0 or more, scales the cost before it is rounded: complexity, a discount.

        Raises `PricingConfigError` when the action has no price or its `calculate` returns no
        amount, `InvalidRequestError` (also a `ValueError`) when a number is missing, not a number,
        negative or not finite, or when the cost is more than one operation can move.

        >>> pricing = PricingEngine(TOOL_COSTS)
        >>> pricing.calculate_cost("training_job", 4.03)
        4030
        >>> pricing.calculate_cost("chat_message", 3)
        30
        >>> pricing.calculate_cost("image-generation", multiplier=COMPLEXITY_MULTIPLIERS["medium"])
        5
        """
        price = self._price(action)
        if value is _ONE and isinstance(price, MeteredPrice):
            raise InvalidRequestError(
                f"{action!r} is priced by the {price.unit}: say how many, "
                f"as in calculate_cost({action!r}, 30)"
            )
        measured = exact(value, f"the value of {action!r}", InvalidRequestError)
        factor = exact(multiplier, f"the multiplier of {action!r}", InvalidRequestError)
        cost = math.ceil(_cost(action, price, measured) * factor)
        if cost > MAX_AMOUNT:
            raise InvalidRequestError(
                f"this much of {action!r} costs more than {MAX_AMOUNT:,} credits, the most that "
                "one operation can move: check the unit, or charge it in parts"
            )
        return cost

    def max_affordable(self, action: str, balance: int, *, multiplier: Number = 1) -> Fraction:
        """Return how much of `action` a balance pays for: the largest value that costs no more.

        The answer is exact: in the price's unit for a metered price, whole pieces for a fixed one,
        0 for a balance below zero, and never more than one operation can charge. Round it down
        before it becomes a float or a decimal: rounded up, it would cost a credit too many.

        Raises `PricingConfigError` when the action has no price, when it is free (no value is the
        largest) or when `calculate` sets its price (which cannot be run backwards), and
        `InvalidRequestError` when the balance is no `int` or the multiplier no number of 0 or more.

        >>> PricingEngine().max_affordable("video_generation", 25)
        Fraction(5, 2)
        >>> int(PricingEngine().max_affordable("chat_message", 25))
        2
        """
        price = self._price(action)
        if isinstance(price, MeteredPrice) and price.calculate is not None:
            raise PricingConfigError(
                action,
                f"{action!r} is priced by its own calculate function, which cannot be run "
                "backwards: price it by rate, or compare calculate_cost with the balance",
            )
        if isinstance(balance, bool) or not isinstance(balance, int):
            raise InvalidRequestError(f"the balance is a whole int, not {type(balance).__name__}")
        factor = exact(multiplier, f"the multiplier of {action!r}", InvalidRequestError)
        each = _cost(action, price, _ONE) * factor
        if each == 0:
            raise PricingConfigError(action, f"{action!r} is free: any balance pays for any value")
        # Whole credits on this side of the comparison, so rounding up the cost changes nothing.
        affordable = min(max(balance, 0), MAX_AMOUNT) / each
        return affordable if isinstance(price, MeteredPrice) else Fraction(math.floor(affordable))

    def _price(self, action: str) -> Price:
        price = self._prices.get(action) if isinstance(action, str) else None
        if price is None:
            raise PricingConfigError(
                str(action),
                f"there is no price for {action!r}; priced are {', '.join(sorted(self._prices))}. "
                'Price another by PricingEngine({"name": credits})',
            )
        return price


def _cost(action: str, price: Price, value: Fraction) -> Fraction:
    """Return the exact cost, before any rounding."""
    if isinstance(price, int):
        if value.denominator != 1:
            raise InvalidRequestError(
                f"{action!r} has a fixed price and is sold whole: "
                "pass a whole number of pieces, or price it by rate and unit"
            )
        return price * value
    wrong = partial(PricingConfigError, action)
    if price.calculate is None:
        return value * exact(price.rate, f"the rate of {action!r}", wrong)
    return exact(price.calculate(value), f"what calculate returned for {action!r}", wrong)


def _check_price(action: str, price: object) -> Price:
    wrong = partial(PricingConfigError, str(action))
    if not isinstance(action, str) or not action:
        raise wrong(f"an action is named by a str that is not empty, not {action!r}")
    if isinstance(price, Mapping):
        keys = [repr(key) for key in price]
        try:
            price = MeteredPrice(**price)
        except TypeError:
            raise wrong(
                f"the price of {action!r} takes the keys rate, unit and, optionally, calculate; "
                f"it has {', '.join(keys) or 'none'}"
            ) from None
    if isinstance(price, MeteredPrice):
        exact(price.rate, f"the rate of {action!r}", wrong)
        if not isinstance(price.unit, str) or not price.unit:
            raise wrong(f'the unit of {action!r} is a name, such as "second"')
        if price.calculate is not None and not callable(price.calculate):
            raise wrong(
                f"the calculate of {action!r} is a function from a value to credits, "
                f"not {type(price.calculate).__name__}"
            )
        return price
    if isinstance(price, bool) or not isinstance(price, int) or not 0 <= price <= MAX_AMOUNT:
        raise wrong(
            f"the price of {action!r} is an int from 0 to {MAX_AMOUNT:,} for one piece, "
            'or a rate and a unit, as in {"rate": 0.5, "unit": "item"}'
        )
    return price


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
        if abs(number.adjusted()) > _MAX_EXPONENT:
            raise error(f"{what} is out of range: its exponent is beyond ±{_MAX_EXPONENT}")
    exact = Fraction(number)
    if exact < 0:
        raise error(f"{what} must be 0 or more, not negative")
    return exact
