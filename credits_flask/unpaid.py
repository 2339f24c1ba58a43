"""Views that are served for nothing, as their route was made before the decorator that charges."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

__all__ = ["mark", "warn_of_unpaid"]

_MARK = "__credits_below__"

_log = logging.getLogger(__name__)


def mark(view: Callable[..., Any]) -> None:
    """Remember that this function has been given a price: what is to be served is not it alone."""
    with suppress(AttributeError):  # a bound method has no attributes of its own
        # Itself: what is wrapped around it may take the attribute over.
        setattr(view, _MARK, view)


def warn_of_unpaid(app: Flask) -> None:
    """Warn of each endpoint that serves a function without the price that it was given."""
    for endpoint, view in app.view_functions.items():
        if getattr(view, _MARK, None) is view:
            _log.warning(
                "%r is served for nothing, although it was given a price: the decorator that "
                "charges stands between the route and the function, not above the route",
                endpoint,
            )
