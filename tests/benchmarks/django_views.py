"""The views that are measured: the same, plain, charged and held, sync and async."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse
from django.urls import path

from credits_django import charges, holds


def payer(request: Any) -> str | None:
    return request.headers.get("X-User")


def view(request: Any) -> JsonResponse:
    return JsonResponse({"left": 1})


async def aview(request: Any) -> JsonResponse:
    return JsonResponse({"left": 1})


urlpatterns = [
    path("plain", view),
    path("charged", charges(1)(view)),
    path("held", holds(1)(view)),
    path("aplain", aview),
    path("acharged", charges(1)(aview)),
    path("aheld", holds(1)(aview)),
]
