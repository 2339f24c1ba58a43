"""What a route costs, as it was declared: checked at import, priced at each request.

`Given` is what an app gives in the place of a constant: a function that its framework calls, a
dependency of FastAPI, a function of the request in Django and Flask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from credits_core import validation
from credits_core.charge.price import Cost, Priced, check_cost
from credits_core.charge.terms import HOLD_SECONDS, hold_terms, price_terms
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from datetime import timedelta

    from credits_core.charge.terms import Shortfall, Terms

__all__ = ["Given", "Rule", "action_of", "fixed", "held"]

Given: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route costs: use `fixed` or `held`, which refuse what could never be charged."""

    cost: Cost | Given
    action: str | None
    metadata: Mapping[str, Any] | Given | None
    exempt_when: Given | None
    terms: Callable[[str, Cost, str, Mapping[str, Any] | None], Terms]
    held: bool
    outage_limit: int = 0
    """Credits that each user may be served by a process while the store is away."""

    def check(self) -> Rule:
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
        if self.outage_limit:
            validation.outage_limit(self.outage_limit)
        return self


def fixed(
    cost: Cost | Given,
    action: str | None = None,
    metadata: Mapping[str, Any] | Given | None = None,
    *,
    exempt_when: Given | None = None,
    outage_limit: int = 0,
) -> Rule:
    """A route with a fixed price.

    >>> fixed(10, "chat_message").held
    False
    """

    def terms(user_id: str, price: Cost, named: str, more: Mapping[str, Any] | None) -> Terms:
        return price_terms(user_id, price, named or None, more, apart=True)

    return Rule(
        cost, action, metadata, exempt_when, terms, held=False, outage_limit=outage_limit
    ).check()


def held(
    estimate: Cost | Given,
    action: str | None = None,
    metadata: Mapping[str, Any] | Given | None = None,
    *,
    expires_in: float | timedelta = HOLD_SECONDS,
    step: int | None = None,
    shortfall: Shortfall = "take",
    exempt_when: Given | None = None,
    outage_limit: int = 0,
) -> Rule:
    """A route that holds an estimate, which its work settles."""
    hold_terms("-", 1, "-", None, expires_in=expires_in, step=step, shortfall=shortfall)

    def terms(user_id: str, price: Cost, named: str, more: Mapping[str, Any] | None) -> Terms:
        return hold_terms(
            user_id,
            price,
            named or None,
            more,
            expires_in=expires_in,
            step=step,
            shortfall=shortfall,
            apart=True,
        )

    return Rule(
        estimate, action, metadata, exempt_when, terms, held=True, outage_limit=outage_limit
    ).check()


def action_of(name: str) -> str:
    """The name of an endpoint as an action for the log; "request" if it cannot be one.

    >>> action_of("chat"), action_of("line\\nbreak")
    ('chat', 'request')
    """
    try:
        return validation.action(name.strip()[: validation.MAX_ACTION_CHARS].strip())
    except InvalidRequestError:
        return "request"
