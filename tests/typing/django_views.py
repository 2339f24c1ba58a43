"""Paid views of Django: what users write, and what the checkers make of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, assert_type

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.views import View

from credits_core import Charge, Credits
from credits_django import CreditsRequest, PaidViewMixin, Priced, charges, client, holds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@charges(10, "chat_message")
def chat(request: CreditsRequest) -> HttpResponse:
    charge = request.credits.charge
    assert_type(charge, Charge)
    assert_type(charge.balance, int | None)
    assert_type(request.credits.user_id, str | None)
    assert_type(request.credits.balance, int | None)
    assert_type(request.credits.charges, list[Charge])
    assert_type(client(), Credits)
    with request.credits.require_credits(3, "part") as part:
        assert_type(part, Charge)
    return JsonResponse({"cost": charge.amount})


def takes_any_request(request: HttpRequest) -> None:
    request.get_host()


@charges("picture", exempt_when=lambda request: request.method == "GET")
def picture(request: CreditsRequest, size: int) -> HttpResponse:
    takes_any_request(request)
    return HttpResponse()


@charges(lambda request, seconds: Priced("video_generation", seconds))
async def video(request: CreditsRequest, seconds: int) -> HttpResponse:
    assert_type(await request.credits.abalance(), int | None)
    return HttpResponse()


@holds(5, "story", step=20)
async def story(request: CreditsRequest) -> StreamingHttpResponse:
    async def words() -> AsyncIterator[str]:
        yield "word"

    pieces = request.credits.charge.stream(words(), piece_cost=1)
    assert_type(pieces, AsyncGenerator[str, None])
    return StreamingHttpResponse(pieces)


class Haiku(PaidViewMixin, View):
    paid_by = charges(3)
    request: CreditsRequest

    def get(self, request: CreditsRequest) -> HttpResponse:
        assert_type(self.request.credits.charge, Charge)
        return JsonResponse({"left": request.credits.charge.balance})


@method_decorator(charges(3), name="dispatch")
class Decorated(View):
    def get(self, request: CreditsRequest) -> HttpResponse:
        return JsonResponse({"left": request.credits.charge.balance})


def wrong(request: CreditsRequest) -> None:
    charges("picture", 10)  # type: ignore[arg-type]
    request.credits.charge.amount = 3  # type: ignore[misc]
    request.credits.chrage  # type: ignore[attr-defined]  # noqa: B018
    picture(request, "wide")  # type: ignore[arg-type]
