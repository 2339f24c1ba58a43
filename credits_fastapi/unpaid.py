"""Routes that are served for nothing, as they were made before the decorator that charges."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fastapi import routing

from credits_core.http.unpaid import is_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fastapi import FastAPI

__all__ = ["walk", "warn_of_unpaid"]

_log = logging.getLogger(__name__)

# Since routers are kept as they were included, FastAPI walks them by this.
walk: Callable[[Any], Iterable[Any]] = getattr(routing, "iter_route_contexts", iter)


def warn_of_unpaid(app: FastAPI) -> None:
    """Warn of each route that serves a function without the price that it was given."""
    for route in walk(app.routes):
        if is_below(getattr(route, "endpoint", None)):
            _log.warning(
                "%s is served for nothing, although %s was given a price: the decorator that "
                "charges stands between the route and the function, not above the route",
                route.path,
                route.name,
            )
