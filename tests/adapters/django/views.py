"""The ways in which people write their views; the urls of the project."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from ninja import NinjaAPI
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response
from rest_framework.views import APIView

from credits_django import PaidViewMixin, charges, credits_event, holds
from credits_django.rest import HasCredits, PaidAPIMixin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def user_of(request: Any) -> str | None:
    return request.headers.get("X-User")


def answer(request: Any) -> JsonResponse:
    charge = request.credits.charge
    return JsonResponse(
        {"balance": charge.balance, "action": charge.action, "status": "done"},
        status=int(request.GET.get("status", "200")),
    )


@charges(10)
def function(request: Any) -> HttpResponse:
    if "raise" in request.GET:
        raise {"404": Http404, "KeyError": KeyError}[request.GET["raise"]]
    return answer(request)


@charges(10)
async def afunction(request: Any) -> HttpResponse:
    await asyncio.sleep(0)
    if "raise" in request.GET:
        raise {"404": Http404, "KeyError": KeyError}[request.GET["raise"]]
    return answer(request)


@method_decorator(charges(10), name="dispatch")
class Dispatched(View):
    def get(self, request: Any) -> HttpResponse:
        return answer(request)


@method_decorator(charges(10), name="dispatch")
class ADispatched(View):
    async def get(self, request: Any) -> HttpResponse:
        await asyncio.sleep(0)
        return answer(request)


class Method(View):
    @method_decorator(charges(10))
    def get(self, request: Any) -> HttpResponse:
        return answer(request)

    def post(self, request: Any) -> HttpResponse:
        return HttpResponse("free")


class Direct(View):
    @charges(10)
    def get(self, request: Any) -> HttpResponse:
        return answer(request)


class ADirect(View):
    @charges(10)
    async def get(self, request: Any) -> HttpResponse:
        await asyncio.sleep(0)
        return answer(request)


class Mixed(PaidViewMixin, View):
    paid_by = charges(10)

    def get(self, request: Any) -> HttpResponse:
        return answer(request)


class AMixed(PaidViewMixin, View):
    paid_by = charges(10)

    async def get(self, request: Any) -> HttpResponse:
        await asyncio.sleep(0)
        return answer(request)


@charges("drawing", metadata=lambda request: {"size": request.GET["size"]})
def priced(request: Any) -> HttpResponse:
    return answer(request)


async def seconds(request: Any) -> int:
    await asyncio.sleep(0)
    return int(request.GET["seconds"]) * 2


@charges(seconds, "video", exempt_when=lambda request: "free" in request.GET)
async def apriced(request: Any) -> HttpResponse:
    return answer(request)


@charges(10)
def rendered(request: Any) -> HttpResponse:
    text = "{% load credits %}{% credits_balance %} {{ credits.balance }} "
    text += "{% credits_afford 90 as enough %}{{ enough }}{{ broken.fails }}"
    template = engines["django"].from_string(text)
    return TemplateResponse(request, template, {"broken": Fails()} if "fail" in request.GET else {})


class Fails:
    @property
    def fails(self) -> str:
        raise KeyError("in the template")

    # Not one of the errors that templates swallow.
    def __getitem__(self, name: str) -> str:
        raise RuntimeError("in the template")


def unpaid(request: Any) -> HttpResponse:
    text = "{% load credits %}{% credits_balance %},{{ credits.balance }}"
    return HttpResponse(engines["django"].from_string(text).render({}, request))


def pieces() -> Iterator[str]:
    yield from ("one", "two", "three")


async def apieces() -> AsyncIterator[str]:
    for one in pieces():
        await asyncio.sleep(0)
        yield one


@holds(2, "story")
def metered(request: Any) -> HttpResponse:
    return StreamingHttpResponse(request.credits.charge.stream(pieces(), 1, final=credits_event))


@holds(2, "story")
async def ametered(request: Any) -> HttpResponse:
    return StreamingHttpResponse(request.credits.charge.stream(apieces(), 1, final=credits_event))


@charges(10)
async def sync_stream(request: Any) -> HttpResponse:
    return StreamingHttpResponse(pieces())


@holds(20, "work")
async def nested(request: Any) -> HttpResponse:
    charge = request.credits.charge
    await charge.aspend(3)
    async with request.credits.require_credits(4, "inner") as inner:
        assert inner.id is None
    async with request.credits.hold_credits(5, "inner") as inner:
        inner.settle(2)
    return answer(request)


def by_hand(request: Any) -> HttpResponse:
    with request.credits.require_credits(3, "by_hand") as charge:
        if "fail" in request.GET:
            raise KeyError("the work")
        return JsonResponse({"balance": charge.balance})


async def aby_hand(request: Any) -> HttpResponse:
    assert await request.credits.auser_id() is not None
    async with request.credits.require_credits(3, "by_hand"):
        await asyncio.sleep(0)
    return JsonResponse({"balance": await request.credits.abalance()})


@charges(10)
def upload(request: Any) -> HttpResponse:
    sizes = {name: len(one.read()) for name, one in request.FILES.items()}
    return JsonResponse({**sizes, **request.POST.dict()})


@charges(10)
async def aupload(request: Any) -> HttpResponse:
    return JsonResponse({"length": len(request.body), "note": request.POST.get("note")})


@charges(10, "served", outage_limit=15)
def outage(request: Any) -> HttpResponse:
    return HttpResponse("served")


@charges(10, "served", outage_limit=15)
async def aoutage(request: Any) -> HttpResponse:
    return HttpResponse("served")


@charges(1000)
def big(request: Any) -> HttpResponse:
    raise AssertionError("served without pay")


@api_view(["GET"])
@charges(10)
def rest_function(request: Any) -> Response:
    if "raise" in request.GET:
        raise {"404": Http404, "KeyError": KeyError}[request.GET["raise"]]
    return Response({"balance": request.credits.charge.balance})


@api_view(["GET"])
@charges(1000)
def rest_big(request: Any) -> Response:
    raise AssertionError("served without pay")


class RestView(APIView):
    @charges(10)
    def get(self, request: Any) -> Response:
        return Response({"action": request.credits.charge.action})


class RestMixed(PaidAPIMixin, APIView):
    paid_by = charges(10)

    def get(self, request: Any) -> Response:
        return Response({"action": request.credits.charge.action})


@api_view(["GET"])
@permission_classes([HasCredits.of(lambda request: int(request.GET["needed"]))])
def rest_permitted(request: Any) -> Response:
    return Response({"permitted": True})


api = NinjaAPI()


@api.get("/sync")
@charges(10)
def ninja_sync(request: Any, size: int = 1) -> dict[str, Any]:
    if size == 404:
        raise Http404
    if size == 500:
        raise KeyError("the view")
    return {"size": size, "balance": request.credits.charge.balance}


@api.get("/async")
@charges(lambda request, size: size)
async def ninja_async(request: Any, size: int) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"size": size, "balance": request.credits.charge.balance}


@holds(10, "story")
def nested_stream(request: Any) -> HttpResponse:
    def lines() -> Iterator[str]:
        for number in range(3):
            with request.credits.require_credits(2, "line"):
                yield f"{number}\n"

    return StreamingHttpResponse(lines())


@holds(10, "story")
async def anested_stream(request: Any) -> HttpResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            async with request.credits.require_credits(2, "line"):
                await asyncio.sleep(0)
            yield f"{number}\n"

    return StreamingHttpResponse(lines())


urlpatterns = [
    path("function", function),
    path("afunction", afunction),
    path("dispatched", Dispatched.as_view()),
    path("adispatched", ADispatched.as_view()),
    path("method", Method.as_view()),
    path("direct", Direct.as_view()),
    path("adirect", ADirect.as_view()),
    path("mixed", Mixed.as_view()),
    path("amixed", AMixed.as_view()),
    path("priced", priced),
    path("apriced", apriced),
    path("rendered", rendered),
    path("unpaid", unpaid),
    path("metered", metered),
    path("ametered", ametered),
    path("sync-stream", sync_stream),
    path("nested", nested),
    path("nested-stream", nested_stream),
    path("anested-stream", anested_stream),
    path("by-hand", by_hand),
    path("aby-hand", aby_hand),
    path("upload", upload),
    path("aupload", aupload),
    path("outage", outage),
    path("aoutage", aoutage),
    path("big", big),
    path("rest/function", rest_function),
    path("rest/big", rest_big),
    path("rest/view", RestView.as_view()),
    path("rest/mixed", RestMixed.as_view()),
    path("rest/permitted", rest_permitted),
    path("ninja/", api.urls),
    path("admin/", admin.site.urls),
]
