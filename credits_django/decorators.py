"""`@charges` and `@holds`: views that cost credits."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack, cast

from asgiref.sync import iscoroutinefunction
from django.views import View

from credits_core.charge import Priced
from credits_core.charge.nesting import inside
from credits_core.http.idempotency import AnswerAgain
from credits_core.http.rules import hold_rule, price_rule
from credits_django.answers import answer_again, unknown_user
from credits_django.conf import conf
from credits_django.paying import NobodyPays, abegin, begin, request_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from credits_core.charge import Cost
    from credits_core.http.rules import Given, HoldOptions, PriceOptions, Rule

__all__ = ["NAMED", "Paid", "charges", "holds"]

NAMED: Final[set[str]] = set()
"""The actions of `CREDITS["PRICES"]` that views name, for the check of the setting."""

F = TypeVar("F", bound="Callable[..., Any]")


class Paid:
    """What `charges` and `holds` answer: a decorator, and the `paid_by` of a `PaidViewMixin`."""

    def __init__(self, rule: Rule) -> None:
        """Use `charges` or `holds`."""
        self.rule = rule

    def __call__(self, view: F) -> F:
        """Make a view cost credits: a function, a method, or what `method_decorator` gives."""
        name = str(getattr(view, "__name__", "view"))
        wrapper = self._asynchronous(view, name) if _is_async(view) else self._sync(view, name)
        if any(isinstance(one, str) for one in getattr(view, "__annotations__", {}).values()):
            # Ninja reads the signature, and would look for its names in this module.
            wrapper.__signature__ = _signature(view)
        return cast("F", wrapper)

    def _sync(self, view: Callable[..., Any], name: str) -> Any:
        @wraps(view)
        def paid(*args: Any, **kwargs: Any) -> Any:
            request = request_in(args)
            if request.method == "OPTIONS":  # as in other frameworks: a browser asks by itself
                return view(*args, **kwargs)
            try:
                charge = begin(self.rule, request, _from(request, args), kwargs, name)
            except NobodyPays:
                return unknown_user()
            except AnswerAgain as again:
                return answer_again(again)
            with inside(charge):
                return view(*args, **kwargs)

        return paid

    def _asynchronous(self, view: Callable[..., Any], name: str) -> Any:
        @wraps(view)
        async def paid(*args: Any, **kwargs: Any) -> Any:
            request = request_in(args)
            if request.method == "OPTIONS":
                return await view(*args, **kwargs)
            try:
                charge = await abegin(self.rule, request, _from(request, args), kwargs, name)
            except NobodyPays:
                return unknown_user()
            except AnswerAgain as again:
                return answer_again(again)
            with inside(charge):
                return await view(*args, **kwargs)

        return paid


def charges(
    cost: Cost | Given | str,
    action: str | None = None,
    metadata: Mapping[str, Any] | Given | None = None,
    **options: Unpack[PriceOptions],
) -> Paid:
    """Make a view cost a fixed price.

    It charges before the view runs. An answer of 400 or more, returned or raised, gives the
    credits back before it is sent; so does a stream whose first piece never left. In the view,
    `request.credits.charge` is the `Charge`. OPTIONS is free.

    `cost` is credits (0 is free), a `Priced` action, the name of an action in
    `CREDITS["PRICES"]`, or a function of the view's arguments that answers one of them.
    `metadata` (for the log) and `exempt_when` (True for who need not pay) may be functions, too;
    those of async views may be async. `outage_limit` is how many credits each user may be served
    by a process while the store is away, to be charged afterwards. `action` names the charge in
    the log, 1 to 64 characters; by default it is the price's, or the view's name.

        @charges(10, "chat_message")
        def chat(request): ...

    Raises `PricingConfigError` for a cost below 0 and `InvalidRequestError` for one that is no
    whole number, or an action that is none, when it is called: at import.
    """
    return Paid(price_rule(_cost(cost), action, metadata, **options))


def holds(
    estimate: Cost | Given | str,
    action: str | None = None,
    metadata: Mapping[str, Any] | Given | None = None,
    **options: Unpack[HoldOptions],
) -> Paid:
    """Make a view hold an estimate, which is settled by what is answered.

    The view says what the work cost by `request.credits.charge.settle(…)` or `.meter(…)`, or
    streams through its `stream`; otherwise the estimate is the price. An answer of 400 or more
    gives everything back. A stream is settled when it ends: at what was delivered if the client
    leaves before.

    The arguments are those of `charges` and of `credits_core.hold_credits`.
    """
    return Paid(hold_rule(_cost(estimate), action, metadata, **options))


def _cost(cost: Cost | Given | str) -> Cost | Given:
    if not isinstance(cost, str):
        return cost
    named = cost
    NAMED.add(named)

    def by_name(*_args: Any, **_kwargs: Any) -> Priced:
        return Priced(named, engine=conf().prices)

    return by_name


def _from(request: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments from the request on: without the view that a method is bound to."""
    return args if args[0] is request else args[1:]


def _is_async(view: Any) -> bool:
    if iscoroutinefunction(view):
        return True
    # `dispatch` is a plain function; what it answers is awaited where the handlers are async.
    one = getattr(getattr(view, "func", view), "__self__", None)
    return isinstance(one, View) and bool(one.view_is_async)


def _signature(view: Any) -> inspect.Signature:
    try:
        return inspect.signature(view, eval_str=True)
    except NameError:  # names that exist only while types are checked
        return inspect.signature(view)
