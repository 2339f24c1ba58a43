"""Where the store is: URLs and the environment.

Each scheme loads its client library only when it is used.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from credits_core.errors import InvalidRequestError
from credits_core.extras import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.backends import AsyncBackend, Backend

ENVIRONMENT = (
    ("CREDITS_URL", "CREDITS_TOKEN"),
    ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
    ("UPSTASH_REDIS_URL", "UPSTASH_REDIS_TOKEN"),
    ("REDIS_URL", ""),
)

_SCHEMES = (
    "redis://, rediss://, unix://, redis+sentinel://, redis+cluster:// (TCP), "
    "https://…upstash.io (Upstash REST) or memory:// (inside the process)"
)
_TCP = (
    *("redis", "rediss", "unix"),
    *("redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"),
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def from_environment(env: Mapping[str, str] | None = None) -> tuple[str, str | None]:
    """The URL and the token that the environment names.

    Raises `InvalidRequestError` when no variable is set.
    """
    env = os.environ if env is None else env
    for url_name, token_name in ENVIRONMENT:
        if url := env.get(url_name, "").strip():
            # Upstash's console gives a token beside its redis:// URL, which holds it already.
            rest = url.startswith(("http://", "https://"))
            return url, (env.get(token_name, "").strip() or None) if rest else None
    names = ", ".join(url_name for url_name, _ in ENVIRONMENT)
    raise InvalidRequestError(
        f"no store is configured: set one of {names}, for example "
        f"CREDITS_URL=redis://localhost:6379/0"
    )


def open_backend(url: str, *, token: str | None, timeout: float) -> Backend:
    """A sync backend for `url`; each try may take `timeout` seconds."""
    scheme, rest = _split(url, token)
    if scheme == "memory":
        backend: Backend = _load("memory", "memory").MemoryBackend(rest)
    elif scheme in ("http", "https"):
        backend = _load("upstash", "upstash").UpstashBackend(url, token)
    else:
        backend = _load("redis_urls", "redis").open_sync(url, timeout)
    return backend


def open_async_backend(url: str, *, token: str | None, timeout: float) -> AsyncBackend:
    """An async backend for `url`; each try may take `timeout` seconds."""
    scheme, rest = _split(url, token)
    if scheme == "memory":
        backend: AsyncBackend = _load("memory", "memory").AsyncMemoryBackend(rest)
    elif scheme in ("http", "https"):
        backend = _load("upstash", "upstash").AsyncUpstashBackend(url, token)
    else:
        backend = _load("redis_urls", "redis").open_async(url, timeout)
    return backend


def _split(url: object, token: str | None) -> tuple[str, str]:
    if not isinstance(url, str) or "://" not in url:
        raise InvalidRequestError(f"a store is given as a URL: {_SCHEMES}")
    # A URL carries passwords: what is wrong is said without showing it.
    scheme, rest = url.split("://", 1)
    if scheme in ("http", "https"):
        _check_rest(url, token)
    elif scheme not in _TCP and scheme != "memory":
        raise InvalidRequestError(f"no store speaks {scheme}://; use {_SCHEMES}")
    elif token is not None:
        raise InvalidRequestError(
            f"a token goes with an https:// URL (Upstash REST); in a {scheme}:// URL the "
            f"password stands in the URL"
        )
    return scheme, rest


def _check_rest(url: str, token: str | None) -> None:
    parts, named = None, False
    with suppress(ValueError):
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    if parts is None or not named:
        raise InvalidRequestError("an Upstash REST URL is https://<name>.upstash.io")
    if parts.username or parts.password:
        raise InvalidRequestError("put the token of a REST URL into token=, not into the URL")
    if not token:
        raise InvalidRequestError(
            "an Upstash REST URL needs its token: token=…, CREDITS_TOKEN or "
            "UPSTASH_REDIS_REST_TOKEN"
        )
    if not isinstance(token, str) or not re.fullmatch("[!-~]+", token):
        raise InvalidRequestError("a REST token is a str of visible ASCII characters")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InvalidRequestError(
            "http:// would send the token in the clear: use https:// (http:// is for loopback)"
        )


def _load(module: str, extra: str) -> Any:
    return load(f"credits_core.backends.{module}", extra)
