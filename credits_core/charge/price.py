"""What a piece of work costs: whole credits, or a priced action and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from credits_core import validation
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.pricing import PricingEngine

if TYPE_CHECKING:
    from credits_core.pricing import Number

__all__ = ["Cost", "Priced", "check_cost", "priced"]


@cache
def _seeds() -> PricingEngine:
    return PricingEngine()


@dataclass(frozen=True, slots=True)
class Priced:
    """So much of a priced action: a cost, and the action that the log names.

    `quantity` is in the unit of the price, whole pieces at a fixed price; `multiplier` scales the
    cost before it is rounded up. `engine` is where the price stands, by default `PricingEngine()`.

    >>> Priced("video_generation", 30).cost()
    300
    """

    action: str
    quantity: Number = 1
    multiplier: Number = 1
    engine: PricingEngine = field(default_factory=_seeds, repr=False)

    def cost(self) -> int:
        """The credits: 0 to 10^15. Raises what `PricingEngine.calculate_cost` raises."""
        return self.engine.calculate_cost(self.action, self.quantity, multiplier=self.multiplier)


Cost: TypeAlias = int | Priced
"""What a piece of work costs: credits from 0 (free) to 10^15, or a priced action."""


def check_cost(cost: object, action: str) -> int:
    """The cost of `action` in credits: a whole number from 0 (free) to 10^15.

    Raises `PricingConfigError` below 0, and `InvalidRequestError` for what is no whole number.
    """
    if type(cost) is int and cost <= 0:
        if cost < 0:
            raise PricingConfigError(action, f"{action!r} costs {cost} credits: 0 is the least")
        return 0
    return validation.amount(cost)


def priced(cost: object, action: str | None) -> tuple[int, str]:
    """The credits and the action of a cost: an action that is given beats that of a price."""
    if isinstance(cost, Priced):
        return check_cost(cost.cost(), cost.action), action or cost.action
    if action is None:
        raise InvalidRequestError(
            "name the action that is charged, for the log: it is not a price that has a name"
        )
    return check_cost(cost, action), action
