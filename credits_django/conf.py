"""The one setting, `CREDITS`: read, checked, and kept until it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from credits_core import PriceBook, PricingEngine
from credits_core.errors import CreditsError, InvalidRequestError
from credits_core.http.settings import PARSERS, AppSettings, flag, folder, meant
from credits_core.outage import OutageJournal

if TYPE_CHECKING:
    from credits_core.api import AccountApi

__all__ = ["Conf", "Wrong", "conf", "read"]


@dataclass(frozen=True, slots=True)
class Conf(AppSettings):
    """What `CREDITS` says; each field is the key of the same name in capitals."""

    backend: Callable[[], Any] | None = None
    async_backend: Callable[[], Any] | None = None
    user: Callable[[Any], Any] | None = None
    user_id: Callable[[Any], str] | None = None
    admin: Callable[[Any], Any] | None = None
    api: AccountApi | None = None
    prices: PricingEngine | PriceBook = field(default_factory=PricingEngine)
    outage: OutageJournal | None = None
    sign_up: bool = False


class Wrong(NamedTuple):
    """What is wrong with the setting: the number of its check, a sentence and what to do."""

    number: int
    message: str
    hint: str | None = None


NOT_A_DICT = 1
UNKNOWN_KEY = 2
BAD_VALUE = 3
TWO_STORES = 4


def _function(value: object) -> Callable[..., Any]:
    found = import_string(value) if isinstance(value, str) else value
    if not callable(found):
        raise InvalidRequestError(f"it is a function or its dotted path, not {value!r}")
    return found  # type: ignore[no-any-return]


def _prices(value: object) -> PricingEngine | PriceBook:
    found = import_string(value) if isinstance(value, str) else value
    if isinstance(found, PricingEngine | PriceBook):
        return found
    if not isinstance(found, Mapping):
        raise InvalidRequestError(
            f"it is a dict of prices, a PriceBook, a PricingEngine or the dotted path of one, "
            f"not {type(found).__name__}"
        )
    return PricingEngine(found, defaults=False)


def _account_api(value: object) -> AccountApi:
    from credits_core.api import AccountApi  # noqa: PLC0415 - loads pydantic

    found = import_string(value) if isinstance(value, str) else value
    if not isinstance(found, AccountApi):
        raise InvalidRequestError(
            f"it is an AccountApi or its dotted path, not {type(found).__name__}"
        )
    return found


def _journal(value: object) -> OutageJournal:
    if isinstance(value, OutageJournal):
        return value
    return _journal_in(folder(value))


@cache
def _journal_in(path: str) -> OutageJournal:
    # One a folder and process: what it has admitted is counted in it.
    return OutageJournal(path)


_PARSERS: dict[str, Callable[[Any], object]] = {
    **PARSERS,
    "backend": _function,
    "async_backend": _function,
    "user": _function,
    "user_id": _function,
    "admin": _function,
    "api": _account_api,
    "prices": _prices,
    "fails_on": _function,
    "outage": _journal,
    "sign_up": flag,
}

_KEYS = {one.name.upper(): one.name for one in fields(Conf)}


def read(raw: object) -> tuple[Conf, list[Wrong]]:
    """What a setting says, as far as it can be understood, and what is wrong with it."""
    if not isinstance(raw, Mapping):
        kind = type(raw).__name__
        return Conf(), [Wrong(NOT_A_DICT, f"CREDITS is a dict, not {kind}")]
    found: dict[str, Any] = {}
    wrong: list[Wrong] = []
    for key, value in raw.items():
        name = _KEYS.get(key)
        if name is None:
            wrong.append(_unknown(key))
        elif value is not None:
            try:
                found[name] = _PARSERS[name](value)
            except (ImportError, ValueError, TypeError, CreditsError) as error:
                # Of what holds secrets only the kind is told.
                wrong.append(Wrong(BAD_VALUE, f"CREDITS[{key!r}]: {error}"))
    if "url" in found and "backend" in found:
        wrong.append(
            Wrong(TWO_STORES, "CREDITS has a URL and a BACKEND: which store is it?", "Keep one.")
        )
    if "token" in found and "url" not in found:
        wrong.append(Wrong(TWO_STORES, "CREDITS has a TOKEN without the URL that it belongs to"))
    return Conf(**found), wrong


def _unknown(key: object) -> Wrong:
    close = meant(key, _KEYS)
    hint = f"Did you mean {close!r}?" if close else f"It knows {', '.join(sorted(_KEYS))}."
    return Wrong(UNKNOWN_KEY, f"CREDITS has an unknown key {key!r}", hint)


@cache
def conf() -> Conf:
    """What the setting says. Raises `ImproperlyConfigured` where it cannot be used."""
    found, wrong = read(getattr(settings, "CREDITS", {}))
    if wrong:
        raise ImproperlyConfigured("; ".join(one.message for one in wrong))
    if found.sign_up and not apps.is_installed("credits_django"):
        # Without the app no check could say so.
        raise ImproperlyConfigured(
            "CREDITS['SIGN_UP'] would sign nobody up: 'credits_django' is not in INSTALLED_APPS"
        )
    return found


def _changed(*, setting: str, **_: object) -> None:
    if setting == "CREDITS":
        conf.cache_clear()


setting_changed.connect(_changed, dispatch_uid="credits_django.conf")
