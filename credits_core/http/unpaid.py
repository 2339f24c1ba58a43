"""Functions that were given a price, known again where a route serves one of them without it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_below", "mark"]

_MARK = "__credits_below__"


def mark(function: Callable[..., Any]) -> None:
    """Remember that this function has been given a price: what is to be served is not it alone."""
    with suppress(AttributeError):  # a bound method has no attributes of its own
        # Itself: what is wrapped around it may take the attribute over.
        setattr(function, _MARK, function)


def is_below(function: object) -> bool:
    """Whether it stands below its price, and not with it.

    >>> def draw(): ...
    >>> is_below(draw)
    False
    >>> mark(draw)
    >>> is_below(draw)
    True
    """
    return function is not None and getattr(function, _MARK, None) is function
