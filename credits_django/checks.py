"""System checks: what is wrong with the setting, before a user pays for it.

| id | what |
|---|---|
| `credits.E001` | no store: neither `CREDITS["URL"]` or `["BACKEND"]`, nor the environment |
| `credits.E002` | `CREDITS` is no dict, or has an unknown key |
| `credits.E003` | a value is not of the kind or range that its key takes |
| `credits.E004` | two stores, or a token without its URL |
| `credits.E005` | the store cannot be opened so: its URL, token, client or package |
| `credits.E006` | the client of a `BACKEND` repeats commands by itself, or waits for ever |
| `credits.E007` | `CreditsMiddleware` is not in `MIDDLEWARE` |
| `credits.E008` | a view names an action that has no price in `CREDITS["PRICES"]` |
| `credits.W001` | `memory://` with `DEBUG=False`: each process would have a ledger of its own |
| `credits.W002` | `BACKEND` without `ASYNC_BACKEND`, in a project with `ASGI_APPLICATION` |
| `credits.W003` | `CreditsMiddleware` is not the first in `MIDDLEWARE` |
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own
from django.urls import get_resolver

from credits_core.config import from_environment
from credits_core.errors import CreditsError, InvalidRequestError, PricingConfigError
from credits_core.pricing import PricingEngine
from credits_django import conf as setting
from credits_django.clients import open_client
from credits_django.decorators import NAMED
from credits_django.middleware import PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_django.conf import Conf

__all__ = ["check_settings"]

_IDS = {
    setting.NOT_A_DICT: "credits.E002",
    setting.UNKNOWN_KEY: "credits.E002",
    setting.BAD_VALUE: "credits.E003",
    setting.TWO_STORES: "credits.E004",
}


def check_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django's form
    """What is wrong with `CREDITS`; nothing is sent to the store."""
    found, wrong = setting.read(getattr(settings, "CREDITS", {}))
    told: list[CheckMessage] = [
        Error(one.message, hint=one.hint, id=_IDS[one.number]) for one in wrong
    ]
    if not wrong:
        told += _store(found)
        told += _names(found)
    told += _middleware()
    return told


def _store(found: Conf) -> Iterator[CheckMessage]:
    url = found.url
    if url is None and found.backend is None:
        try:
            url, _ = from_environment()
        except InvalidRequestError as error:
            yield Error(
                f"credits have no store: {error}",
                hint="Or set CREDITS = {'URL': 'redis://localhost:6379/0'}.",
                id="credits.E001",
            )
            return
    try:
        open_client(found).close()
    except CreditsError as error:
        number = "E005" if found.backend is None else "E006"
        yield Error(f"the store of credits cannot be used: {error}", id=f"credits.{number}")
    except Exception as error:  # noqa: BLE001 - what a function of the app's raises
        # A URL that cannot be read is quoted by who reads it: with its password.
        what = f"CREDITS['BACKEND'] raised {error!r}" if url is None else "its URL cannot be read"
        yield Error(f"the store of credits cannot be opened: {what}", id="credits.E005")
    if url is not None and url.startswith("memory://") and not settings.DEBUG:
        yield Warning(
            "credits are kept in the memory of each process, and end with it",
            hint="memory:// is for tests and demos: use a Redis, Valkey or Upstash URL.",
            id="credits.W001",
        )
    if (
        found.backend is not None
        and found.async_backend is None
        and getattr(settings, "ASGI_APPLICATION", None)
    ):
        yield Warning(
            "paid async views would open the store of the environment, not CREDITS['BACKEND']",
            hint="Set CREDITS['ASYNC_BACKEND'] to a function that makes an async backend.",
            id="credits.W002",
        )


def _names(found: Conf) -> Iterator[CheckMessage]:
    with suppress(Exception):  # Django's own check tells it
        _ = get_resolver().url_patterns  # loads the views, which name prices
    prices = found.prices.book if isinstance(found.prices, PricingEngine) else found.prices
    version = prices.version()
    for name in sorted(NAMED):
        try:
            version.price(name)
        except PricingConfigError as error:
            yield Error(f"@charges({name!r}) or @holds({name!r}): {error}", id="credits.E008")


def _middleware() -> Iterator[CheckMessage]:
    if PATH not in settings.MIDDLEWARE:
        yield Error(
            f"nothing settles what views charge: {PATH!r} is not in MIDDLEWARE",
            hint="Put it first.",
            id="credits.E007",
        )
    elif (first := settings.MIDDLEWARE[0]) != PATH:
        yield Warning(
            f"charges are settled before {first!r} has made of the answer what leaves",
            hint=f"Put {PATH!r} first in MIDDLEWARE.",
            id="credits.W003",
        )
