"""The app of sync views behind an ASGI server."""

from django.core.asgi import get_asgi_application

from tests.adapters.paths import app_django_wsgi

app = get_asgi_application()

__all__ = ["app", "app_django_wsgi"]
