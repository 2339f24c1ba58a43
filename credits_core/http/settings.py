"""What an app says of its credits in the settings of its framework, each value checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from credits_core import validation
from credits_core._client import DEFAULT_CREDITS, DEFAULT_TIMEOUT, check_timeout
from credits_core.errors import InvalidRequestError
from credits_core.http.idempotency import LEASE_SECONDS
from credits_core.http.paid import FailsOn, failing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["PARSERS", "AppSettings", "any_text", "flag", "folder", "function", "meant", "text"]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """The settings that frameworks have in common, by their names in lower case."""

    url: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    prefix: str = ""
    timeout: float = DEFAULT_TIMEOUT
    default_credits: int = DEFAULT_CREDITS
    auto_initialize: bool = False
    top_up_url: str | None = None
    fails_on: FailsOn = failing
    lease: float = LEASE_SECONDS
    low_balance: int = 0

    @property
    def client_options(self) -> dict[str, Any]:
        """What a client is made with, beside its store."""
        names = ("default_credits", "auto_initialize", "prefix", "timeout")
        return {name: getattr(self, name) for name in names}


def text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(f"it is a str that is not empty, not {type(value).__name__}")
    return value


def any_text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise InvalidRequestError(f"it is a str, not {type(value).__name__}")
    return value


def flag(value: object) -> bool:
    """True or False, and nothing that counts as one of them."""
    if not isinstance(value, bool):
        raise InvalidRequestError(f"it is True or False, not {type(value).__name__}")
    return value


def function(value: object) -> Callable[..., Any]:
    """A function."""
    if not callable(value):
        raise InvalidRequestError(f"it is a function, not {value!r}")
    return value


def folder(value: object) -> str:
    """The path of a folder."""
    if not isinstance(value, str | os.PathLike):
        raise InvalidRequestError(f"it is the path of a folder, not {type(value).__name__}")
    return os.fsdecode(value)


def _lease(value: Any) -> float:
    validation.lease_ms(value)
    return float(value)


PARSERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "url": text,
    "token": text,
    "prefix": any_text,
    "timeout": check_timeout,
    "default_credits": validation.starting_credits,
    "auto_initialize": flag,
    "top_up_url": text,
    "fails_on": function,
    "lease": _lease,
    "low_balance": validation.amount_or_zero,
}
"""For each of the settings in common: its value, or an error of the library that says "it is …"."""


def meant(key: object, known: Iterable[str]) -> str | None:
    """The name that was meant by one that is none.

    >>> meant("utl", ["URL", "TOKEN"])
    'URL'
    """
    return next(iter(get_close_matches(str(key).upper(), list(known), 1)), None)
