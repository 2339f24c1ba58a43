"""The store behind a client of any flavour, reached past the library: to look and to tamper."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from credits_core.command import Call, Failure
from credits_core.keys import KeySpace
from tests.support.typescript import parse_transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOOK = """
local found = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local held = {}
  if kind == 'string' then held = {redis.call('GET', key)} end
  if kind == 'zset' then held = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  if kind == 'hash' then held = redis.call('HGETALL', key) end
  if kind == 'list' then held = redis.call('LRANGE', key, 0, -1) end
  found[i] = {kind, redis.call('PTTL', key), held}
end
return found
"""


@dataclass(frozen=True)
class Look:
    """All keys of an account at one instant: balance, log, state, then idempotency records."""

    keys: tuple[str, ...]
    found: list[Any]

    @property
    def balance(self) -> str | None:
        return self.found[0][2][0] if self.found[0][0] == "string" else None

    @property
    def members(self) -> list[str]:
        """The log, oldest first."""
        return self.found[1][2][::2]

    @property
    def scores(self) -> list[float]:
        return [float(score) for score in self.found[1][2][1::2]]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The log as the TypeScript SDK reads it."""
        return [parse_transaction(member) for member in self.members]

    @property
    def total(self) -> float:
        return sum(entry["amount"] for entry in self.entries)

    @property
    def kept(self) -> dict[str, int]:
        """The keys that exist, with their time to live (ms; -1 for ever)."""
        pairs = zip(self.keys, self.found, strict=True)
        return {key: ttl for key, (kind, ttl, _) in pairs if kind != "none"}


class Store:
    """Runs plain commands on the backend of a client."""

    def __init__(self, client: Any) -> None:
        self._sync = hasattr(client, "sync")
        self._backend = (client.sync if self._sync else client)._backend

    async def run(self, *words: str | float) -> Any:
        """One Redis command; its error fails the test."""
        call = Call(None, (), tuple(map(str, words)))
        if self._sync:
            (reply,) = await asyncio.to_thread(self._backend.execute, (call,), 10.0)
        else:
            (reply,) = await self._backend.execute((call,), 10.0)
        assert not isinstance(reply, Failure), reply
        return reply

    async def look(self, user: str, prefix: str = "") -> Look:
        """One instant of an account."""
        keys = KeySpace(prefix).account(user)
        return Look(keys, await self.run("EVAL", _LOOK, len(keys), *keys))

    async def append(self, user: str, entries: Iterable[tuple[float, str]]) -> None:
        """Write (score, member) pairs into a log, as another app would."""
        words = [str(word) for pair in entries for word in pair]
        for start in range(0, len(words), 2000):
            await self.run("ZADD", f"txs:{user}", *words[start : start + 2000])


def entry(number: int, amount: float, at: int, action: str = "old") -> str:
    """A member as another app writes it; numbers make the ids differ."""
    fields = {"id": f"tx_{at}_{number:06d}", "amount": amount, "action": action, "timestamp": at}
    return json.dumps(fields, separators=(",", ":"))
