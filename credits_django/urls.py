"""The account API: `path("", include("credits_django.urls"))`, as `CREDITS["API"]` says."""

from __future__ import annotations

from credits_django.api import SyncView, api_urls

__all__ = ["app_name", "urlpatterns"]

app_name = "credits"
urlpatterns = api_urls(SyncView)
