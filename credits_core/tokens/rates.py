"""The rates of one model, and the numbers that rates are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Final

from credits_core.errors import PricingConfigError
from credits_core.models import MAX_AMOUNT

if TYPE_CHECKING:
    from credits_core.tokens.usage import Usage

__all__ = ["EXACT", "Rates", "exact", "read_rates"]

MAX_DECIMALS: Final = 30

# Wide enough for a count of tokens times a rate times a markup; what did not fit would raise.
EXACT: Final = Context(prec=128, traps=[DivisionByZero, Inexact, InvalidOperation])

_DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_KEYS: Final = ("input", "output", "cached_input", "cache_write")


@dataclass(frozen=True, slots=True)
class Rates:
    """What a million tokens of a model cost, in credits, before the card's markup."""

    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal

    def per_million(self, usage: Usage) -> Decimal:
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
        raise wrong(place, f"rates are a table with input and output, not {_kind(table)}")
    for key in table:
        if key not in _KEYS:
            raise wrong(f"{place}.{key}", _unknown(table[key]))
    for key in ("input", "output"):
        if key not in table:
            raise wrong(f"{place}.{key}", "missing: the credits that a million tokens cost")
    stated = {key: exact(value, f"{place}.{key}") for key, value in table.items()}
    return Rates(**{"cached_input": stated["input"], "cache_write": stated["input"], **stated})


def exact(value: object, place: str) -> Decimal:
    """A number from 0 to 10^15, exactly. A float counts as the decimal that it prints as."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise wrong(place, f"a number, or a str such as '2.50', not {_kind(value)}")
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise wrong(place, f"a str holds a plain decimal such as '2.50', not {value[:40]!r}")
    elif isinstance(value, float):
        value = float.__repr__(value)
    number = Decimal(value)
    if not number.is_finite():
        raise wrong(place, f"a finite number, not {number}")
    # Their sign and size only: an int of more than 4300 digits cannot be printed.
    if number < 0:
        raise wrong(place, "0 or more, not negative")
    if number > MAX_AMOUNT:
        raise wrong(place, f"at most {MAX_AMOUNT:,}")
    if number and _decimals(number) > MAX_DECIMALS:
        raise wrong(place, f"at most {MAX_DECIMALS} decimals")
    return number if number else Decimal(0)


def wrong(place: str, message: str) -> PricingConfigError:
    """The error of a card, at its place."""
    return PricingConfigError(place, f"{place}: {message}")


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _unknown(value: object) -> str:
    if isinstance(value, Mapping):
        return 'no key of rates; a name with a dot in it stands in quotes: [models."gpt-4.1"]'
    return f"no key of rates; there are {', '.join(_KEYS)}"


def _kind(value: object) -> str:
    return type(value).__name__
