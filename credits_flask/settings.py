"""`CREDITS_*` in an app's config."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from credits_core import validation
from credits_core._client import DEFAULT_CREDITS, DEFAULT_TIMEOUT
from credits_core.client import Credits
from credits_core.errors import InvalidRequestError
from credits_core.http.idempotency import LEASE_SECONDS
from credits_core.http.paid import failing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.http.paid import FailsOn

__all__ = ["Settings"]

PREFIX: Final = "CREDITS_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an app is configured with; each field is the key in lower case, without the prefix."""

    url: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    default_credits: int = DEFAULT_CREDITS
    auto_initialize: bool = False
    prefix: str = ""
    timeout: float = DEFAULT_TIMEOUT
    top_up_url: str | None = None
    fails_on: FailsOn = failing
    lease: float = LEASE_SECONDS
    low_balance: int = 0
    outage_folder: str | os.PathLike[str] | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        """The settings in a Flask config; None stands for the default.

        Raises `InvalidRequestError` for a key that is none, or a value of the wrong kind.
        """
        known = {PREFIX + name.upper(): name for name in cls.__dataclass_fields__}
        given = {key: value for key, value in config.items() if key.startswith(PREFIX)}
        for key in given.keys() - known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise InvalidRequestError(f"{key} is no setting of credits_flask: {hint}")
        return cls(**{known[key]: value for key, value in given.items() if value is not None})

    def __post_init__(self) -> None:
        kinds = {
            "auto_initialize": (bool, "True or False"),
            "top_up_url": (str | None, "a URL as a str"),
            "outage_folder": (str | os.PathLike | None, "the path of a folder"),
        }
        for name, (kind, meant) in kinds.items():
            if not isinstance(value := getattr(self, name), kind):
                raise InvalidRequestError(
                    f"{PREFIX}{name.upper()} is {meant}, not {type(value).__name__}"
                )
        if not callable(self.fails_on):
            raise InvalidRequestError(f"{PREFIX}FAILS_ON is a function of the status of an answer")
        if type(self.low_balance) is not int or self.low_balance:
            validation.amount(self.low_balance)
        validation.lease_ms(self.lease)
        if self.token is not None and self.url is None:
            raise InvalidRequestError(f"{PREFIX}TOKEN goes with {PREFIX}URL")

    def client(self) -> Credits:
        """A client of the store, that of the environment where no URL is set; sends nothing."""
        options: dict[str, Any] = {
            "default_credits": self.default_credits,
            "auto_initialize": self.auto_initialize,
            "prefix": self.prefix,
            "timeout": self.timeout,
        }
        if self.url is None:
            return Credits.from_env(**options)
        return Credits.from_url(self.url, token=self.token, **options)
