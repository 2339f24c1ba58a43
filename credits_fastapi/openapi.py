"""The cost of each paid route in the OpenAPI document of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core.charge import Priced
from credits_core.http.describing import SECURITY_SCHEMES
from credits_core.http.openapi import describe
from credits_fastapi.dependencies import rule_of
from credits_fastapi.unpaid import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from fastapi.dependencies.models import Dependant

    from credits_core.http.rules import Rule

__all__ = ["document"]


def document(app: FastAPI) -> None:
    """Let `app.openapi()` tell what its paid routes cost, and that they answer 402 and 503."""
    own = app.openapi

    def openapi() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        schema = own()
        if fresh:
            for route in walk(app.routes):
                _describe(schema, route)
            _name_schemes(schema)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _name_schemes(schema: dict[str, Any]) -> None:
    """Say what the schemes are that routes of the account API ask for."""
    operations = (one for path in schema.get("paths", {}).values() for one in path.values())
    asked = {name for one in operations for each in one.get("security", ()) for name in each}
    if ours := {name: told for name, told in SECURITY_SCHEMES.items() if name in asked}:
        schema.setdefault("components", {}).setdefault("securitySchemes", {}).update(ours)


def _describe(schema: dict[str, Any], route: Any) -> None:
    dependant = getattr(route, "dependant", None)
    if dependant is None or not (rules := list(_rules(dependant))):
        return
    path = schema.get("paths", {}).get(route.path_format, {})
    for method in getattr(route, "methods", None) or ():
        if (operation := path.get(method.lower())) is not None:
            describe(operation, [_cost(rule, route.name) for rule in rules])


def _rules(dependant: Dependant) -> Iterator[Rule]:
    found = {id(rule): rule for rule in _all_rules(dependant)}
    yield from found.values()


def _all_rules(dependant: Dependant) -> Iterator[Rule]:
    for inner in dependant.dependencies:
        yield from _all_rules(inner)
        if (rule := rule_of(inner.call)) is not None:
            yield rule


def _cost(rule: Rule, name: str) -> dict[str, Any]:
    cost: int | None
    action: str | None
    if isinstance(rule.cost, Priced):
        cost, action = rule.cost.cost(), rule.action or rule.cost.action
    else:
        cost, action = (None if callable(rule.cost) else rule.cost), rule.action or name
    return {"action": action, "cost": cost, "held": rule.held}
