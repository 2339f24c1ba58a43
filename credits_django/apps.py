"""The app: its checks, and the sign-up of new users. Nothing is sent when it starts."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

__all__ = ["CreditsConfig"]


class CreditsConfig(AppConfig):
    """`"credits_django"` in `INSTALLED_APPS`."""

    name = "credits_django"
    verbose_name = "Credits"

    def ready(self) -> None:
        """Register the checks, and listen for new users."""
        from credits_django import signup  # noqa: PLC0415 - models are there now
        from credits_django.checks import check_settings  # noqa: PLC0415

        checks.register(check_settings, "credits")
        signup.listen()
