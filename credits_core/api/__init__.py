"""The account API: what a frontend asks of credits, over HTTP, for whatever web framework.

An adapter mounts `AccountApi(...).routes`; the paths and the JSON are those of the TypeScript
SDK's routes.

>>> api = AccountApi(paths={"balance": "/me/credits"})
>>> [(route.method, route.path) for route in api.routes][:2]
[('GET', '/me/credits'), ('GET', '/api/credits/history')]
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from credits_core import (
    needs_pydantic,  # noqa: F401 - for what it says where it is missing
    validation,
)
from credits_core.api import admin, cron, reading
from credits_core.api.account import account
from credits_core.api.openapi import document_route, openapi
from credits_core.api.paths import placed
from credits_core.api.usage import usage
from credits_core.errors import InvalidRequestError
from credits_core.http.exchange import Route
from credits_core.http.refusals import answering

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credits_core.api.paths import Paths
    from credits_core.checkout import Checkout
    from credits_core.payments import Packages

__all__ = ["PATHS", "AccountApi", "openapi"]

PATHS: Final = {
    "balance": "/api/credits/balance",
    "history": "/api/credits/history",
    "usage": "/api/credits/usage",
    "account": "/api/credits/account",
    "grant": "/api/admin/credits/grant",
    "refund": "/api/admin/credits/refund",
    "reconcile": "/api/cron/reconcile",
}
"""The routes by name, and where they are unless they are moved."""


class _Routed(Protocol):
    """What brings a route: a webhook."""

    @property
    def route(self) -> Route: ...


class AccountApi:
    """The routes of the account API, for an adapter to mount.

    `paths` moves a route (`{"balance": "/me/credits"}`), gives it several paths, or leaves it
    out (`{"usage": None}`); `PATHS` lists the names. `packages`, `checkout` and `webhooks` bring
    routes of their own, which `paths` moves by their names, too. An admin grants `max_grant`
    credits at most with one request. `cron_secret` guards the route that reconciles, by default
    the `CRON_SECRET` of the environment; without one that route is not there. At the path
    `document` anybody gets the OpenAPI document of the routes, for frameworks that have none.

    Raises `InvalidRequestError` for a secret of less than 24 characters, a name that no
    route has, a path that is none, and two routes in one place.
    """

    routes: tuple[Route, ...]
    """What an adapter mounts. Several routes may have one name: aliases, or other methods."""

    def __init__(
        self,
        *,
        paths: Paths | None = None,
        packages: Packages | None = None,
        checkout: Checkout | None = None,
        webhooks: Iterable[_Routed] = (),
        max_grant: int = admin.MAX_GRANT,
        cron_secret: str | None = None,
        document: str | None = None,
    ) -> None:
        """Put the routes together."""
        paths = {} if paths is None else paths
        wanted = paths.get("reconcile", "") is not None
        secret = cron.secret_of(cron_secret) if wanted else None
        routes = [
            reading.balance(PATHS["balance"]),
            reading.history(PATHS["history"]),
            usage(PATHS["usage"]),
            account(PATHS["account"]),
            admin.grant(PATHS["grant"], _checked(max_grant)),
            admin.refund(PATHS["refund"]),
            *(() if secret is None else cron.reconcile(PATHS["reconcile"], secret)),
            *_routes_of("packages", packages),
            *_routes_of("checkout", checkout),
            *(route for one in webhooks for route in _routes_of("webhooks", one)),
        ]
        if document is not None:
            routes.append(document_route(document, lambda: self.routes))
        names = [*PATHS, *(route.name for route in routes)]
        safe = (replace(route, handler=answering(route.handler)) for route in routes)
        self.routes = placed(safe, paths, names)

    def __repr__(self) -> str:
        told = ", ".join(f"{route.method} {route.path}" for route in self.routes)
        return f"<AccountApi {told}>"


def _checked(max_grant: object) -> int:
    try:
        return validation.amount(max_grant)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"max_grant: {error}") from None


def _routes_of(name: str, part: Any) -> tuple[Route, ...]:
    """The routes of a part that is there, or its only one."""
    if part is None:
        return ()
    found: Any = getattr(part, "routes", None) or (getattr(part, "route", None),)
    if not isinstance(found, tuple) or not all(isinstance(one, Route) for one in found):
        kind = type(part).__name__
        raise InvalidRequestError(
            f"{name} takes what has routes of its own, such as Packages, a checkout or a webhook, "
            f"and not {kind}"
        )
    return cast("tuple[Route, ...]", found)
