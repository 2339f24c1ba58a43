"""Who pays: the signed-in user, or whom the setting `USER` names."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async

from credits_django.conf import conf

__all__ = ["apayer_of", "id_of", "payer_of"]


def id_of(user: Any) -> str:
    """The id that a user of Django's has in the ledger: by default the primary key."""
    named = conf().user_id
    return _text(str(user.pk) if named is None else named(user), "USER_ID")


def payer_of(request: Any) -> str | None:
    """The id of the user who pays for a request, None if nobody is signed in."""
    named = conf().user
    if named is not None:
        found = async_to_sync(named)(request) if iscoroutinefunction(named) else named(request)
        return _named(found)
    user = getattr(request, "user", None)
    return None if user is None or not user.is_authenticated else id_of(user)


async def apayer_of(request: Any) -> str | None:
    """The same in async code; a function of the app's that is not async runs in a thread."""
    named = conf().user
    if named is not None:
        found = named if iscoroutinefunction(named) else sync_to_async(named)
        return _named(await found(request))
    asked = getattr(request, "auser", None)
    user = await asked() if asked is not None else getattr(request, "user", None)
    return None if user is None or not user.is_authenticated else id_of(user)


def _named(found: object) -> str | None:
    return None if found is None else _text(found, "USER")


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(
            f"CREDITS[{key!r}] answered a {type(value).__name__}, not the id of the user as a str"
        )
    return value
