"""The prices that are published, and what a price by measure is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from credits_core.pricing.numbers import Number

__all__ = [
    "COMPLEXITY_MULTIPLIERS",
    "FIXED_PRICING",
    "PRICING_CONFIG",
    "TOOL_COSTS",
    "MeteredPrice",
    "Price",
]


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
