"""The rates of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Final

from credits_core.pricing.places import decimal, kind, under, wrong

if TYPE_CHECKING:
    from credits_core.tokens.usage import TokenUsage

__all__ = ["EXACT", "Rates", "read_rates"]

# Wide enough for a count of tokens times a rate times a markup; what did not fit would raise.
EXACT: Final = Context(prec=128, traps=[DivisionByZero, Inexact, InvalidOperation])

_KEYS: Final = ("input", "output", "cached_input", "cache_write")


@dataclass(frozen=True, slots=True)
class Rates:
    """What a million tokens of a model cost, in credits, before the card's markup."""

    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal

    def per_million(self, usage: TokenUsage) -> Decimal:
        """The cost of so many millions of tokens; exact in the context `EXACT`."""
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cached_input_tokens * self.cached_input
            + usage.cache_write_tokens * self.cache_write
        )


def read_rates(table: object, place: str) -> Rates:
    """Rates out of a mapping; `place` says where it stands."""
    if not isinstance(table, Mapping):
        raise wrong(place, f"rates are a table with input and output, not {kind(table)}")
    for key in table:
        if key not in _KEYS:
            raise wrong(under(place, key), _unknown(table[key]))
    for key in ("input", "output"):
        if key not in table:
            raise wrong(under(place, key), "missing: the credits that a million tokens cost")
    stated = {key: decimal(value, under(place, key)) for key, value in table.items()}
    return Rates(**{"cached_input": stated["input"], "cache_write": stated["input"], **stated})


def _unknown(value: object) -> str:
    if isinstance(value, Mapping):
        return 'no key of rates; a name with a dot in it stands in quotes: [models."gpt-4.1"]'
    return f"no key of rates; there are {', '.join(_KEYS)}"
