"""How the benchmarks measure: turn by turn against a reference, reported as ratios.

Absolute times of a shared machine mean little; the ratio of two things measured in turn,
in the same minutes, holds. Each row prints its bound beside it and asserts nothing.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUNDS = 7


@dataclass(frozen=True)
class Row:
    """One line of the report: a ratio of medians, and what it should reach."""

    what: str
    ours: str
    reference: str
    ratio: float
    spread: tuple[float, float]
    bound: float
    better: Literal["higher", "lower"]

    @property
    def reached(self) -> bool:
        if self.better == "higher":
            return self.ratio >= self.bound
        return self.ratio <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.better == "higher" else "≤"
        low, high = self.spread
        return (
            f"{'ok  ' if self.reached else 'MISS'} {self.what:<44} "
            f"{self.ratio:5.2f}x ({low:.2f} to {high:.2f}), bound {sign} {self.bound:g}x   "
            f"{self.ours} against {self.reference}"
        )


@dataclass(frozen=True)
class Stall:
    """One line of the report: for how long at a time the server served nobody else (ms).

    `worst` is the longest of each repetition; their median counts, and all that they span is
    printed with it.
    """

    what: str
    worst: tuple[float, ...]
    bound: float
    note: str = ""

    @property
    def reached(self) -> bool:
        return statistics.median(self.worst) <= self.bound

    def __str__(self) -> str:
        return (
            f"{'ok  ' if self.reached else 'MISS'} {self.what:<44} "
            f"{statistics.median(self.worst):5.1f} ms "
            f"({min(self.worst):.1f} to {max(self.worst):.1f}), "
            f"bound ≤ {self.bound:g} ms   {self.note}"
        ).rstrip()


def row(
    what: str,
    pairs: list[tuple[float, float]],
    *,
    unit: str,
    bound: float,
    better: Literal["higher", "lower"],
) -> Row:
    """A row from (ours, reference) pairs, each measured in the same round."""
    ratios = sorted(ours / reference for ours, reference in pairs)
    ours = statistics.median(pair[0] for pair in pairs)
    reference = statistics.median(pair[1] for pair in pairs)
    return Row(
        what,
        f"{ours:,.1f} {unit}",
        f"{reference:,.1f} {unit}",
        statistics.median(ratios),
        (ratios[0], ratios[-1]),
        bound,
        better,
    )


async def in_turn(
    ours: Callable[[], Awaitable[float]], reference: Callable[[], Awaitable[float]]
) -> list[tuple[float, float]]:
    """Measure both, again and again, after one round that does not count."""
    pairs = [(await ours(), await reference()) for _ in range(ROUNDS + 1)]
    return pairs[1:]
