"""A charge by a rule, for a request: made before its view runs, ended by what is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured

from credits_core.charge import Charge
from credits_core.http.rules import route_of
from credits_django import clients
from credits_django.conf import conf
from credits_django.request import credits_of

if TYPE_CHECKING:
    from credits_core.charge.terms import Terms
    from credits_core.http.rules import Given, Rule

__all__ = ["NobodyPays", "abegin", "begin", "request_in"]

_METHODS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "trace", "dispatch"}
)


class NobodyPays(Exception):  # noqa: N818 - no error: the way out where nobody is signed in
    """Nobody is signed in."""


def request_in(args: tuple[Any, ...]) -> Any:
    """The request among the arguments of a view, or of a method that is one."""
    for one in args[:2]:
        if hasattr(one, "META") and hasattr(one, "method"):
            return one
    raise TypeError("a paid view takes a request as its first argument")


def begin(rule: Rule, request: Any, args: Any, kwargs: Any, name: str) -> Charge:
    """Charge in sync code. Raises `NobodyPays`, `AnswerAgain` and errors of the library."""
    state = credits_of(request)
    with state.awaited():
        payer = _payer(state.ask(request))
        answers = {
            key: async_to_sync(one)(*args, **kwargs)
            if iscoroutinefunction(one)
            else one(*args, **kwargs)
            for key, one in _questions(rule)
        }
        terms, client = _terms(rule, request, payer, answers, name), clients.client()
        if state.keyed is not None and terms.cost:
            terms = state.keyed.terms(client, terms, _route(request))
        charge = Charge(client, terms, threaded=True)
        charge.begin()
        state.add(charge)
    return charge


async def abegin(rule: Rule, request: Any, args: Any, kwargs: Any, name: str) -> Charge:
    """Charge in async code. Raises `NobodyPays`, `AnswerAgain` and errors of the library."""
    state = credits_of(request)
    payer = _payer(await state.aask(request))
    answers = {
        key: await (one if iscoroutinefunction(one) else sync_to_async(one))(*args, **kwargs)
        for key, one in _questions(rule)
    }
    terms, client = _terms(rule, request, payer, answers, name), state.client
    if state.keyed is not None and terms.cost:
        terms = await state.keyed.aterms(client, terms, _route(request))
    charge = Charge(client, terms, threaded=True)
    await charge.abegin()
    state.add(charge)
    return charge


def _payer(found: str | None) -> str:
    if found is None:
        raise NobodyPays
    return found


def _questions(rule: Rule) -> list[tuple[str, Given]]:
    """What the app is asked at each request."""
    asked = (("cost", rule.cost), ("metadata", rule.metadata), ("exempt", rule.exempt_when))
    return [(key, one) for key, one in asked if callable(one)]


def _terms(rule: Rule, request: Any, payer: str, answers: dict[str, Any], name: str) -> Terms:
    journal = conf().outage
    if rule.outage_limit and journal is None:
        raise ImproperlyConfigured("outage_limit needs a folder: CREDITS['OUTAGE']")
    return rule.terms_of(
        payer,
        0 if answers.get("exempt") else answers.get("cost", rule.cost),
        answers.get("metadata", rule.metadata),
        endpoint=_named(request, name),
        route=_route(request),
        journal=journal,
    )


def _route(request: Any) -> str:
    match = request.resolver_match
    return route_of(request.method, request.path if match is None else f"/{match.route}")


def _named(request: Any, name: str) -> str:
    """The name of a view: of a class, where the function is one of its methods."""
    if name not in _METHODS or request.resolver_match is None:
        return name
    view = request.resolver_match.func
    found = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    return str(getattr(found, "__name__", name))
