"""What the fault tests share: breakable ways to a store, and books to check stories against."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from credits_core import (
    AsyncCredits,
    BackendUnavailableError,
    Credits,
    CreditsError,
    OutcomeUnknownError,
    Receipt,
)
from tests.contract.flavours import AsyncFace
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from tests.support.rest import RestServer
    from tests.support.servers import Server

T = TypeVar("T")

PASSWORD = "pass-word-of-the-server"
TOKEN = "token-of-the-rest-api"
NOTE = "metadata-of-the-caller"
SECRETS = (PASSWORD, TOKEN, NOTE)
METADATA = {"note": NOTE}

SCRIPTS = b"EVAL"
"""Faults meet requests that run scripts; greetings and logins pass."""


class Line:
    """One way from a client to a store, and the faults that both kinds of way have in common."""

    def __init__(self, faults: Proxy | RestServer, *, sync: bool) -> None:
        self.faults: Any = faults
        self.sync = sync
        self.tcp = isinstance(faults, Proxy)
        self._busy_until = 0.0

    def open(self, **options: Any) -> Any:
        """A client at this end of the line, with the face of an async one."""
        if not self.tcp:
            options["token"] = self.faults.token
        if self.sync:
            return AsyncFace(Credits.from_url(self.faults.url, **options))
        return AsyncCredits.from_url(self.faults.url, **options)

    def drop_request(self, times: int = 1) -> None:
        self.faults.drop_request(times, matching=SCRIPTS)

    def lose_reply(self, times: int = 1) -> None:
        self.faults.lose_reply(times, matching=SCRIPTS)

    def swallow_reply(self, times: int = 1) -> None:
        """Nothing comes back, and the connection stays open."""
        if self.tcp:
            self.faults.lose_reply_silently(times, matching=SCRIPTS)
        else:
            self.faults.delay(5, times, execute=True, matching=SCRIPTS)

    def cut_reply(self, times: int = 1) -> None:
        """The answer breaks off in its middle."""
        if self.tcp:
            self.faults.cut_reply(9, times, matching=SCRIPTS)
        else:
            self.faults.garbage_json(times, matching=SCRIPTS)

    def hold_request(self, seconds: float, times: int = 1) -> None:
        """The store gets the request late, even when the client has gone."""
        self._busy_until = time.monotonic() + seconds
        if self.tcp:
            self.faults.delay_request(seconds, times, matching=SCRIPTS)
        else:
            self.faults.delay(seconds, times, execute=False, matching=SCRIPTS)

    def hold_reply(self, seconds: float, times: int = 1) -> None:
        if self.tcp:
            self.faults.delay_reply(seconds, times, matching=SCRIPTS)
        else:
            self.faults.delay(seconds, times, execute=True, matching=SCRIPTS)

    async def all_arrived(self) -> None:
        """Return when the store has got what was held back."""
        if self.tcp:
            await asyncio.to_thread(self.faults.wait_idle, 20)
        else:
            await asyncio.sleep(max(0.0, self._busy_until - time.monotonic()) + 0.15)


@dataclass(frozen=True)
class Ledger:
    """An account as it is stored, read past every fault."""

    balance: int
    entries: tuple[dict[str, Any], ...]
    by_action: Mapping[str, list[dict[str, Any]]] = field(repr=False)

    def of(self, action: str) -> list[tuple[str, int]]:
        return [(entry["id"], entry["amount"]) for entry in self.by_action.get(action, [])]


def read_ledger(server: Server, user: str, *, braces: bool = False) -> Ledger:
    """The account; its balance must be the sum of its log, and no transaction be there twice."""
    name = f"{{{user}}}" if braces else user
    with server.client() as raw, raw.pipeline(transaction=True) as both:
        both.get(f"balance:{name}").zrange(f"txs:{name}", 0, -1)
        stored, members = both.execute()
    entries = tuple(json.loads(member) for member in members)
    assert int(stored or 0) == sum(entry["amount"] for entry in entries)
    assert len({entry["id"] for entry in entries}) == len(entries)
    by_action: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        by_action.setdefault(entry["action"], []).append(entry)
    return Ledger(int(stored or 0), entries, by_action)


def check_secrets(error: BaseException, *secrets: str) -> None:
    """What people and logs get to see of an error holds no secret."""
    seen = "\n".join([str(error), repr(error), *traceback.format_exception(error)])
    for secret in (*SECRETS, *secrets):
        assert secret not in seen


async def attempt(call: Awaitable[T]) -> T | CreditsError:
    """What a caller is told: a result, or an error of ours as a value, without a secret in it."""
    try:
        return await call
    except CreditsError as error:
        check_secrets(error)
        return error


@contextmanager
def bounded() -> Iterator[None]:
    """What happens here comes to an end: far from for ever, and from how busy a machine may be.

    How long a call may take in all is a sum of waits, which the tests of deliveries add up.
    """
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 60


async def ready(credits: Any, user: str, credits_: int = 1000) -> None:
    """Open an account, with every script that the tests use known to the server."""
    await _insist(credits, lambda: credits.add(user, credits_ + 1, "opening"))
    await _insist(credits, lambda: credits.deduct(user, 1, "opening"))
    await _insist(credits, lambda: credits.get_balance(user))


async def _insist(credits: Any, call: Callable[[], Any]) -> Any:
    """Do it once: a busy machine may not answer within the short time of a test's client."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return await call()
        except OutcomeUnknownError as error:
            found = await _insist(credits, partial(credits.resolve, error))
            if found is not None:
                return found
        except BackendUnavailableError:
            assert time.monotonic() < deadline


def connections(server: Server) -> list[dict[str, str]]:
    """The clients that the server sees on its port."""
    with server.client() as raw:
        return [client for client in raw.client_list() if client["addr"].startswith("127.")]


async def wait_for_connections(server: Server, count: int) -> None:
    """Return once so many are left; a server may take a moment to see that one has gone."""
    deadline = time.monotonic() + 5
    while len(left := connections(server)) != count:
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.01)


class Stories:
    """What callers were told of their charges, each with an action of its own."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.told: dict[str, tuple[int, Receipt | CreditsError | None]] = {}

    async def charge(self, credits: Any, amount: int = 1) -> Receipt | CreditsError:
        action = f"call-{len(self.told)}"
        self.told[action] = (amount, None)  # None: cancelled, told nothing
        outcome = await attempt(credits.deduct(self.user, amount, action, METADATA))
        self.told[action] = (amount, outcome)
        return outcome

    def count(self, kind: type) -> int:
        return sum(isinstance(outcome, kind) for _, outcome in self.told.values())

    async def check(self, credits: Any, server: Server) -> Ledger:
        """Compare what was told, and what `resolve` answers, with the log."""
        unknown = {
            action: outcome
            for action, (_, outcome) in self.told.items()
            if isinstance(outcome, OutcomeUnknownError)
        }
        answers = await asyncio.gather(*map(credits.resolve, unknown.values()))
        found: dict[str, Receipt | None] = dict(zip(unknown, answers, strict=True))
        ledger = read_ledger(server, self.user)
        for action, (amount, outcome) in self.told.items():
            entries = ledger.of(action)
            if isinstance(outcome, Receipt):
                assert entries == [(outcome.tx_id, -amount)], (action, outcome)
                assert (outcome.amount, outcome.replayed) == (amount, False)
            elif isinstance(outcome, OutcomeUnknownError):
                receipt = found[action]
                expected = [] if receipt is None else [(receipt.tx_id, -amount)]
                assert entries == expected, (action, outcome)
                assert receipt is None or receipt.tx_id == outcome.tx_id
            elif outcome is None:
                assert len(entries) <= 1, action
            else:
                assert entries == [], (action, outcome)
        assert set(ledger.by_action) <= {*self.told, "opening"}
        return ledger
