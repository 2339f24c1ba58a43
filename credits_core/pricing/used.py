"""What a charge of the log was for: read from what its metadata keeps, priced by a book."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.pricing.quotes import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core import tokens
    from credits_core.models import Transaction
    from credits_core.pricing.numbers import Number
    from credits_core.pricing.versions import Version

__all__ = ["Reader", "Used", "UsedTokens", "read_used"]

# What `quotes.written` writes, and nothing that would grow when it is read.
_NUMBER: Final = re.compile(r"[0-9]{1,200}(\.[0-9]{1,200}|/0*[1-9][0-9]{0,199})?")

_TOKENS: Final = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens")


@dataclass(frozen=True, slots=True)
class Used:
    """So much of an action of a book, with its multipliers.

    `credits` is what it cost when it was charged, as far as the log keeps that.
    """

    action: str
    quantity: Number
    multiplier: Number = 1
    levels: Mapping[str, str] = field(default_factory=dict, hash=False)
    credits: int | None = None

    def cost(self, version: Version) -> int:
        """What it costs in a version. Raises what `PriceBook.quote` raises."""
        return version.quote(self.action, self.quantity, self.multiplier, self.levels).credits


@dataclass(frozen=True, slots=True)
class UsedTokens:
    """Tokens of a language model; `credits` is what they cost when they were charged."""

    action: str
    model: str
    usage: tokens.TokenUsage
    credits: int | None = None

    @property
    def quantity(self) -> int:
        """All tokens."""
        return sum(getattr(self.usage, name) for name in _TOKENS)

    def cost(self, version: Version) -> int:
        """What they cost in a version. Raises `PricingConfigError` where it has no rates."""
        if version.card is None:
            raise PricingConfigError("tokens", "the book has no rates of tokens")
        return version.card.credits(self.model, self.usage)


Reader: TypeAlias = "Callable[[Transaction], Used | UsedTokens | None]"
"""Answers what an entry of the log was for, or None where it does not say."""


def read_used(entry: Transaction) -> Used | UsedTokens | None:
    """What an entry of the log was for, or None where it does not say.

    It reads what a price of a book keeps (`PriceBook.priced`, `Quote.metadata`), and the model
    and the counts of tokens that `CreditsLogger` keeps.
    """
    metadata = entry.metadata or {}
    kept = metadata.get(KEPT)
    if isinstance(kept, Mapping):
        return _used(kept)
    if isinstance(metadata.get("model"), str) and "input_tokens" in metadata:
        return _tokens(entry.action, metadata)
    return None


def _used(kept: Mapping[str, Any]) -> Used | None:
    action, levels = kept.get("action"), kept.get("multipliers", {})
    quantity, multiplier = _number(kept.get("quantity")), _number(kept.get("multiplier", "1"))
    if not isinstance(action, str) or not isinstance(levels, Mapping):
        return None
    if quantity is None or multiplier is None:
        return None
    return Used(action, quantity, multiplier, levels, _credits(kept))


def _tokens(action: str, metadata: Mapping[str, Any]) -> UsedTokens | None:
    from credits_core.tokens import TokenUsage  # noqa: PLC0415 - few logs have tokens

    try:
        usage = TokenUsage(**{name: metadata.get(name, 0) for name in _TOKENS})
    except InvalidRequestError:
        return None
    return UsedTokens(action, metadata["model"], usage, _credits(metadata))


def _credits(kept: Mapping[str, Any]) -> int | None:
    cost = kept.get("credits")
    return cost if type(cost) is int else None


def _number(text: object) -> Fraction | None:
    return Fraction(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else None
