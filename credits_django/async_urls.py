"""The account API by async views, for ASGI: `path("", include("credits_django.async_urls"))`."""

from __future__ import annotations

from credits_django.api import AsyncView, api_urls

__all__ = ["app_name", "urlpatterns"]

app_name = "credits"
urlpatterns = api_urls(AsyncView)
