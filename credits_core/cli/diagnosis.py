"""What observations of a store mean for money, in words: pure functions of what was seen."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from credits_core._client import DEFAULT_TIMEOUT
from credits_core.cli.durability import durability
from credits_core.cli.findings import Finding
from credits_core.delivery import TRY_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core.cli.findings import Level
    from credits_core.cli.probe import Observations

OLDEST = (6, 2)
LOOPBACK = ("", "localhost", "127.0.0.1", "::1")
REST = ("http", "https")

SLOW_MS = 50.0
SKEW_NOTE_MS = 1000.0
SKEW_WARNING_MS = 10_000.0


def findings(seen: Observations) -> list[Finding]:
    """All there is to say of a store."""
    if seen.away:
        return [Finding("danger", "connection", _why_away(seen.away))]
    return [finding for topic in _TOPICS for finding in topic(seen)]


def server(seen: Observations) -> tuple[str, str]:
    """The name and the version of a server, "" where it does not say."""
    info = seen.info
    if seen.scheme == "memory":
        return "embedded store", ""
    for name in ("Upstash", "Valkey", "Dragonfly"):
        if version := info.get(f"{name.lower()}_version"):
            return name, version
    if seen.scheme in REST:
        return "Upstash", info.get("redis_version", "")
    return ("Redis", info["redis_version"]) if "redis_version" in info else ("a server", "")


def _why_away(reason: str) -> str:
    words = reason.lower()
    if "noauth" in words or "authentication required" in words:
        cure = "It asks for a password: put it into the URL (redis://:password@host)"
    elif "wrongpass" in words or "username-password" in words or "401" in words:
        cure = "The name, the password or the token is not the one that it knows"
    elif "timed out" in words or "timeout" in words or "in time" in words:
        cure = "Look for a firewall or a server that hangs, or give it more --timeout"
    elif "ssl" in words or "certificate" in words:
        cure = "rediss:// is for servers that speak TLS, redis:// for those that do not"
    else:
        cure = "Look whether it runs, and whether host and port are right"
    return f"The store does not answer: {reason.rstrip('.')}. {cure}."


def _connection(seen: Observations) -> Iterator[Finding]:
    name, version = server(seen)
    told = f"{name} {version}".strip()
    yield Finding("ok", "server", f"{told[0].upper()}{told[1:]} answers.")
    if seen.info_refused:
        yield Finding(
            "note",
            "server",
            f"INFO is not shown by this store ({seen.info_refused}): what depends on it is "
            f"left out here, and a client cannot check the eviction policy.",
        )
    numbers = seen.info.get("redis_version", "").split(".")[:2]
    if all(part.isdecimal() for part in numbers) and tuple(map(int, numbers)) < OLDEST:
        yield Finding(
            "warning",
            "server",
            f"Version {'.'.join(numbers)} is older than 6.2, the oldest that this library is "
            f"tested on: upgrade the server.",
        )
    if seen.scheme == "memory":
        yield Finding(
            "danger",
            "persistence",
            "The embedded store ends with its process, and all balances with it: it is for "
            "tests and demos. Use a server for credits that somebody paid for.",
        )
    if seen.info.get("loading") == "1":
        yield Finding("warning", "server", "It is still loading its data: wait until it is done.")


def _access(seen: Observations) -> Iterator[Finding]:
    far = seen.host not in LOOPBACK
    if not far or seen.scheme == "memory" or seen.scheme in REST:
        return
    if not seen.login:
        yield Finding(
            "warning",
            "access",
            "It answers without a password, from another machine: who reaches its port can "
            "mint credits. Set requirepass or ACL users, and close the port to others.",
        )
    if not seen.scheme.startswith("rediss"):
        yield Finding(
            "note",
            "access",
            "The connection is not encrypted: outside of a private network use rediss://.",
        )


def _scripts(seen: Observations) -> Iterator[Finding]:
    if seen.script_refused:
        yield Finding(
            "danger",
            "scripts",
            f"It refuses scripts ({seen.script_refused}), and every operation is one: allow "
            f"EVAL and EVALSHA to this user.",
        )
    trips = sorted(seen.latency_ms)
    if not trips:
        return
    told = (
        f"{len(trips)} balances took {trips[0]:.2f} ms at least, {median(trips):.2f} ms in the "
        f"middle, {trips[-1]:.2f} ms at most"
    )
    bound = TRY_SHARE * DEFAULT_TIMEOUT * 1000
    if trips[-1] > bound:
        yield Finding(
            "warning",
            "latency",
            f"{told}: a client tries again after {bound:g} ms. Bring the app nearer to the "
            f"store, look what else keeps it busy, or give the client more timeout.",
        )
    elif median(trips) > SLOW_MS:
        yield Finding(
            "note", "latency", f"{told}: an app that runs near the store charges much faster."
        )
    else:
        yield Finding("ok", "latency", f"{told}.")


def _clock(seen: Observations) -> Iterator[Finding]:
    if seen.skew_ms is None:
        yield Finding("note", "clock", "The server's time is not shown by this store.")
        return
    seconds = abs(seen.skew_ms) / 1000
    if abs(seen.skew_ms) < SKEW_NOTE_MS:
        yield Finding("ok", "clock", "The server's clock and this machine's agree.")
        return
    level: Level = "warning" if abs(seen.skew_ms) > SKEW_WARNING_MS else "note"
    way = "ahead of" if seen.skew_ms > 0 else "behind"
    yield Finding(
        level,
        "clock",
        f"The server's clock is {seconds:.1f} s {way} this machine's. The ledger goes by the "
        f"server's; let NTP set both.",
    )


def _key_scheme(seen: Observations) -> Iterator[Finding]:
    clustered = seen.info.get("cluster_enabled")
    if clustered == "1" and not seen.braces:
        yield Finding(
            "danger",
            "cluster",
            "The server is part of a cluster, where the keys of an account need one slot: "
            "connect with redis+cluster://. The client refuses it like this.",
        )
    elif clustered == "0" and seen.braces:
        yield Finding(
            "danger",
            "cluster",
            "redis+cluster:// writes key names in braces and this server is no cluster: "
            "connect with redis://. The client refuses it like this.",
        )
    elif seen.braces:
        yield Finding(
            "note",
            "cluster",
            "A cluster, and user ids in braces as it needs them. What is said here of memory, "
            "persistence and replicas was seen on one of its primaries.",
        )
    if seen.keys is None:
        yield Finding("note", "keys", "Looking for keys (SCAN) is not allowed by this store.")
        return
    yield from _keys(seen)


def _keys(seen: Observations) -> Iterator[Finding]:
    keys = seen.keys
    assert keys is not None  # noqa: S101 - the caller has looked
    under = f"under the prefix {seen.prefix!r}" if seen.prefix else "without a prefix"
    if keys.balances or keys.logs:
        at_least = "" if keys.complete else "at least "
        yield Finding(
            "ok",
            "keys",
            f"Found {at_least}{keys.balances} balances and {keys.logs} logs {under}.",
        )
    else:
        hint = f" There is {keys.elsewhere!r}: does --prefix fit?" if keys.elsewhere else ""
        yield Finding("note", "keys", f"No accounts {under} yet.{hint}")
    if keys.other_scheme:
        mine, other = ("{user}", "user") if seen.braces else ("user", "{user}")
        yield Finding(
            "warning",
            "keys",
            f"{keys.other_scheme} keys are written balance:{other} or txs:{other}, while this "
            f"connection writes balance:{mine}: accounts of the other scheme are not seen. "
            f"Connect all apps by the same kind of URL.",
        )
    if keys.expiring:
        yield Finding(
            "danger",
            "keys",
            f"{len(keys.expiring)} keys of accounts have a time to live and will vanish with "
            f"their credits, such as {keys.expiring[0]!r}: PERSIST them, and find out who set "
            f"EXPIRE.",
        )


_TOPICS = (_connection, _access, durability, _key_scheme, _scripts, _clock)
