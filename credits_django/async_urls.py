"""The account API by async views, for ASGI: `path("", include("credits_django.async_urls"))`."""

from __future__ import annotations

from credits_core.api import AccountApi
from credits_django.api import AsyncView, urls_of
from credits_django.conf import conf

__all__ = ["app_name", "urlpatterns"]

app_name = "credits"
urlpatterns = urls_of((conf().api or AccountApi()).routes, AsyncView)
