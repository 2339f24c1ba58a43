"""What both clients share: the settings, and how a report of many accounts is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core import validation
from credits_core.commands import SignUp
from credits_core.errors import InvalidRequestError
from credits_core.keys import KeySpace

if TYPE_CHECKING:
    from credits_core.backends import AsyncBackend, Backend

DEFAULT_CREDITS = 100
DEFAULT_TIMEOUT = 1.0
"""Seconds that a call may take in all, its second try included."""

MAX_TIMEOUT = 60.0


class Settings:
    """The checked settings of a client."""

    def __init__(
        self,
        backend: Backend | AsyncBackend,
        *,
        method: str,
        default_credits: int,
        auto_initialize: bool,
        prefix: str,
        timeout: float,
    ) -> None:
        check_backend(backend, method)
        self.default_credits = validation.starting_credits(default_credits)
        if not isinstance(auto_initialize, bool):  # "false" of an environment is true
            kind = type(auto_initialize).__name__
            raise InvalidRequestError(f"auto_initialize is True or False, not {kind}")
        self.sign_up = SignUp(self.default_credits if auto_initialize else None)
        self.timeout = check_timeout(timeout)
        self.keys = KeySpace(_prefix(prefix, braces=backend.braces), braces=backend.braces)


def check_backend(backend: Any, method: str) -> None:
    """Refuse what is no backend, and say how to wrap what is a client."""
    methods = (getattr(backend, name, None) for name in ("execute", method))
    if all(map(callable, methods)) and isinstance(getattr(backend, "braces", None), bool):
        return
    kind = f"{type(backend).__module__}.{type(backend).__name__}"
    raise InvalidRequestError(
        f"a backend is expected, not {kind}: wrap a client of your own in RedisBackend or "
        f"AsyncRedisBackend (credits_core.backends.redis), ClusterBackend or AsyncClusterBackend "
        f"(….redis_cluster), UpstashClientBackend or AsyncUpstashClientBackend (….upstash), or "
        f"use from_url"
    )


def check_timeout(timeout: object) -> float:
    """Seconds, above 0 and at most 60."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise InvalidRequestError(f"timeout is a number of seconds, not {type(timeout).__name__}")
    if not 0 < timeout <= MAX_TIMEOUT:
        raise InvalidRequestError(f"timeout is above 0 and at most {MAX_TIMEOUT:g} s: {timeout!r}")
    return float(timeout)


def _prefix(prefix: object, *, braces: bool) -> str:
    if not isinstance(prefix, str) or not prefix.isprintable() or len(prefix) > 64:
        raise InvalidRequestError("prefix is a printable str of at most 64 characters")
    if prefix.startswith(("balance:", "txs:", "credits:")):
        raise InvalidRequestError(
            "prefix begins like a key of an app without one, which might take yours for its own"
        )
    if braces and ("{" in prefix or "}" in prefix):
        raise InvalidRequestError("prefix holds a brace, which on Redis Cluster would set the slot")
    return prefix
