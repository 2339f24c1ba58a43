"""The app of `contract` in Django, with async views: `uvicorn …app_django_asgi:app`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.asgi import get_asgi_application
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import include, path

from credits_core.charge import charges as paid_function
from credits_django import Priced, aclient, charges, credits_event, holds
from credits_django.asgi import with_lifespan
from tests.adapters.paths.contract import (
    BIG,
    DONE,
    ESTIMATE,
    PRICE,
    STEP,
    TOP_UP_URL,
    echoed,
    first_time,
    piece,
)
from tests.adapters.paths.django_project import answer, configure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def signed_in(request: Any) -> str | None:
    return request.headers.get("X-User")


async def administers(request: Any) -> str | None:
    return request.headers.get("X-Admin")


fixed = charges(PRICE, "fixed")
held = holds(ESTIMATE, "held", step=STEP)
last_event = partial(credits_event, top_up_url=TOP_UP_URL)


def number(request: Any, name: str, otherwise: float = 0) -> float:
    return float(request.GET.get(name, otherwise))


async def pieces_of(request: Any, *, breaks: bool = False) -> AsyncIterator[str]:
    for one in range(1, int(number(request, "pieces", 3)) + 1):
        await asyncio.sleep(number(request, "pause"))
        yield piece(one)
    if breaks:
        raise TimeoutError("the model went away")


def streamed(pieces: AsyncIterator[str]) -> StreamingHttpResponse:
    return StreamingHttpResponse(pieces, content_type="text/event-stream")


@fixed
async def ok(request: Any) -> HttpResponse:
    return answer(DONE)


@fixed
async def raised_404(request: Any) -> HttpResponse:
    raise Http404


@fixed
async def returned_404(request: Any) -> HttpResponse:
    return answer(DONE, 404)


@fixed
async def broken(request: Any) -> HttpResponse:
    raise KeyError("the view broke")


@fixed
async def returned_500(request: Any) -> HttpResponse:
    return answer(DONE, 500)


@fixed
async def no_content(request: Any) -> HttpResponse:
    return HttpResponse(status=204)


@fixed
async def slow(request: Any) -> HttpResponse:
    await asyncio.sleep(number(request, "seconds"))
    return answer(DONE)


@fixed
async def stream(request: Any) -> StreamingHttpResponse:
    return streamed(pieces_of(request))


@fixed
async def stream_breaks(request: Any) -> StreamingHttpResponse:
    return streamed(pieces_of(request, breaks=True))


@fixed
async def echo(request: Any) -> HttpResponse:
    await asyncio.sleep(number(request, "seconds"))
    text, headers = echoed(request.body, int(number(request, "size")))
    cookie = headers.pop("Set-Cookie").split("=")
    response = HttpResponse(text, headers=headers, content_type="application/json")
    response.set_cookie(*cookie)
    return response


@fixed
async def echo_stream(request: Any) -> StreamingHttpResponse:
    assert request.body is not None
    return streamed(pieces_of(request))


@fixed
async def fails_first(request: Any) -> HttpResponse:
    if first_time(request.credits.user_id):
        if request.GET["how"] == "raise":
            raise KeyError("the first time")
        return answer(DONE, 503)
    return answer(DONE)


@charges(PRICE, exempt_when=lambda request: request.headers["X-User"].startswith("staff-"))
async def exempt(request: Any) -> HttpResponse:
    return answer(DONE)


@charges(BIG, "big")
async def big(request: Any) -> HttpResponse:
    return answer(DONE)


@charges(0)
async def free(request: Any) -> HttpResponse:
    return answer(DONE)


@charges(lambda request: Priced("video_generation", int(request.GET["seconds"])))
async def priced(request: Any) -> HttpResponse:
    return answer(DONE)


@held
async def held_whole(request: Any) -> HttpResponse:
    return answer(DONE)


@held
async def held_7(request: Any) -> HttpResponse:
    request.credits.charge.settle(6.5)
    return answer(DONE)


@held
async def held_404(request: Any) -> HttpResponse:
    request.credits.charge.settle(3)
    return answer(DONE, 404)


@held
async def held_broken(request: Any) -> HttpResponse:
    raise KeyError("the view broke")


@held
async def held_slow(request: Any) -> HttpResponse:
    request.credits.charge.settle(2)
    await asyncio.sleep(number(request, "seconds"))
    return answer(DONE)


@held
async def metered(request: Any) -> StreamingHttpResponse:
    return streamed(request.credits.charge.stream(pieces_of(request), 1, final=last_event))


@held
async def metered_breaks(request: Any) -> StreamingHttpResponse:
    pieces = pieces_of(request, breaks=True)
    return streamed(request.credits.charge.stream(pieces, 1, final=last_event))


@paid_function(5, user="user", client=aclient)
async def inner(user: str) -> None:
    return None


@held
async def nested(request: Any) -> HttpResponse:
    await inner(request.credits.user_id)
    await inner(request.credits.user_id)
    return answer(DONE)


urlpatterns = [
    path("ok", ok),
    path("raised-404", raised_404),
    path("returned-404", returned_404),
    path("broken", broken),
    path("returned-500", returned_500),
    path("no-content", no_content),
    path("slow", slow),
    path("stream", stream),
    path("stream-breaks", stream_breaks),
    path("echo", echo),
    path("echo-elsewhere", echo),
    path("echo-stream", echo_stream),
    path("fails-first", fails_first),
    path("exempt", exempt),
    path("big", big),
    path("free", free),
    path("priced", priced),
    path("held", held_whole),
    path("held-7", held_7),
    path("held-404", held_404),
    path("held-broken", held_broken),
    path("held-slow", held_slow),
    path("metered", metered),
    path("metered-breaks", metered_breaks),
    path("nested", nested),
]

configure(__name__, "signed_in")
urlpatterns.append(path("", include("credits_django.async_urls")))
app = with_lifespan(get_asgi_application())
