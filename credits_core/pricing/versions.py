"""The versions of a price book: what it says, each from a start on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.models import instant
from credits_core.pricing.numbers import Number, exact
from credits_core.pricing.quotes import Quote, affordable, measured, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from fractions import Fraction

    from credits_core.pricing.shapes import Tariff
    from credits_core.tokens import RateCard

__all__ = ["Version"]


@dataclass(frozen=True, slots=True)
class Version:
    """The prices from an instant on, until the next version starts."""

    name: str | None
    """None where prices stand in no book."""
    starts_ms: int | None
    """ms since the epoch; None since ever."""
    prices: Mapping[str, Tariff]
    """Every action, and its price."""
    multipliers: Mapping[str, Mapping[str, Fraction]]
    """Every set of multipliers: its levels, and what each multiplies by."""
    card: RateCard | None = None
    """What tokens of language models cost; None where the book has no rates of them."""

    @property
    def starts(self) -> datetime | None:
        """When it starts; None for the first, which applies since ever."""
        return None if self.starts_ms is None else instant(self.starts_ms)

    def price(self, action: object) -> Tariff:
        """The price of an action. Raises `PricingConfigError` where there is none."""
        price = self.prices.get(action) if isinstance(action, str) else None
        if price is None:
            of = "" if self.name is None else f" in version {self.name!r} of the book"
            raise PricingConfigError(
                str(action),
                f"there is no price for {action!r}{of}; priced are "
                f"{', '.join(sorted(self.prices)) or 'none'}",
            )
        return price

    def quote(
        self, action: str, quantity: Number, multiplier: Number, levels: Mapping[str, str]
    ) -> Quote:
        """What a quantity costs in this version: see `PriceBook.quote`."""
        price = self.price(action)
        factors = self._factors(action, levels, multiplier)
        amount = measured(action, price, quantity)
        return quoted(action, price, amount, factors, self.name, levels)

    def max_affordable(
        self, action: str, balance: int, multiplier: Number, levels: Mapping[str, str]
    ) -> Fraction | None:
        """What a balance pays for in this version: see `PriceBook.max_affordable`."""
        price = self.price(action)
        return affordable(price, balance, self._factors(action, levels, multiplier))

    def _factors(
        self, action: str, levels: Mapping[str, str], multiplier: Number
    ) -> dict[str, Fraction]:
        found = {name: self._factor(name, level) for name, level in levels.items()}
        if type(multiplier) is int and multiplier == 1:
            return found  # as nearly always
        other = exact(multiplier, f"the multiplier of {action!r}", InvalidRequestError)
        return found if other == 1 else {**found, "multiplier": other}

    def _factor(self, name: str, level: object) -> Fraction:
        table = self.multipliers.get(name)
        if table is None:
            raise InvalidRequestError(
                f"the book has no multipliers {name!r}; it has {_listed(self.multipliers)}"
            )
        factor = table.get(level) if isinstance(level, str) else None
        if factor is None:
            raise InvalidRequestError(f"{name} is one of {_listed(table)}, not {level!r}")
        return factor


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(map(repr, names)) or "none"
