"""The dependencies that make an endpoint cost credits."""

# Without `from __future__ import annotations`: FastAPI reads the annotations of the
# dependencies below, and closures are out of its sight when they are strings.

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias, cast

from fastapi import Depends
from fastapi.requests import HTTPConnection

from credits_core.async_client import AsyncCredits
from credits_core.charge import Charge, Cost
from credits_core.charge.nesting import enter
from credits_core.errors import InvalidRequestError
from credits_core.http.idempotency import LEASE_SECONDS
from credits_core.http.rules import Given, Rule, route_of
from credits_core.outage import OutageJournal
from credits_fastapi.middleware import paid_request

__all__ = ["Dependency", "charge_dependency", "rule_of"]

Dependency: TypeAlias = Callable[..., Awaitable[Charge]]

_RULE = "__credits_rule__"


def rule_of(dependency: object) -> Rule | None:
    """The rule of a dependency that charges; None for any other."""
    rule = getattr(dependency, _RULE, None)
    return rule if isinstance(rule, Rule) else None


def charge_dependency(
    rule: Rule,
    user: Given,
    client_of: Callable[[], AsyncCredits],
    journal: OutageJournal | None = None,
    lease: float = LEASE_SECONDS,
) -> Dependency:
    """A dependency that charges the user by `rule` and gives the `Charge`.

    The middleware ends it: no code after a `yield`, which runs at other times in other versions
    of FastAPI and costs each request more than the charge itself.
    """
    if rule.outage_limit and journal is None:
        raise InvalidRequestError("outage_limit needs a journal: Paywall(outage=OutageJournal(…))")

    async def paid(
        connection: HTTPConnection,
        credits_user: Any,
        credits_cost: Any = rule.cost,
        credits_metadata: Any = rule.metadata,
        credits_exempt: bool = False,
    ) -> Charge:
        request, keyed = paid_request(cast("dict[str, Any]", connection.scope))
        price: Cost = 0 if credits_exempt else credits_cost
        client, endpoint = client_of(), "" if rule.action else _endpoint(connection)
        route = _route(connection) if keyed is not None or rule.outage_limit else ""
        terms = rule.terms_of(
            credits_user, price, credits_metadata, endpoint=endpoint, route=route, journal=journal
        )
        if keyed is not None and terms.cost:  # what is free asks nobody
            terms = await keyed.terms(connection, client, terms, route, lease)
        charge = Charge(client, terms)
        await charge.abegin()
        request.charges.append(charge)
        enter(charge)
        return charge

    given = {
        "credits_user": user,
        "credits_cost": rule.cost,
        "credits_metadata": rule.metadata,
        "credits_exempt": rule.exempt_when,
    }
    depends = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Any, Depends(one)]
        )
        for name, one in given.items()
        if callable(one)
    ]
    connection = inspect.Parameter(
        "connection", inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection
    )
    # Only what is asked of the app is a parameter: a constant price costs no dependency.
    paid.__signature__ = inspect.Signature([connection, *depends])  # type: ignore[attr-defined]
    setattr(paid, _RULE, rule)
    return paid


def _route(connection: HTTPConnection) -> str:
    scope = connection.scope
    # Since routers are kept as they were included, their routes do not know the whole path.
    included = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(included or scope.get("route"), "path_format", scope["path"])
    return route_of(scope.get("method", "WebSocket"), f"{scope.get('root_path', '')}{path}")


def _endpoint(connection: HTTPConnection) -> str:
    return str(getattr(connection.scope.get("route"), "name", ""))
