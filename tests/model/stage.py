"""Where the machine plays: one store, the clients that share it, and a look at what it holds."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fakeredis
import redis.asyncio

from credits_core import Credits
from credits_core.backends import memory
from credits_core.command import Failure
from tests.model.clock import lot
from tests.support.moving_clock import KEY
from tests.support.typescript import TypeScriptSDK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from credits_core.command import Call, Reply
    from tests.support.rest import RestServer
    from tests.support.servers import Server

START = 1_800_000_000_000.125

GRANT = 30
"""What the clients give that sign users up at their first touch."""

FAMILIES = (
    "balance", "txs", "credits:state", "credits:grants", "credits:due", "credits:charges:0",
    "credits:charges:1", "credits:additions",
)  # fmt: skip

WITNESSED = frozenset({
    "deduct", "add", "batch", "initialize", "hold", "extend", "settle", "refund", "revoke", "send",
    "collect",
    "receive", "recall", "renew",
})  # fmt: skip
"""Scripts that find what they did before."""

ALL = """
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, held = redis.call('TYPE', key).ok, nil
  if kind == 'string' then held = redis.call('GET', key)
  elseif kind == 'hash' then held = redis.call('HGETALL', key)
  else held = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  all[#all + 1] = {key, kind, held}
end
return all
"""


@dataclass(frozen=True)
class Look:
    """What the store holds of one account at one instant: its keys by family."""

    keys: dict[str, Any]

    @property
    def balance(self) -> int | None:
        text = self.keys.get("balance")
        return None if text is None else int(text)

    @property
    def log(self) -> list[tuple[str, float]]:
        """Members with their scores, oldest first."""
        flat = self.keys.get("txs", [])
        return list(zip(flat[::2], map(float, flat[1::2]), strict=True))

    def state(self, kind: str) -> dict[str, str]:
        """The fields of the state that are holds, or grants."""
        start = f"{kind} "
        fields = self.keys.get("credits:state", {}).items()
        return {name[len(start) :]: text for name, text in fields if name.startswith(start)}


class Recorder:
    """A backend that keeps what it sent, and at times loses an answer on the way back."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.braces = inner.braces
        self.sent: list[tuple[Call, Reply]] = []
        self.lose = False

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        replies = list(self._inner.execute(calls, timeout))
        for i, (call, reply) in enumerate(zip(calls, replies, strict=True)):
            if call.script is not None and not isinstance(reply, Failure):
                self.sent.append((call, reply))
                if self.lose and reply[0] == "ok" and call.script.name in WITNESSED:
                    self.lose = False
                    replies[i] = Failure("unknown", "lost on the way back")
        return replies

    def close(self) -> None:
        self._inner.close()


class Stage:
    """One store: an ordinary client, one that signs up by itself, and a TypeScript app."""

    def __init__(self, open_client: Callable[[], Credits], raw: Any, foreign: Any) -> None:
        self._inner = open_client()
        self.backend = Recorder(self._inner._backend)
        self.plain = Credits(self.backend, timeout=5.0)
        self.auto = Credits(self.backend, timeout=5.0, auto_initialize=True, default_credits=GRANT)
        self.raw = raw
        self._foreign = foreign
        self._runner = asyncio.Runner()
        self._all = raw.register_script(ALL)
        self._entries: dict[str, dict[str, Any]] = {}
        self.now = 0.0

    def reset(self) -> None:
        """An empty store, at the same instant in every game."""
        self.raw.flushall()
        self._entries.clear()
        lot.seed(0)
        self.backend.sent.clear()
        self.set_clock(START)

    def set_clock(self, now: float) -> None:
        """Say what time it is; the clients hear it at their next call, which is made here."""
        self.now = now
        self.raw.set(KEY, f"{now:.3f}")
        for client in (self.plain, self.auto):
            client.get_transactions("nobody", limit=1)

    def typescript(self, method: str, *args: Any, skew_ms: int = 0) -> Any:
        """Let the TypeScript SDK do something; its clock may be wrong."""
        sdk = TypeScriptSDK(self._foreign, int(self.now) + skew_ms)
        return self._runner.run(getattr(sdk, method)(*args))

    def look(self) -> dict[str, Look]:
        """One instant of all accounts, in one round trip; each key must be one of theirs."""
        accounts: dict[str, dict[str, Any]] = {}
        for key, kind, held in self._all():
            if key == KEY:
                continue
            family, _, user = key.rpartition(":")
            assert family in FAMILIES, key
            value = dict(zip(held[::2], held[1::2], strict=True)) if kind == "hash" else held
            accounts.setdefault(user, {})[family] = value
        return {user: Look(keys) for user, keys in accounts.items()}

    def entry(self, member: str) -> dict[str, Any]:
        """The fields of a member."""
        if member not in self._entries:
            self._entries[member] = json.loads(member)
        return self._entries[member]

    def close(self) -> None:
        """Close all clients."""
        self.plain.close()
        self.auto.close()
        self._inner.close()
        self.raw.close()
        self._runner.run(self._foreign.aclose())
        self._runner.close()


def on_tcp(server: Server) -> Stage:
    """The real server, over TCP."""
    return Stage(
        lambda: Credits.from_url(server.url, timeout=5.0),
        server.client(),
        redis.asyncio.Redis(unix_socket_path=server.unix_path, decode_responses=True),
    )


def on_rest(server: Server, rest: RestServer) -> Stage:
    """The real server, behind Upstash's REST API."""
    return Stage(
        lambda: Credits.from_url(rest.url, token=rest.token, timeout=5.0),
        server.client(),
        redis.asyncio.Redis(unix_socket_path=server.unix_path, decode_responses=True),
    )


def in_memory() -> Stage:
    """The embedded store."""
    name = uuid.uuid4().hex
    store = memory._server(name)
    return Stage(
        lambda: Credits.from_url(f"memory://{name}", timeout=5.0),
        fakeredis.FakeStrictRedis(server=store, decode_responses=True),
        fakeredis.FakeAsyncRedis(server=store, decode_responses=True),
    )
