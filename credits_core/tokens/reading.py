"""Reads what the APIs of language models report of an answer's tokens, by its shape.

OpenAI counts tokens that were read from the cache or written to it among those of the input;
Anthropic counts them apart, and so does `TokenUsage`. Sources:
https://platform.openai.com/docs/api-reference/chat/object (`usage`),
https://platform.openai.com/docs/api-reference/responses/object (`usage`) and
https://docs.anthropic.com/en/api/messages (`usage`; in streams its counts are cumulative).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from credits_core import validation
from credits_core.tokens.usage import TokenUsage

__all__ = ["bearer", "counts", "get", "read_usage"]

# Where an event carries the answer that it is about, or the chunk that it tells of.
_WITHIN: Final = ("response", "message", "chunk")

_ANTHROPIC: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cached_input_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
}

# The names that OpenAI uses itself, and older ones of gateways that speak its form.
_CACHE_WRITES: Final = ("cache_write_tokens", "cache_creation_tokens")


def read_usage(answer: object) -> TokenUsage | None:
    """Return the tokens that an answer reports, or None where it reports none.

    `answer` is an answer of OpenAI's Chat Completions or Responses or of Anthropic's Messages, an
    event or chunk of their streams, or the `usage` of one; an object of their Python libraries
    or a dict of the same JSON. A chunk tells the state of its answer so far, and Anthropic's
    `message_delta` a part of it: put chunks together by a `UsageMeter`.

    Raises `InvalidRequestError` when a count is no int of 0 or more.

    >>> read_usage(
    ...     {
    ...         "usage": {
    ...             "prompt_tokens": 1200,
    ...             "prompt_tokens_details": {"cached_tokens": 1000},
    ...             "completion_tokens": 300,
    ...         }
    ...     }
    ... )
    TokenUsage(input_tokens=200, output_tokens=300, cached_input_tokens=1000, cache_write_tokens=0)
    """
    found = counts(answer)
    return None if found is None else TokenUsage(**found)


def counts(answer: object) -> dict[str, int] | None:
    """The fields of `TokenUsage` that an answer or an event states, or None."""
    usage = get(bearer(answer), "usage")
    if usage is None:
        usage = answer
    if get(usage, "prompt_tokens") is not None:
        return _cache_inside(usage, "prompt_tokens", "completion_tokens")
    if get(usage, "input_tokens_details") is not None:
        return _cache_inside(usage, "input_tokens", "output_tokens")
    stated = {ours: _count(usage, theirs) for ours, theirs in _ANTHROPIC.items()}
    return {name: count for name, count in stated.items() if count is not None} or None


def bearer(event: object) -> object:
    """The part of an event that has the answer's id and its usage: mostly the event itself."""
    for name in _WITHIN:
        within = get(event, name)
        if get(within, "id") is not None:
            return within
    return event


def get(holder: object, name: str) -> Any:
    """A field of an object or of a dict, or None."""
    if isinstance(holder, Mapping):
        return holder.get(name)
    return getattr(holder, name, None)


def _cache_inside(usage: object, input_name: str, output_name: str) -> dict[str, int]:
    details = get(usage, f"{input_name}_details")
    whole = _count(usage, input_name) or 0
    cached = _count(details, "cached_tokens") or 0
    written = next(filter(None, (_count(details, name) for name in _CACHE_WRITES)), 0)
    # Some gateways count the cache apart in this form, too. It shows where it cannot fit in.
    rest = whole - cached - written
    return {
        "input_tokens": whole if rest < 0 else rest,
        "output_tokens": _count(usage, output_name) or 0,
        "cached_input_tokens": cached,
        "cache_write_tokens": written,
    }


def _count(holder: object, name: str) -> int | None:
    value = get(holder, name)
    return None if value is None else validation.tokens(value, name)
