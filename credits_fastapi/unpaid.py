"""Routes that are served for nothing, as they were made before the decorator that charges."""

from __future__ import annotations

import logging
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
    setattr(endpoint, _MARK, True)


def warn_of_unpaid(app: FastAPI) -> None:
    """Warn of each route that serves a function without the price that it was given."""
    for route in walk(app.routes):
        if getattr(getattr(route, "endpoint", None), _MARK, False):
            _log.warning(
                "%s is served for nothing, although %s was given a price: the decorator that "
                "charges stands between the route and the function, not above the route",
                route.path,
                route.name,
            )
