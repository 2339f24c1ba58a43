"""For an ASGI server: `uvicorn shop.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from credits_django.asgi import with_lifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = with_lifespan(get_asgi_application())
