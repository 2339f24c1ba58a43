"""What a call of a language model used, in tokens."""

from __future__ import annotations

from dataclasses import dataclass, fields

from credits_core import validation

__all__ = ["TokenUsage"]


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The tokens of one answer, or of several: `+` adds two usages.

    Each token is counted once. `input_tokens` are those that were neither read from the
    provider's cache (`cached_input_tokens`) nor written to it (`cache_write_tokens`).
    `output_tokens` include those of the model's reasoning. Each count is an int from 0 to 10^15.

    Raises `InvalidRequestError` for anything else.

    >>> TokenUsage(input_tokens=1200, output_tokens=300) + TokenUsage(output_tokens=50)
    TokenUsage(input_tokens=1200, output_tokens=350, cached_input_tokens=0, cache_write_tokens=0)
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            validation.tokens(getattr(self, field.name), field.name)

    def __add__(self, other: TokenUsage) -> TokenUsage:
        if not isinstance(other, TokenUsage):
            return NotImplemented
        return TokenUsage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )
