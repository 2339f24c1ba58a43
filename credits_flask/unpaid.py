"""Views that are served for nothing, as their route was made before the decorator that charges."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from credits_core.http.unpaid import is_below

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["warn_of_unpaid"]

_log = logging.getLogger(__name__)


def warn_of_unpaid(app: Flask) -> None:
    """Warn of each endpoint that serves a function without the price that it was given."""
    for endpoint, view in app.view_functions.items():
        if is_below(view):
            _log.warning(
                "%r is served for nothing, although it was given a price: the decorator that "
                "charges stands between the route and the function, not above the route",
                endpoint,
            )
