"""The shapes that a price can have: what a quantity costs exactly, part by part, and back.

Each shape answers the parts of a cost, and the other way round the most that a cost buys. There
is no rounding, no minimum and no multiplier here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from credits_core.errors import PricingConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Calculated", "Packaged", "Part", "Shape", "Tariff", "Tier", "Tiers", "rate"]

_NOTHING = Fraction(0)


class Part(NamedTuple):
    """A part of a cost: so much of something at so many credits each."""

    what: str
    """`"tier 1"`, `"package of 10"` and the like; `""` where a price has one part only."""
    quantity: Fraction
    each: Fraction

    @property
    def credits(self) -> Fraction:
        """What it costs, exactly."""
        return self.quantity * self.each


class Shape(Protocol):
    """What makes a cost out of a quantity above 0.

    `parts` says what a quantity costs: their sum. `most` is the largest quantity, a `whole` one
    if so, that costs no more than `cost`; None where none is too large.
    """

    def parts(self, quantity: Fraction) -> list[Part]: ...  # noqa: D102

    def most(self, cost: Fraction, *, whole: bool) -> Fraction | None: ...  # noqa: D102


class Tier(NamedTuple):
    """From where the tier before ends, up to and with `up_to`."""

    up_to: Fraction | None
    """None: without end."""
    rate: Fraction
    """Credits a unit."""
    flat: Fraction = _NOTHING
    """Credits on top, once."""


@dataclass(frozen=True, slots=True)
class Tiers:
    """A rate a tier: graduated, each piece at the rate of its own tier, or by volume, all at one.

    One tier without end is a plain rate.
    """

    tiers: tuple[Tier, ...]
    volume: bool = False

    def parts(self, quantity: Fraction) -> list[Part]:
        """By volume those of one tier, else those of every tier that is reached."""
        found: list[Part] = []
        for number, (low, tier) in enumerate(self._from(), start=1):
            if quantity <= low:
                break
            end = quantity if tier.up_to is None else min(quantity, tier.up_to)
            name = f"tier {number}" if len(self.tiers) > 1 else ""
            if not self.volume:
                found += _of_tier(name, end - low, tier)
            elif end == quantity:
                return _of_tier(name, quantity, tier)
        return found

    def most(self, cost: Fraction, *, whole: bool) -> Fraction | None:
        """The largest quantity of all: by volume a smaller one may cost more."""
        for low, tier in reversed(list(self._from())):
            # A tier is a line; this is where it begins, just above `low`.
            least = tier.flat + (tier.rate * low if self.volume else _sum(self.parts(low)))
            if least > cost:
                continue
            if tier.rate:
                end = low + (cost - least) / tier.rate
                if tier.up_to is not None:
                    end = min(end, tier.up_to)
            elif tier.up_to is None:
                return None
            else:
                end = tier.up_to
            end = _floored(end, whole=whole)
            if end > low:
                return end
        return _NOTHING

    def _from(self) -> Iterator[tuple[Fraction, Tier]]:
        """Each tier with where it begins."""
        low = _NOTHING
        for tier in self.tiers:
            yield low, tier
            low = tier.up_to or low


@dataclass(frozen=True, slots=True)
class Packaged:
    """A price for every `size`; what fills no package costs `rate` each, or as a whole one.

    A rate is one at which a package costs no more than its pieces: the reader sees to it.
    """

    size: Fraction
    price: Fraction
    rate: Fraction | None = None

    def parts(self, quantity: Fraction) -> list[Part]:
        """The packages, then what is left over."""
        count = quantity // self.size
        rest = quantity - count * self.size
        left: list[Part] = []
        if rest and self.rate is not None and rest * self.rate < self.price:
            left = [Part("rest", rest, self.rate)]
        elif rest:
            count += 1
        size = f"package of {self.size}" if self.size.denominator == 1 else "package"
        return [*([Part(size, Fraction(count), self.price)] if count else []), *left]

    def most(self, cost: Fraction, *, whole: bool) -> Fraction | None:
        """As many packages as `cost` buys, and what is left of it in pieces."""
        if not self.price:
            return None
        count = cost // self.price
        rest = _NOTHING if self.rate is None else (cost - count * self.price) / self.rate
        return _floored(count * self.size + rest, whole=whole)


@dataclass(frozen=True, slots=True)
class Calculated:
    """A cost by a function of the app's own; nobody knows the way back."""

    action: str
    function: Callable[[Fraction], Fraction]

    def parts(self, quantity: Fraction) -> list[Part]:
        """One: what the function says."""
        return [Part("", Fraction(1), self.function(quantity))]

    def most(self, cost: Fraction, *, whole: bool) -> Fraction | None:  # noqa: ARG002
        """Refused."""
        raise PricingConfigError(
            self.action,
            f"{self.action!r} is priced by its own calculate function, which cannot be run "
            "backwards: price it by rate, or compare calculate_cost with the balance",
        )


@dataclass(frozen=True, slots=True)
class Tariff:
    """What an action is sold at: the shape of its price, its unit, and the bounds of a charge."""

    shape: Shape
    unit: str
    whole: bool = False
    """Whether it is sold in whole units only."""
    minimum: int = 0
    """What a charge costs at least, if it is for anything."""
    maximum: int | None = None


def rate(each: Any) -> Tiers:
    """A plain rate."""
    return Tiers((Tier(None, Fraction(each)),))


def _of_tier(name: str, quantity: Fraction, tier: Tier) -> list[Part]:
    found = [Part(name, quantity, tier.rate)]
    if tier.flat:
        found.append(Part(f"{name}, flat".lstrip(", "), Fraction(1), tier.flat))
    return found


def _sum(parts: list[Part]) -> Fraction:
    return sum((part.credits for part in parts), _NOTHING)


def _floored(quantity: Fraction, *, whole: bool) -> Fraction:
    return Fraction(math.floor(quantity)) if whole else quantity
