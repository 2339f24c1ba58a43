"""The first words with a store: its clock, and whether it can be trusted with money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.command import Call, Failure, Reply
from credits_core.errors import BackendError, BackendUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.clock import ServerClock

GREETING = (Call(None, (), ("TIME",)), Call(None, (), ("INFO",)))


def info_fields(text: str) -> dict[str, str]:
    """The fields of an INFO reply."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value.strip() for name, _, value in pairs}


def understand(
    replies: Sequence[Reply | Failure],
    clock: ServerClock,
    *,
    braces: bool,
    sent: float,
    received: float,
) -> None:
    """Set the clock; refuse a store that would lose balances or scatter accounts."""
    time_reply, info = replies
    if isinstance(time_reply, Failure):
        raise BackendUnavailableError(
            f"the store cannot be reached, nothing was executed: {time_reply.reason}"
        )
    try:
        seconds, microseconds = map(int, time_reply)
    except (TypeError, ValueError):
        raise BackendError("this is no Redis: it does not tell its time when asked") from None
    clock.observe(seconds * 1000 + microseconds / 1000, sent, received)
    if isinstance(info, str):  # an ACL may forbid INFO; `credits doctor` says so
        _check(info_fields(info), braces=braces)


def _check(info: dict[str, str], *, braces: bool) -> None:
    policy = info.get("maxmemory_policy", "")
    if policy.startswith("allkeys-"):
        raise BackendError(
            f"this server evicts any key when memory is full (maxmemory-policy {policy}), "
            f"balances too: set maxmemory-policy to noeviction, or use another server"
        )
    clustered = info.get("cluster_enabled") == "1"
    if clustered and not braces:
        raise BackendError(
            "this server is part of a Redis Cluster, where an account's keys need one slot: "
            "connect with redis+cluster://"
        )
    if braces and info.get("cluster_enabled") == "0":
        raise BackendError(
            "redis+cluster:// writes key names in braces, and this server is not a cluster: "
            "connect with redis://, or accounts of other apps are not found"
        )
