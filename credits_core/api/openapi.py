"""An OpenAPI document of routes, for frameworks that make none of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.api.cron import SECURITY
from credits_core.http.describing import operation
from credits_core.http.exchange import Route, Who, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from credits_core.http.exchange import Answer, Asked
    from credits_core.http.steps import Steps

__all__ = ["SECURITY_SCHEMES", "document_route", "openapi"]

SECURITY_SCHEMES: Final = {
    SECURITY: {"type": "http", "scheme": "bearer", "description": "The secret of the cron job."}
}
"""What `components.securitySchemes` has to say of the schemes that routes name."""


def openapi(
    routes: Iterable[Route], *, title: str = "Credits", version: str = "1.0.0", server: str = "/"
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of some routes, as JSON values; `server` is where they begin.

    >>> from credits_core.api import AccountApi
    >>> document = openapi(AccountApi().routes)
    >>> document["paths"]["/api/credits/balance"]["get"]["operationId"]
    'credits_balance'
    """
    paths: dict[str, dict[str, Any]] = {}
    secured = False
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = dict(route.operation)
        secured = secured or "security" in route.operation
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "paths": paths,
    }
    if secured:
        document["components"] = {"securitySchemes": SECURITY_SCHEMES}
    return document


def document_route(path: str, routes: Callable[[], Iterable[Route]]) -> Route:
    """`GET` of the document, for frameworks that have none to put the routes into."""
    # Relative to the document: where the app, or its part, is mounted is not known here.
    server = "/".join([".."] * (path.count("/") - 1)) or "."

    def document(_: Asked) -> Steps[Answer]:
        yield from ()
        return answer(openapi(routes(), server=server))

    told = operation("This document", {"type": "object"}, ())
    return Route("openapi", "GET", path, Who.ANYBODY, document, told)
