"""What the Django apps of `contract` share: the settings of a project without a database."""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.http import JsonResponse

from tests.adapters.paths.contract import LEASE, STORE, TOP_UP_URL, account_api, piece

__all__ = ["answer", "configure", "piece"]


def configure(module: str, user: str) -> None:
    """Configure the project whose urls are in `module`; `user` names who is signed in."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django.contrib.contenttypes", "credits_django"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=[
            "credits_django.middleware.CreditsMiddleware",
            "django.middleware.common.CommonMiddleware",
        ],
        ROOT_URLCONF=module,
        SECRET_KEY="of-the-tests",
        CREDITS={
            "URL": os.environ[STORE],
            "USER": f"{module}.{user}",
            "ADMIN": f"{module}.administers",
            "API": account_api(),
            "TOP_UP_URL": TOP_UP_URL,
            "LEASE": float(os.environ.get(LEASE, "60")),
        },
    )
    django.setup()


def answer(body: object, status: int = 200) -> JsonResponse:
    return JsonResponse(body, status=status)
