"""The account API twice: by sync views, and by async ones."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie


@ensure_csrf_cookie
def page(request: Any) -> HttpResponse:
    return HttpResponse()


def admin_of(request: Any) -> str | None:
    user = request.user
    return str(user.pk) if user.has_perm("credits_django.grant_credits") else None


@csrf_exempt
def admin_by_token(request: Any) -> str | None:
    return "robot" if request.headers.get("Authorization") == "Bearer robot" else None


urlpatterns = [
    path("page", page),
    path("sync/", include("credits_django.urls")),
    path("async/", include("credits_django.async_urls", namespace="acredits")),
]
