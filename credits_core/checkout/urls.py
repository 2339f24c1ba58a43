"""Where a checkout sends the browser back to: to the app, and to nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Returns", "origin"]

_LONGEST: Final = 2048
# Browsers read a backslash as a slash and drop line breaks: neither stands in a URL.
_PLAIN: Final = re.compile(r"[!-\[\]-~]+")


def origin(url: object) -> tuple[str, str, int] | None:
    """Scheme, host and port of an http(s) URL; None for what is none, or names somebody in it.

    >>> origin("https://App.example.org/a?b")
    ('https', 'app.example.org', 443)
    >>> origin("https://app.example.org@evil.example") is None
    True
    """
    if not isinstance(url, str) or len(url) > _LONGEST or not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)


class Returns:
    """The two URLs of a checkout, and which ones a client may ask for instead.

    `base_url` is the app's own (`https://app.example.org`); success and cancel are URLs or paths of
    it. A client's URL must be of its origin, or of one of `allowed_origins`.
    """

    def __init__(
        self, base_url: str, success: str, cancel: str, allowed_origins: Iterable[str] = ()
    ) -> None:
        """Check the URLs of the configuration."""
        allowed = [base_url, *allowed_origins]
        origins = [origin(url) for url in allowed]
        if None in origins:
            wrong = allowed[origins.index(None)]
            raise InvalidRequestError(
                f"an origin is written as https://app.example.org, and not as {wrong!r}"
            )
        self._origins = frozenset(origins)
        self.success = urljoin(base_url, success)
        self.cancel = urljoin(base_url, cancel)
        for url in (self.success, self.cancel):
            if origin(url) is None:
                raise InvalidRequestError(f"a checkout returns to an http(s) URL, not to {url!r}")

    def allows(self, url: str) -> bool:
        """Whether a client may ask to be sent there."""
        return origin(url) in self._origins
