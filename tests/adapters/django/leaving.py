"""A client that leaves at a moment that the test says, and an app that gives it time to."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from credits_django import charges, holds
from credits_django.asgi import with_lifespan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class Moment:
    """The moment in which the client leaves; who comes to it waits until Django has let go."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.come = asyncio.Event()
        self.over = threading.Event()
        """Django has heard a while ago that the client is gone."""
        self.done = threading.Event()
        """A thread that worked on it has come to its end."""

    async def awaited(self) -> None:
        """In async code it is cancelled here, if it can be."""
        self.come.set()
        while not self.over.is_set():  # noqa: ASYNC110 - an event of threads
            await asyncio.sleep(0.01)

    def waited(self) -> None:
        """In a thread it goes on when the client is gone."""
        self._loop.call_soon_threadsafe(self.come.set)
        assert self.over.wait(10)

    async def leave(
        self,
        where: str,
        user: str,
        *middleware: str,
        key: str | None = None,
        turns: int = 0,
        wrapped: bool = True,
    ) -> list[Any]:
        """Ask as a user, and leave when it has come, or so many turns of the loop later."""
        sent, asked = [], False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.come.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            self._loop.call_later(0.1, self.over.set)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", b"site"), (b"x-user", user.encode())]
        if key is not None:
            headers.append((b"idempotency-key", key.encode()))
        scope = {"type": "http", "method": "POST", "path": where, "headers": headers}
        with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=middleware):
            moments[user] = self
            app = ASGIHandler()
            try:
                await (with_lifespan(app) if wrapped else app)(scope, receive, send)
            except RuntimeError as error:
                # Django 6.1 may send `request_finished`, the last thing that it does, by the
                # thread of sync middleware that has gone. It does so without ours, too.
                if "CurrentThreadExecutor" not in str(error):
                    raise
            del moments[user]
        assert self.come.is_set()
        return sent


moments: dict[str, Moment] = {}


def moment_of(request: Any) -> Moment:
    return moments[request.headers["X-User"]]


class Late:
    """Async middleware, in which the client leaves after the answer is there."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        assert iscoroutinefunction(get_response)
        self._get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: Any) -> HttpResponse:
        response = await self._get_response(request)
        await moment_of(request).awaited()
        return response  # type: ignore[no-any-return]


def late(get_response: Callable[[Any], HttpResponse]) -> Callable[[Any], HttpResponse]:
    """The same as sync middleware, which Django runs in a thread."""

    def middleware(request: Any) -> HttpResponse:
        moment = moment_of(request)
        response = get_response(request)
        moment.waited()
        moment.done.set()
        return response

    return middleware


def plain(get_response: Callable[[Any], HttpResponse]) -> Callable[[Any], HttpResponse]:
    """Sync middleware, with which all that stands around it is sync, too."""

    def middleware(request: Any) -> HttpResponse:
        return get_response(request)

    return middleware


@holds(4, "held")
async def aheld(request: Any) -> HttpResponse:
    request.credits.charge.settle(3)
    moment_of(request).come.set()
    return HttpResponse("done")


@holds(4, "held")
def held(request: Any) -> HttpResponse:
    request.credits.charge.settle(3)
    return HttpResponse("done")


@charges(10, "fixed")
async def afixed(request: Any) -> HttpResponse:
    return HttpResponse("done")


@charges(10, "fixed")
@holds(4, "held")
async def both(request: Any) -> HttpResponse:
    request.credits.charge.settle(3)
    return HttpResponse("done")


@charges(10, "fixed")
async def astream(request: Any) -> StreamingHttpResponse:
    moment_of(request).come.set()

    async def pieces() -> AsyncIterator[str]:
        yield "piece"

    return StreamingHttpResponse(pieces())


@holds(4, "held")
def metered(request: Any) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        yield "piece"

    return StreamingHttpResponse(request.credits.charge.stream(pieces(), 1))


@holds(4, "held")
def held_at_work(request: Any) -> HttpResponse:
    moment = moment_of(request)
    request.credits.charge.settle(3)
    moment.waited()
    moment.done.set()
    return HttpResponse("done")


def _slowly(request: Any) -> bool:
    moment = moment_of(request)
    moment.waited()
    moment.done.set()
    return False


worked: list[str] = []
"""Whom the view below has worked for."""


@charges(10, "fixed", exempt_when=_slowly)
def begun_late(request: Any) -> HttpResponse:
    worked.append(request.headers["X-User"])
    return HttpResponse("done")


urlpatterns = [
    path("aheld", aheld),
    path("held", held),
    path("afixed", afixed),
    path("both", both),
    path("astream", astream),
    path("metered", metered),
    path("held-at-work", held_at_work),
    path("begun-late", begun_late),
]
