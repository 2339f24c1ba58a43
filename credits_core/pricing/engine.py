"""`PricingEngine`: a table of prices in Python."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from credits_core.errors import PricingConfigError
from credits_core.models import MAX_AMOUNT
from credits_core.pricing.book import PriceBook
from credits_core.pricing.numbers import Number, exact
from credits_core.pricing.price_tables import PIECE
from credits_core.pricing.quotes import ONE
from credits_core.pricing.shapes import Calculated, Tariff, rate
from credits_core.pricing.tables import FIXED_PRICING, PRICING_CONFIG, MeteredPrice, Price
from credits_core.pricing.versions import Version

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["PricingEngine"]


class PricingEngine:
    """A table of prices: `FIXED_PRICING` and `PRICING_CONFIG`, with `custom` laid over them.

    With `defaults=False` the table is `custom` alone.

    `custom` maps an action to a whole number of credits a piece (0 to 10^15), to a `MeteredPrice`,
    or to a mapping with the keys `rate`, `unit` and, optionally, `calculate`. It is checked and
    copied here: a wrong price fails at start, and changing `custom` later changes nothing.
    Prices in a file, tiers, packages and versions are what a `PriceBook` is for.

    Raises `PricingConfigError` for a price that is none.

    >>> pricing = PricingEngine({"image": {"rate": 0.5, "unit": "megapixel"}, "chat_message": 12})
    >>> pricing.calculate_cost("image", 3)
    2
    >>> pricing.calculate_cost("chat_message")
    12
    >>> list(PricingEngine({"chat_message": 12}, defaults=False).prices)
    ['chat_message']
    """

    __slots__ = ("_prices", "book")

    def __init__(
        self,
        custom: Mapping[str, Price | Mapping[str, Any]] | None = None,
        *,
        defaults: bool = True,
    ) -> None:
        """Check and copy `custom`."""
        checked = {action: _check_price(action, price) for action, price in (custom or {}).items()}
        below: dict[str, Price] = {**FIXED_PRICING, **PRICING_CONFIG} if defaults else {}
        self._prices: dict[str, Price] = {**below, **checked}
        tariffs = {action: _tariff(action, price) for action, price in self._prices.items()}
        self.book = PriceBook([Version(None, None, tariffs, {})])
        """The same prices as a book, which counts for it."""

    @property
    def prices(self) -> Mapping[str, Price]:
        """Every action and its price, read-only.

        >>> PricingEngine().prices["training_job"].unit
        'GPU hour'
        """
        return MappingProxyType(self._prices)

    def calculate_cost(self, action: str, value: Number = ONE, *, multiplier: Number = 1) -> int:
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
        return self.book.cost(action, value, multiplier=multiplier)

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
        most = self.book.max_affordable(action, balance, multiplier=multiplier)
        if most is None:
            raise PricingConfigError(action, f"{action!r} is free: any balance pays for any value")
        return most


def _tariff(action: str, price: Price) -> Tariff:
    """A price of the table as a book has it."""
    if isinstance(price, int):
        return Tariff(rate(price), PIECE, whole=True)
    wrong = partial(PricingConfigError, action)
    calculate = price.calculate
    if calculate is None:
        return Tariff(rate(exact(price.rate, f"the rate of {action!r}", wrong)), price.unit)
    of = f"what calculate returned for {action!r}"
    return Tariff(Calculated(action, lambda value: exact(calculate(value), of, wrong)), price.unit)


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
