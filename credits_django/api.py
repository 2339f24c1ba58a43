"""The account API as views of Django: one for each path, sync and async."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.db import connections
from django.db.transaction import non_atomic_requests
from django.http import HttpResponse, HttpResponseNotAllowed
from django.urls import path

from credits_core.api import AccountApi
from credits_core.errors import CreditsError
from credits_core.http.exchange import Answer, Who
from credits_core.http.mounting import named, read_request
from credits_core.http.steps import arun, run
from credits_django import clients
from credits_django.answers import answer_error, written
from credits_django.conf import conf, read
from credits_django.payer import aadmin_of, admin_of, apayer_of, payer_of
from credits_django.request import credits_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from credits_core.http.exchange import Asked, Route

__all__ = ["AsyncView", "SyncView", "api_urls", "urls_of"]

_log = logging.getLogger(__name__)

_SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")


def api_urls(view: type[SyncView | AsyncView]) -> list[Any]:
    """The URL patterns of the account API, as `CREDITS["API"]` says.

    What is wrong with the setting is told by its check, and where the server starts: URLs that
    failed to load would hide it in a traceback.
    """
    raw = getattr(settings, "CREDITS", {})
    api = raw.get("API") if isinstance(raw, Mapping) else None
    found, wrong = read({"API": api})
    if wrong:
        _log.error("the account API is not served: %s", wrong[0].message)
        return []
    return urls_of((found.api or AccountApi()).routes, view)


def urls_of(routes: Iterable[Route], view: type[SyncView | AsyncView]) -> list[Any]:
    """The URL patterns of some routes, below wherever they are included."""
    names: dict[str, str] = {}
    methods: dict[str, dict[str, Route]] = {}
    for name, route in named(routes):
        names.setdefault(route.path, name)
        methods.setdefault(route.path, {})[route.method] = route
    return [
        path(place.removeprefix("/"), view(found), name=names[place])
        for place, found in methods.items()
    ]


class _View:
    """One path of the API: its routes by method."""

    login_required = False
    """What `LoginRequiredMiddleware` asks: who is not signed in is told so here, by 401."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes

    @property
    def csrf_exempt(self) -> bool:
        """What `CsrfViewMiddleware` asks: whether no session of a browser's is behind it.

        Routes for anybody check a secret or a signature. The others are protected, unless the
        app's own function, that of the setting, is marked by `csrf_exempt`.
        """
        exempt = {
            Who.ANYBODY: True,
            Who.USER: getattr(conf().user, "csrf_exempt", False),
            Who.ADMIN: getattr(conf().admin, "csrf_exempt", False),
        }
        return all(exempt[one.who] for method, one in self._routes.items() if method not in _SAFE)

    def _route(self, request: Any) -> Route | None:
        return self._routes.get("GET" if request.method == "HEAD" else request.method)

    def _not_allowed(self) -> HttpResponse:
        also = ("HEAD",) if "GET" in self._routes else ()
        return HttpResponseNotAllowed([*self._routes, *also])


class SyncView(_View):
    """For WSGI; under ASGI Django runs it in a thread."""

    def __call__(self, request: Any) -> HttpResponse:
        """Answer a request."""
        if (route := self._route(request)) is None:
            return self._not_allowed()
        asked = _read(route, _ASKERS[route.who](request), request)
        if isinstance(asked, Answer):
            return written(asked)
        try:
            return written(run(clients.client(), route.handler(asked)))
        except CreditsError as error:
            return answer_error(request, error)


class AsyncView(_View):
    """For ASGI, without a thread; under WSGI Django gives it a loop of its own."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        """Let Django await it, also where it would open transactions around views."""
        super().__init__(routes)
        markcoroutinefunction(self)
        for alias in connections:
            non_atomic_requests(using=alias)(self)

    async def __call__(self, request: Any) -> HttpResponse:
        """Answer a request."""
        if (route := self._route(request)) is None:
            return self._not_allowed()
        asked = _read(route, await _AASKERS[route.who](request), request)
        if isinstance(asked, Answer):
            return written(asked)
        try:
            return written(await arun(credits_of(request).client, route.handler(asked)))
        except CreditsError as error:
            return answer_error(request, error)


def _nobody(_: Any) -> None:
    return None


async def _anobody(_: Any) -> None:
    return None


_ASKERS: Final = {Who.USER: payer_of, Who.ADMIN: admin_of, Who.ANYBODY: _nobody}
_AASKERS: Final = {Who.USER: apayer_of, Who.ADMIN: aadmin_of, Who.ANYBODY: _anobody}


def _read(route: Route, asker: str | None, request: Any) -> Asked | Answer:
    # Of a form that the CSRF protection has read nothing is left; it would be refused anyway.
    query = request.META["QUERY_STRING"].encode("latin-1")
    return read_request(route, asker, query, request.headers.items(), request.read)
