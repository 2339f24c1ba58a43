"""`PricingEngine`: a table of prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing.numbers import Number, exact
from credits_core.pricing.tables import FIXED_PRICING, PRICING_CONFIG, MeteredPrice, Price

__all__ = ["PricingEngine"]

# Known by identity: leaving the value out is one piece at a fixed price, and an error at a rate.
_ONE: Final = Fraction(1)


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

        >>> from credits_core.pricing import COMPLEXITY_MULTIPLIERS, TOOL_COSTS
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
