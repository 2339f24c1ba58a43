"""What a `Paywall` is given, checked where the app is made and not at its first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from credits_core.async_client import AsyncCredits
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ClientOptions", "check_client", "check_functions"]


class ClientOptions(TypedDict, total=False):
    """The arguments of `AsyncCredits.from_url`; without a `url` it is `from_env`."""

    url: str
    token: str | None
    default_credits: int
    auto_initialize: bool
    prefix: str
    timeout: float


def check_functions(user: object, admin: object) -> None:
    """Refuse what could not be a dependency."""
    if not callable(user):
        raise InvalidRequestError(
            f"user is the app's own dependency that answers who is signed in, not "
            f"{type(user).__name__}"
        )
    if admin is not None and not callable(admin):
        raise InvalidRequestError(
            f"admin is the app's own dependency that answers who administers credits, not "
            f"{type(admin).__name__}"
        )


def check_client(client: object, options: Mapping[str, Any]) -> None:
    """Refuse a client of the wrong kind, and options that would have no effect."""
    if unknown := options.keys() - ClientOptions.__annotations__.keys():
        raise TypeError(f"Paywall() got an unexpected keyword argument {min(unknown)!r}")
    if client is None:
        return
    if not isinstance(client, AsyncCredits):
        raise InvalidRequestError(
            f"FastAPI needs an AsyncCredits, not {type(client).__name__}: its sync twin would "
            f"hold up all requests"
        )
    if options:
        raise InvalidRequestError(
            f"a client is given, so {', '.join(options)} would have no effect: "
            f"set it where the client is made"
        )
