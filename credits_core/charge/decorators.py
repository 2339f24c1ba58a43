"""`@charges` and `@holds`: functions and generators that cost credits when they are called."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from credits_core import validation
from credits_core.async_client import AsyncCredits
from credits_core.charge.charge import Charge
from credits_core.charge.price import Cost, Priced
from credits_core.charge.terms import HOLD_SECONDS, hold_terms, price_terms
from credits_core.client import Credits
from credits_core.errors import InvalidRequestError
from credits_core.pricing import exact

if TYPE_CHECKING:
    from datetime import timedelta

    from credits_core.charge.streams import PieceCost
    from credits_core.charge.terms import FailsWhen, Shortfall, Terms

__all__ = ["charges", "holds"]

F = TypeVar("F", bound=Callable[..., Any])

AnyClient: TypeAlias = AsyncCredits | Credits
Client: TypeAlias = AnyClient | Callable[[], AnyClient]
User: TypeAlias = str | Callable[..., str]
CostOf: TypeAlias = Cost | Callable[..., Cost]


def charges(
    cost: CostOf,
    *,
    user: User,
    client: Client,
    action: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    exempt_when: Callable[..., bool] | None = None,
    fails_when: FailsWhen | None = None,
    apart: bool = False,
) -> Callable[[F], F]:
    """Make a function, or a generator, sync or async, cost credits each time it is called.

    `user` is the name of the argument that holds the user's id, or a function of the arguments
    that answers it. `cost` is credits, a `Priced` action, or a function of the arguments;
    `exempt_when` a function of the arguments that says who need not pay. `action` is by default
    that of the price, or the function's name. `client` is an `AsyncCredits` for async functions,
    a `Credits` for the others, or a function that answers it when it is needed. The other
    arguments are those of `require_credits`.

    In the function `current_charge()` is its `Charge`. A generator is paid when its first piece
    is taken. A call raises what `require_credits` raises.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> @charges(lambda user_id, text: len(text), user="user_id", client=credits)
    ... def translate(user_id, text):
    ...     return text.upper()
    >>> translate("alice", "bonjour"), credits.get_balance("alice")
    ('BONJOUR', 93)
    """

    validation.metadata(metadata)

    def terms_of(payer: str, price: Cost, action: str) -> Terms:
        return price_terms(payer, price, action, metadata, apart=apart, fails_when=fails_when)

    return partial(_decorated, _Rule(client, user, cost, action, exempt_when, terms_of))


def holds(
    estimate: CostOf,
    *,
    user: User,
    client: Client,
    action: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    piece_cost: PieceCost[Any] | None = None,
    expires_in: float | timedelta = HOLD_SECONDS,
    step: int | None = None,
    shortfall: Shortfall = "take",
    exempt_when: Callable[..., bool] | None = None,
    fails_when: FailsWhen | None = None,
    apart: bool = False,
) -> Callable[[F], F]:
    """Make a function, or a generator, hold an estimate each time it is called, and settle it.

    The function says what it used by `current_charge().settle(…)` or `.meter(…)`; the pieces of
    a generator cost `piece_cost` each, as in `Charge.stream`. The arguments are those of
    `charges` and of `hold_credits`, and a call raises what that one raises.

    >>> from credits_core import Credits
    >>> credits = Credits.from_url("memory://", auto_initialize=True)
    >>> @holds(5, user="user_id", client=credits, piece_cost=1)
    ... def story(user_id):
    ...     yield from ["Once ", "upon ", "a time"]
    >>> "".join(story("alice")), credits.get_balance("alice")
    ('Once upon a time', 97)
    """

    validation.metadata(metadata)

    def terms_of(payer: str, price: Cost, action: str) -> Terms:
        return hold_terms(
            payer,
            price,
            action,
            metadata,
            expires_in=expires_in,
            step=step,
            shortfall=shortfall,
            apart=apart,
            fails_when=fails_when,
        )

    rule = _Rule(client, user, estimate, action, exempt_when, terms_of, piece_cost)
    return partial(_decorated, rule)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a decorator was told."""

    client: Client
    user: User
    cost: CostOf
    action: str | None
    exempt_when: Callable[..., bool] | None
    terms_of: Callable[[str, Cost, str], Terms]
    piece_cost: PieceCost[Any] | None = None

    def check(self, function: Callable[..., Any]) -> str:
        """Refuse at once what could never work; answers the action."""
        if isinstance(function, (classmethod, staticmethod)) or not callable(function):
            raise InvalidRequestError(
                "it is a function that costs credits: stand under @classmethod and @staticmethod"
            )
        name = getattr(function, "__name__", type(function).__name__)
        if isinstance(self.user, str) and self.user not in inspect.signature(function).parameters:
            raise InvalidRequestError(
                f"{name} has no argument {self.user!r}: `user` names the argument "
                f"that holds the user's id, or is a function of the arguments that answers it"
            )
        self._check_kinds()
        if isinstance(self.client, AnyClient):
            _fitting(self.client, function)
        if self.piece_cost is not None:
            _check_piece_cost(self.piece_cost, function, name)
        action = self.action
        if action is None:
            action = self.cost.action if isinstance(self.cost, Priced) else name
        # As for a call: what the payer and a price of the arguments will be is not known yet.
        self.terms_of("-", 1 if callable(self.cost) else self.cost, validation.action(action))
        return action

    def _check_kinds(self) -> None:
        if not isinstance(self.user, str) and not callable(self.user):
            raise InvalidRequestError(
                f"user names the argument that holds the user's id, or is a function of the "
                f"arguments that answers it, not {self.user!r}"
            )
        if not isinstance(self.client, AnyClient) and not callable(self.client):
            raise InvalidRequestError(
                f"client is an AsyncCredits or a Credits, or a function that answers one, not a "
                f"{type(self.client).__name__}"
            )
        if self.exempt_when is not None and not callable(self.exempt_when):
            raise InvalidRequestError(
                f"exempt_when is a function of the arguments, not {self.exempt_when!r}"
            )

    def charge(self, function: Callable[..., Any], action: str, args: Any, kwargs: Any) -> Charge:
        """The charge of one call."""
        client = self.client if isinstance(self.client, AnyClient) else self.client()
        cost = self.cost
        if self.exempt_when is not None and self.exempt_when(*args, **kwargs):
            cost = 0
        elif callable(cost):
            cost = cost(*args, **kwargs)
        named = cost.action if isinstance(cost, Priced) and self.action is None else action
        terms = self.terms_of(self._payer(function, args, kwargs), cost, named)
        return Charge(_fitting(client, function), terms)

    def _payer(self, function: Callable[..., Any], args: Any, kwargs: Any) -> str:
        if callable(self.user):
            return self.user(*args, **kwargs)
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        return cast("str", bound.arguments[self.user])


def _decorated(rule: _Rule, function: F) -> F:
    action = rule.check(function)
    charge = partial(rule.charge, function, action)
    if inspect.isasyncgenfunction(function):
        return cast("F", _async_generator(rule, function, charge))
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def paid_gen(*args: Any, **kwargs: Any) -> Iterator[Any]:
            one, source = charge(args, kwargs), function(*args, **kwargs)
            one.begin()
            yield from one.stream(source, rule.piece_cost)

        return cast("F", paid_gen)
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def paid_coro(*args: Any, **kwargs: Any) -> Any:
            async with charge(args, kwargs):
                return await function(*args, **kwargs)

        return cast("F", paid_coro)

    @wraps(function)
    def paid(*args: Any, **kwargs: Any) -> Any:
        with charge(args, kwargs):
            return function(*args, **kwargs)

    return cast("F", paid)


def _async_generator(
    rule: _Rule, function: Callable[..., Any], charge: Callable[[Any, Any], Charge]
) -> Callable[..., AsyncIterator[Any]]:
    @wraps(function)
    async def paid_agen(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        one, source = charge(args, kwargs), function(*args, **kwargs)
        await one.abegin()
        # Closed with it: a stream that is merely dropped would be settled some time later.
        async with aclosing(one.stream(source, rule.piece_cost)) as pieces:
            async for piece in pieces:
                try:
                    yield piece
                except Exception as error:
                    # Thrown in, as a context manager does: that is a failure, and no departure.
                    await pieces.athrow(error)
                    raise

    return paid_agen


def _check_piece_cost(cost: object, function: Callable[..., Any], name: str) -> None:
    if not (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        raise InvalidRequestError(f"{name} is no generator, and so has no pieces to cost credits")
    if not callable(cost):
        exact(cost, "the cost of a piece", InvalidRequestError)


def _fitting(client: AnyClient, function: Callable[..., Any]) -> AnyClient:
    """The client, if it is of the function's kind."""
    needs_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    if isinstance(client, AsyncCredits if needs_async else Credits):
        return client
    wanted = "AsyncCredits" if needs_async else "Credits"
    kind = "async" if needs_async else "not async"
    raise InvalidRequestError(
        f"{function.__name__} is {kind} and needs {wanted}, not a {type(client).__name__}"
    )
