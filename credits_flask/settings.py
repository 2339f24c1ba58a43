"""`CREDITS_*` in an app's config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from credits_core.client import Credits
from credits_core.errors import InvalidRequestError
from credits_core.http.settings import PARSERS, AppSettings, folder, meant

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Settings"]

PREFIX: Final = "CREDITS_"


@dataclass(frozen=True, slots=True)
class Settings(AppSettings):
    """What an app is configured with; each field is the key in lower case, without the prefix."""

    outage_folder: str | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        """The settings in a Flask config; None stands for the default.

        Raises `InvalidRequestError` for a key that is none, or a value of the wrong kind.
        """
        known = {PREFIX + name.upper(): name for name in _PARSERS}
        found: dict[str, Any] = {}
        for key, value in config.items():
            if not key.startswith(PREFIX):
                continue
            if key not in known:
                # Without the prefix, by which all of them would be alike.
                close = meant(key.removeprefix(PREFIX), [one.upper() for one in _PARSERS])
                hint = (
                    f"did you mean {PREFIX}{close}?" if close else f"there are {', '.join(known)}"
                )
                raise InvalidRequestError(f"{key} is no setting of credits_flask: {hint}")
            if value is not None:
                found[known[key]] = _parsed(key, known[key], value)
        if "token" in found and "url" not in found:
            raise InvalidRequestError(f"{PREFIX}TOKEN goes with {PREFIX}URL")
        return cls(**found)

    def client(self) -> Credits:
        """A client of the store, that of the environment where no URL is set; sends nothing."""
        if self.url is None:
            return Credits.from_env(**self.client_options)
        return Credits.from_url(self.url, token=self.token, **self.client_options)


_PARSERS: Final = {**PARSERS, "outage_folder": folder}


def _parsed(key: str, name: str, value: object) -> object:
    try:
        return _PARSERS[name](value)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{key}: {error}") from None
