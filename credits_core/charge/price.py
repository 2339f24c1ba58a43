"""What a piece of work costs: whole credits, or a priced action and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from credits_core import validation
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.pricing import Priced, Quote
from credits_core.pricing.quotes import KEPT

Metadata: TypeAlias = Mapping[str, Any]

__all__ = ["Cost", "Priced", "check_cost", "priced"]


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


def priced(
    cost: object, action: str | None, metadata: Metadata | None
) -> tuple[int, str, Metadata | None]:
    """The credits, the action and the metadata of a charge.

    An action that is given beats that of a price. A price of a book adds to the metadata what it
    takes to price the charge again.
    """
    if isinstance(cost, Priced):
        quote = cost.quote()
        return check_cost(quote.credits, cost.action), action or cost.action, kept(quote, metadata)
    if action is None:
        raise InvalidRequestError(
            "name the action that is charged, for the log: it is not a price that has a name"
        )
    return check_cost(cost, action), action, metadata


def kept(quote: Quote, metadata: Metadata | None) -> Metadata | None:
    """Metadata with what a quote adds to it."""
    added = quote.metadata
    if added is None or metadata is None:
        return added or metadata
    if KEPT in metadata:
        raise InvalidRequestError(
            f"the metadata has a key {KEPT!r} of its own, under which a price of a book is kept: "
            "give it another name"
        )
    return {**metadata, **added}
