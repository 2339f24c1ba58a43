"""What a paid route costs, as it was declared: the same for every web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from credits_core import validation
from credits_core.charge.price import Cost, Priced, check_cost
from credits_core.charge.terms import HOLD_SECONDS, Terms, hold_terms, price_terms
from credits_core.charge.unpaid import Outage
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.outage import new_key

if TYPE_CHECKING:
    from datetime import timedelta

    from credits_core.charge.terms import Shortfall
    from credits_core.outage import OutageJournal

__all__ = ["Given", "HoldOptions", "PriceOptions", "Rule", "hold_rule", "price_rule", "route_of"]

Given: TypeAlias = Callable[..., Any]
"""A function of the app's own, called for each request as its framework calls such functions."""

_MAX_ROUTE = 255


class PriceOptions(TypedDict, total=False):
    """What else a fixed price may say."""

    exempt_when: Given | None
    """Answers True for who need not pay."""
    outage_limit: int
    """How many credits each user may be served by a process while the store is away."""


class HoldOptions(PriceOptions, total=False):
    """What else a hold may say: see `credits_core.hold_credits`."""

    expires_in: float | timedelta
    step: int | None
    shortfall: Shortfall


@dataclass(frozen=True, slots=True)
class Rule:
    """What an endpoint costs, as it was declared: for each request, and for the docs."""

    cost: Cost | Given
    action: str | None
    metadata: Mapping[str, Any] | Given | None
    exempt_when: Given | None
    terms: Callable[[str, Cost, str | None, Mapping[str, Any] | None], Terms]
    held: bool
    outage_limit: int = 0
    """Credits that each user may be served by a process while the store is away."""
    _ready: dict[str, Terms] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Of a constant price the terms of each endpoint, which are checked once, not each time."""

    def __post_init__(self) -> None:
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
        validation.outage_limit(self.outage_limit)

    def terms_of(
        self,
        user_id: object,
        cost: Cost,
        metadata: Mapping[str, Any] | None,
        *,
        endpoint: str,
        route: str,
        journal: OutageJournal | None,
    ) -> Terms:
        """The terms of one request, by what the app's functions answered for it.

        `endpoint` is the name of the endpoint, for the log where no action is given. Raises
        `TypeError` for a user id that is no str and `PricingConfigError` for a cost that is none,
        which are mistakes of the app.
        """
        if not isinstance(user_id, str):
            raise TypeError(
                f"the app says that {type(user_id).__name__} pays, not the id of the user as a "
                f"str; where nobody is signed in it answers 401 instead"
            )
        terms = self._ready.get(endpoint)
        if terms is None:
            action = self.action
            if not isinstance(cost, Priced):
                action = action or _action(endpoint)
                _check_answered(cost, action)
            terms = self.terms(user_id, cost, action, metadata)
            if self._constant:
                self._ready[endpoint] = terms
        if journal is not None and self.outage_limit:
            outage = Outage(journal, route, self.outage_limit)
            return terms._replace(user_id=user_id, outage=outage, key=new_key())
        return terms.of(user_id)

    @property
    def _constant(self) -> bool:
        if isinstance(self.cost, Priced) and not self.cost.steady:
            return False
        return not (callable(self.cost) or callable(self.metadata) or callable(self.exempt_when))


def price_rule(
    cost: Cost | Given,
    action: str | None,
    metadata: Mapping[str, Any] | Given | None,
    *,
    exempt_when: Given | None = None,
    outage_limit: int = 0,
) -> Rule:
    """The rule of a fixed price.

    >>> price_rule(10, "chat", None).held
    False
    """

    def terms(
        user_id: str, price: Cost, named: str | None, more: Mapping[str, Any] | None
    ) -> Terms:
        return price_terms(user_id, price, named, more, apart=True)

    return Rule(cost, action, metadata, exempt_when, terms, held=False, outage_limit=outage_limit)


def hold_rule(
    estimate: Cost | Given,
    action: str | None,
    metadata: Mapping[str, Any] | Given | None,
    *,
    expires_in: float | timedelta = HOLD_SECONDS,
    step: int | None = None,
    shortfall: Shortfall = "take",
    exempt_when: Given | None = None,
    outage_limit: int = 0,
) -> Rule:
    """The rule of a hold."""
    hold_terms("-", 1, "-", None, expires_in=expires_in, step=step, shortfall=shortfall)

    def terms(
        user_id: str, price: Cost, named: str | None, more: Mapping[str, Any] | None
    ) -> Terms:
        return hold_terms(
            user_id,
            price,
            named,
            more,
            expires_in=expires_in,
            step=step,
            shortfall=shortfall,
            apart=True,
        )

    return Rule(
        estimate, action, metadata, exempt_when, terms, held=True, outage_limit=outage_limit
    )


def route_of(method: str, path: str) -> str:
    """The route that a key of a request belongs to, and the limit of an outage.

    >>> route_of("POST", "/chat/<room>")
    'POST /chat/<room>'
    """
    return f"{method} {path}"[:_MAX_ROUTE]


def _check_answered(cost: object, action: str) -> None:
    # How much it is may follow from the request; that it is a whole number does not.
    if isinstance(cost, bool) or not isinstance(cost, int):
        raise PricingConfigError(
            action,
            f"the cost of {action!r} is whole credits or a Priced, and the app's own function "
            f"answered {type(cost).__name__}",
        )


def _action(endpoint: str) -> str:
    """The name of an endpoint as an action for the log; "request" if it cannot be one."""
    try:
        return validation.action(endpoint.strip()[: validation.MAX_ACTION_CHARS].strip())
    except InvalidRequestError:
        return "request"
