"""The dependencies that make an endpoint cost credits."""

# Without `from __future__ import annotations`: FastAPI reads the annotations of the
# dependencies below, and closures are out of its sight when they are strings.

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, cast

from fastapi import Depends
from fastapi.requests import HTTPConnection

from credits_core import validation
from credits_core.async_client import AsyncCredits
from credits_core.charge import Charge, Cost, Priced
from credits_core.charge.nesting import enter
from credits_core.charge.price import check_cost
from credits_core.charge.terms import Terms
from credits_core.charge.unpaid import Outage
from credits_core.errors import BackendUnavailableError, InvalidRequestError
from credits_core.outage import OutageJournal
from credits_core.outage.admissions import new_key
from credits_fastapi.middleware import paid_request

__all__ = ["Dependency", "Given", "Rule", "charge_dependency", "rule_of"]

Given: TypeAlias = Callable[..., Any]
"""A dependency of the app's own: its arguments are those of a FastAPI dependency."""

Dependency: TypeAlias = Callable[..., Awaitable[Charge]]

_RULE = "__credits_rule__"


@dataclass(frozen=True, slots=True)
class Rule:
    """What an endpoint costs, as it was declared: for the dependency, and for the docs."""

    cost: Cost | Given
    action: str | None
    metadata: Mapping[str, Any] | Given | None
    exempt_when: Given | None
    terms: Callable[[str, Cost, str, Mapping[str, Any] | None], Terms]
    held: bool
    outage_limit: int = 0
    """Credits that each user may be served by a process while the store is away."""

    def check(self) -> None:
        """Refuse at import what could never be charged."""
        name = self.action or "this endpoint"
        if isinstance(self.cost, Priced):
            check_cost(self.cost.cost(), self.cost.action)
        elif not callable(self.cost):
            check_cost(self.cost, name)
        if self.action is not None:
            validation.action(self.action)
        if not callable(self.metadata):
            validation.metadata(self.metadata)


def rule_of(dependency: object) -> Rule | None:
    """The rule of a dependency that charges; None for any other."""
    rule = getattr(dependency, _RULE, None)
    return rule if isinstance(rule, Rule) else None


def charge_dependency(
    rule: Rule,
    user: Given,
    client_of: Callable[[], AsyncCredits],
    journal: OutageJournal | None = None,
) -> Dependency:
    """A dependency that charges the user by `rule` and gives the `Charge`.

    The middleware ends it: no code after a `yield`, which runs at other times in other versions
    of FastAPI and costs each request more than the charge itself.
    """
    rule.check()
    if rule.outage_limit and journal is None:
        raise InvalidRequestError("outage_limit needs a journal: Paywall(outage=OutageJournal(…))")

    terms_of = _Terms(rule)

    async def paid(
        connection: HTTPConnection,
        credits_user: Any,
        credits_cost: Any = rule.cost,
        credits_metadata: Any = rule.metadata,
        credits_exempt: bool = False,
    ) -> Charge:
        request, keyed = paid_request(cast("dict[str, Any]", connection.scope))
        payer, client = _user_id(credits_user), client_of()
        price = 0 if credits_exempt else credits_cost
        terms = terms_of(connection, payer, price, credits_metadata)
        if journal is not None and rule.outage_limit:
            outage = Outage(journal, _route(connection), rule.outage_limit)
            terms = terms._replace(outage=outage, key=new_key())
        if keyed is not None:
            try:
                await keyed.begin(connection, client, payer, _route(connection))
                terms = terms._replace(key=keyed.charge_key())
            except BackendUnavailableError:
                if terms.outage is None:
                    raise
        charge = Charge(client, terms)
        await charge.abegin()
        request.charges.append(charge)
        if terms.cost:
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


class _Terms:
    """The terms of a request. Of a constant price they are checked once, not each time."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._constant = not (
            callable(rule.cost) or callable(rule.metadata) or callable(rule.exempt_when)
        )
        self._ready: dict[str, Terms] = {}

    def __call__(self, connection: HTTPConnection, payer: str, price: Cost, metadata: Any) -> Terms:
        name = str(getattr(connection.scope.get("route"), "name", ""))
        terms = self._ready.get(name)
        if terms is None:
            action = self._rule.action
            if action is None and not isinstance(price, Priced):
                action = _action(name)
            terms = self._rule.terms(payer, price, action or "", metadata)
            if self._constant:
                self._ready[name] = terms
        return terms._replace(user_id=payer)


def _user_id(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(
            f"the paywall's user dependency answered a {type(value).__name__}, not the id of "
            f"the user as a str; without a user it raises HTTPException(401)"
        )
    return value


def _route(connection: HTTPConnection) -> str:
    scope = connection.scope
    # Since routers are kept as they were included, their routes do not know the whole path.
    included = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(included or scope.get("route"), "path_format", scope["path"])
    # Of a mounted app: where it is mounted tells its routes from those of another.
    path = scope.get("root_path", "") + path
    return f"{scope.get('method', 'WebSocket')} {path}"[:512]


def _action(name: str) -> str:
    """The name of an endpoint as an action for the log; "request" if it cannot be one."""
    try:
        return validation.action(name.strip()[: validation.MAX_ACTION_CHARS].strip())
    except InvalidRequestError:
        return "request"
