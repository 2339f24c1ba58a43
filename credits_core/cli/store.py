"""Where the ledger is: the global options, the environment, and keeping their secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import click

from credits_core._client import DEFAULT_CREDITS, check_timeout
from credits_core.client import Credits
from credits_core.config import ENVIRONMENT, from_environment, open_backend
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.backends import Backend

F = TypeVar("F", bound="Callable[..., Any]")

TIMEOUT = 5.0
"""Seconds that a call may take: people at a terminal wait longer than requests can."""

# A shorter secret would blot out half of every sentence, and hides nothing.
_SHORTEST_SECRET = 4

_LOGIN = re.compile(r"(?<=://)[^\s/@]*@")


@dataclass
class Store:
    """The store that the global options name, else the environment."""

    url: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    prefix: str = ""
    timeout: float = TIMEOUT
    default_credits: int = DEFAULT_CREDITS
    """What a sign-up gives: of an app that has a program of its own."""

    def client(self) -> Credits:
        """A client of the store; nothing is sent before its first call."""
        url, token = self.address()
        try:
            return Credits.from_url(
                url,
                token=token,
                prefix=self.prefix,
                timeout=self.timeout,
                default_credits=self.default_credits,
            )
        except InvalidRequestError:
            raise
        except (ValueError, TypeError):
            raise _unreadable() from None

    def backend(self) -> Backend:
        """The store itself, without the client's checks."""
        url, token = self.address()
        try:
            return open_backend(url, token=token, timeout=check_timeout(self.timeout))
        except InvalidRequestError:
            raise
        except (ValueError, TypeError):
            raise _unreadable() from None

    def address(self) -> tuple[str, str | None]:
        """The URL and its token."""
        if self.url is None:
            url, token = from_environment()
            return url, self.token or token
        rest = self.url.strip().startswith(("http://", "https://"))
        return self.url, self.token or (os.environ.get("CREDITS_TOKEN") if rest else None)

    def shown(self) -> str:
        """The URL without what nobody should see."""
        scheme, _, rest = self.address()[0].strip().partition("://")
        return f"{scheme}://{re.split('[?#]', rest.rpartition('@')[2])[0]}"

    def redact(self, text: str) -> str:
        """The text without passwords and tokens."""
        for secret in sorted(set(self._secrets()), key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return _LOGIN.sub("***@", text)

    def _secrets(self) -> Iterator[str]:
        urls = [self.url] + [os.environ.get(name) for name, _ in ENVIRONMENT]
        tokens = [self.token] + [os.environ.get(name) for _, name in ENVIRONMENT if name]
        yield from (token.strip() for token in tokens if token)
        for url in urls:
            yield from _passwords(url or "")


def _passwords(url: str) -> Iterator[str]:
    # By hand: a password that should have been percent-encoded leads urlsplit astray.
    login = url.strip().partition("://")[2].rpartition("@")[0]
    for secret in (login, login.partition(":")[2]):
        yield secret
        yield unquote(secret)
    for name, value in parse_qsl(url.partition("?")[2]):
        if "password" in name:
            yield value


def _unreadable() -> InvalidRequestError:
    # The reason may quote the URL, and with it a password: it is not shown.
    return InvalidRequestError(
        "the URL of the store cannot be read: it is scheme, host, port and database, and in a "
        "password before the @ characters such as / ? # @ : are written percent-encoded"
    )


def hostname(url: str) -> str:
    """The host of a URL, "" where there is none or it cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    store = context.ensure_object(Store)
    if value is not None and parameter.name:
        setattr(store, parameter.name, value)


def _option(name: str, text: str, *, hidden: bool, **more: Any) -> Callable[[F], F]:
    return click.option(
        name, help=text, callback=_remember, expose_value=False, hidden=hidden, **more
    )


def store_options(*, hidden: bool = False) -> Callable[[F], F]:
    """The global options, on the group and, hidden, on every command: both places work."""
    options = (
        _option(
            "--url",
            "The store. Default: CREDITS_URL, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_URL or "
            "REDIS_URL of the environment, where passwords belong.",
            hidden=hidden,
        ),
        _option(
            "--token",
            "The token of an https:// URL. Default: CREDITS_TOKEN and its kin.",
            hidden=hidden,
        ),
        _option("--prefix", "What stands before every key name.", hidden=hidden),
        _option(
            "--timeout",
            f"Seconds that a call may take in all; default {TIMEOUT:g}.",
            hidden=hidden,
            type=float,
        ),
    )

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


pass_store = click.make_pass_decorator(Store, ensure=True)
