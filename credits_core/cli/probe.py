"""What `credits doctor` looks at: raw questions to a store, past the client's own checks."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from credits_core.backends._resp import error_text
from credits_core.cli.store import hostname
from credits_core.command import Call, Failure
from credits_core.commands import stored_balance
from credits_core.errors import BackendError
from credits_core.handshake import info_fields
from credits_core.keys import KeySpace
from credits_core.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core.backends import Backend
    from credits_core.cli.store import Store
    from credits_core.command import Reply

SETTINGS = (
    "maxmemory",
    "maxmemory-policy",
    "appendonly",
    "appendfsync",
    "save",
    "min-replicas-to-write",
)

ROUND_TRIPS = 50
LATENCY_SECONDS = 5.0
SCANS = 20
SAMPLE = 100

_TTL = "return redis.call('TTL', KEYS[1])"
_TTL_SCRIPT = Script("ttl", _TTL, hashlib.sha1(_TTL.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Keys:
    """A sample of the keys under the prefix: how many of each kind, and what is odd."""

    balances: int = 0
    logs: int = 0
    other_scheme: int = 0
    complete: bool = True
    expiring: tuple[str, ...] = ()
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Observations:
    """What a store answered; `away` is why it did not."""

    scheme: str
    host: str
    login: bool
    prefix: str
    away: str = ""
    braces: bool = False
    info: dict[str, str] = field(default_factory=dict)
    info_refused: str = ""
    config: dict[str, str] = field(default_factory=dict)
    skew_ms: float | None = None
    latency_ms: tuple[float, ...] = ()
    script_refused: str = ""
    keys: Keys | None = None
    total_keys: int | None = None


def observe(store: Store) -> Observations:
    """Ask the store all there is to ask; what it refuses is left out."""
    url, token = store.address()
    scheme = url.strip().partition("://")[0]
    login = token is not None or "@" in url
    known = Observations(scheme, hostname(url), login, store.prefix)
    try:
        backend = store.backend()
    except BackendError as error:
        return _away(known, str(error))
    try:
        return _observe(_Probe(backend, store), known)
    finally:
        backend.close()


def _away(known: Observations, reason: str) -> Observations:
    return Observations(known.scheme, known.host, known.login, known.prefix, away=reason)


class _Probe:
    """Raw questions within the time that a call may take."""

    def __init__(self, backend: Backend, store: Store) -> None:
        self._backend = backend
        self._timeout = store.timeout
        self.keys = KeySpace(store.prefix, braces=backend.braces)

    def all(self, *calls: Call) -> list[Reply | Failure]:
        try:
            return self._backend.execute(calls, self._timeout)
        except BackendError as error:
            return [Failure("no", str(error))] * len(calls)

    def ask(self, *words: str) -> Reply | Failure:
        return self.all(Call(None, (), words))[0]


def _observe(probe: _Probe, known: Observations) -> Observations:
    try:
        hello = probe.ask("PING")
    except TypeError as error:  # redis-py, of options in a URL that it does not know
        return _away(known, f"its client refuses the URL: {error_text(error)}")
    if isinstance(hello, Failure):
        return _away(known, hello.reason)
    info = probe.ask("INFO")
    refused = info.reason if isinstance(info, Failure) else ""
    latency, script_refused = _latency(probe)
    size = probe.ask("DBSIZE")
    return Observations(
        known.scheme,
        known.host,
        known.login,
        known.prefix,
        braces=probe.keys.braces,
        info={} if isinstance(info, Failure) else info_fields(str(info)),
        info_refused=refused,
        config=_config(probe),
        skew_ms=_skew(probe),
        latency_ms=latency,
        script_refused=script_refused,
        keys=_sample(probe),
        total_keys=size if isinstance(size, int) else None,
    )


def _config(probe: _Probe) -> dict[str, str]:
    config: dict[str, str] = {}
    replies = probe.all(*(Call(None, (), ("CONFIG", "GET", name)) for name in SETTINGS))
    for name, reply in zip(SETTINGS, replies, strict=True):
        if isinstance(reply, list) and len(reply) == 2:
            config[name] = str(reply[1])
    return config


def _skew(probe: _Probe) -> float | None:
    """How far the server's clock is ahead of ours (ms), as surely as the trip allows."""
    sent = time.time() * 1000
    reply = probe.ask("TIME")
    received = time.time() * 1000
    if isinstance(reply, Failure):
        return None
    server = int(reply[0]) * 1000 + int(reply[1]) / 1000
    return server - min(max(server, sent), received)


def _latency(probe: _Probe) -> tuple[tuple[float, ...], str]:
    """Round trips of a script that reads the balance of nobody; or why there are none."""
    call = stored_balance(probe.keys, "credits-doctor").bind(0)
    first = probe.all(call)[0]  # the server may have to be told the script
    if isinstance(first, Failure):
        return (), first.reason
    trips: list[float] = []
    end = time.perf_counter() + LATENCY_SECONDS
    while len(trips) < ROUND_TRIPS and time.perf_counter() < end:
        sent = time.perf_counter()
        if isinstance(probe.all(call)[0], Failure):
            break
        trips.append((time.perf_counter() - sent) * 1000)
    return tuple(trips), ""


def _sample(probe: _Probe) -> Keys | None:
    keys = probe.keys
    found: list[list[str]] = []
    complete = True
    for pattern in (keys.balance_pattern(), keys.log_pattern()):
        names, whole = _scan(probe, pattern)
        if names is None:
            return None
        found.append(names)
        complete = complete and whole
    balances, logs = found
    everything = balances + logs
    elsewhere = ""
    if not everything:
        strangers, _ = _scan(probe, "*balance:*")
        elsewhere = next(iter(strangers or ()), "")
    return Keys(
        len(balances),
        len(logs),
        sum(_in_braces(name) != keys.braces for name in everything),
        complete,
        tuple(_expiring(probe, balances[:SAMPLE] + logs[:SAMPLE])),
        elsewhere,
    )


def _scan(probe: _Probe, pattern: str) -> tuple[list[str] | None, bool]:
    """Names that fit, and whether these are all; a large store is looked at in part."""
    names: dict[str, None] = {}
    position = "0"
    for _ in range(SCANS):
        reply = probe.ask("SCAN", position, "MATCH", pattern, "COUNT", "1000")
        if isinstance(reply, Failure):
            return None, False
        position = str(reply[0])
        names.update(dict.fromkeys(reply[1]))
        if position == "0":
            return list(names), True
    return list(names), False


def _in_braces(name: str) -> bool:
    return name.endswith("}") and ":{" in name


def _expiring(probe: _Probe, names: list[str]) -> Iterator[str]:
    if names:
        replies = probe.all(*(Call(_TTL_SCRIPT, (name,), ()) for name in names))
        for name, reply in zip(names, replies, strict=True):
            if isinstance(reply, int) and reply >= 0:
                yield name
