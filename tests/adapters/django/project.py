"""The settings of the project that these tests run in, one for the process."""

from __future__ import annotations

import tempfile
from pathlib import Path

import django
from django.conf import settings

MIDDLEWARE = [
    "credits_django.middleware.CreditsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


def configure() -> None:
    """Configure it, unless it is."""
    if settings.configured:
        return
    folder = Path(tempfile.mkdtemp(prefix="credits-django-"))
    settings.configure(
        ALLOWED_HOSTS=["*"],
        CREDITS={"URL": "memory://", "USER": "tests.adapters.django.views.user_of"},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "db.sqlite3",
            }
        },
        DEBUG=False,
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "rest_framework",
            "credits_django",
        ],
        LOGGING_CONFIG=None,
        MIDDLEWARE=MIDDLEWARE,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="tests.adapters.django.views",
        SECRET_KEY="of-the-tests",
        STATIC_URL="static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                        "credits_django.context_processors.credits",
                    ]
                },
            }
        ],
        USE_TZ=True,
    )
    django.setup()
