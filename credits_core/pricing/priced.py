"""`Priced`: a cost that is still an action and a quantity."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from credits_core.pricing.engine import PricingEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.pricing.book import PriceBook
    from credits_core.pricing.numbers import Number
    from credits_core.pricing.quotes import Quote

__all__ = ["Priced"]


@cache
def _seeds() -> PricingEngine:
    return PricingEngine()


@dataclass(frozen=True, slots=True)
class Priced:
    """So much of a priced action: a cost, and the action that the log names.

    `quantity`, 0 or more, is in the unit of the price, whole pieces at a fixed price;
    `multiplier`, 0 or more, scales the cost before it is rounded up. `engine` is where the price
    stands, by default `PricingEngine()`, or a `PriceBook`, whose multipliers `levels` names:
    `PriceBook.priced` makes one.

    >>> Priced("video_generation", 30).cost()
    300
    """

    action: str
    quantity: Number = 1
    multiplier: Number = 1
    engine: PricingEngine | PriceBook = field(default_factory=_seeds, repr=False)
    levels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def steady(self) -> bool:
        """Whether it costs the same at any time."""
        return len(self._book.versions) == 1

    def quote(self) -> Quote:
        """What it costs now, and why. Raises what `PriceBook.quote` raises."""
        version = self._book.version()
        return version.quote(self.action, self.quantity, self.multiplier, self.levels)

    def cost(self) -> int:
        """The credits, as they are now: 0 to 10^15. Raises what `PriceBook.cost` raises."""
        return self.quote().credits

    @property
    def _book(self) -> PriceBook:
        return self.engine.book if isinstance(self.engine, PricingEngine) else self.engine
