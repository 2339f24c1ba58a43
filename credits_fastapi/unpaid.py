"""Routes that are served for nothing, as they were made before the decorator that charges."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastapi import routing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fastapi import FastAPI

__all__ = ["mark", "walk", "warn_of_unpaid"]

_MARK = "__credits_below__"

_log = logging.getLogger(__name__)

# Since routers are kept as they were included, FastAPI walks them by this.
walk: Callable[[Any], Iterable[Any]] = getattr(routing, "iter_route_contexts", iter)


def mark(endpoint: Callable[..., Any]) -> None:
    """Remember that this function has been given a price: what is to be served is not it alone."""
    with suppress(AttributeError):  # a method of an object takes none
        # Itself: decorators copy what a function has.
        setattr(endpoint, _MARK, endpoint)


def warn_of_unpaid(app: FastAPI) -> None:
    """Warn of each route that serves a function without the price that it was given."""
    for route in walk(app.routes):
        endpoint = getattr(route, "endpoint", None)
        if endpoint is not None and getattr(endpoint, _MARK, None) is endpoint:
            _log.warning(
                "%s is served for nothing, although %s was given a price: the decorator that "
                "charges stands between the route and the function, not above the route",
                route.path,
                route.name,
            )
