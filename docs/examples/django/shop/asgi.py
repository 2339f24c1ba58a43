"""For an ASGI server: `uvicorn shop.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_asgi_application()

from credits_django.asgi import with_lifespan  # noqa: E402 - the apps are there now

application = with_lifespan(application)
