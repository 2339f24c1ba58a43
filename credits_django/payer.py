"""Who asks: the signed-in user, or whom the settings `USER` and `ADMIN` name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async

from credits_django.conf import conf

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["aadmin_of", "admin_of", "apayer_of", "id_of", "payer_of"]


def id_of(user: Any) -> str:
    """The id that a user of Django's has in the ledger: by default the primary key."""
    named = conf().user_id
    return _text(str(user.pk) if named is None else named(user), "USER_ID")


def payer_of(request: Any) -> str | None:
    """The id of the user who pays for a request, None if nobody is signed in."""
    named = conf().user
    if named is not None:
        return _ask(named, request, "USER")
    user = getattr(request, "user", None)
    return None if user is None or not user.is_authenticated else id_of(user)


async def apayer_of(request: Any) -> str | None:
    """The same in async code; a function of the app's that is not async runs in a thread."""
    named = conf().user
    if named is not None:
        return await _aask(named, request, "USER")
    asked = getattr(request, "auser", None)
    user = await asked() if asked is not None else getattr(request, "user", None)
    return None if user is None or not user.is_authenticated else id_of(user)


def admin_of(request: Any) -> str | None:
    """The id of who asks, if the setting `ADMIN` lets them administer credits; else None."""
    named = conf().admin
    return None if named is None else _ask(named, request, "ADMIN")


async def aadmin_of(request: Any) -> str | None:
    """The same in async code."""
    named = conf().admin
    return None if named is None else await _aask(named, request, "ADMIN")


def _ask(named: Callable[[Any], Any], request: Any, key: str) -> str | None:
    found = async_to_sync(named)(request) if iscoroutinefunction(named) else named(request)
    return None if found is None else _text(found, key)


async def _aask(named: Callable[[Any], Any], request: Any, key: str) -> str | None:
    asked = named if iscoroutinefunction(named) else sync_to_async(named)
    found = await asked(request)
    return None if found is None else _text(found, key)


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(
            f"CREDITS[{key!r}] answered a {type(value).__name__}, not the id of the user as a str"
        )
    return value
