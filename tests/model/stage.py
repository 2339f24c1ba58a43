"""Where the machine plays: one store, the clients that share it, and a look at what it holds."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fakeredis
import redis.asyncio

from credits_core import (
    Credits,
    IdempotencyConflictError,
    InsufficientCreditsError,
    LimitExceededError,
    Receipt,
)
from credits_core.backends import memory
from tests.support.typescript import TypeScriptSDK, parse_transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.rest import RestServer
    from tests.support.servers import Server

GRANT = 30
"""What the clients give that sign users up at their first touch."""


@dataclass(frozen=True)
class Look:
    """What the store holds of an account, at one instant; the log oldest first."""

    balance: str | None
    log: list[tuple[str, float]]

    def entries(self) -> list[dict[str, Any]]:
        """The members as the TypeScript SDK reads them."""
        return [parse_transaction(member) for member, _ in self.log]


class Stage:
    """One store: an ordinary client, one that signs up by itself, and a TypeScript app."""

    def __init__(self, open_client: Callable[..., Credits], raw: Any, foreign: Any) -> None:
        self.plain = open_client(timeout=5.0)
        self.auto = open_client(timeout=5.0, auto_initialize=True, default_credits=GRANT)
        self.raw = raw
        self._foreign = foreign
        self._runner = asyncio.Runner()

    def typescript(self, method: str, *args: Any, skew_ms: int = 0) -> Any:
        """Let the TypeScript SDK do something; its clock may be wrong."""
        sdk = TypeScriptSDK(self._foreign, skew_ms)
        return self._runner.run(getattr(sdk, method)(*args))

    def look(self, user: str) -> Look:
        """One instant of an account."""
        pipeline = self.raw.pipeline(transaction=True)
        pipeline.get(f"balance:{user}")
        pipeline.zrange(f"txs:{user}", 0, -1, withscores=True)
        balance, log = pipeline.execute()
        return Look(balance, log)

    def contents(self, user: str) -> list[Any]:
        """All that any key of an account holds."""
        names = ("charges:0", "charges:1", "additions", "state")
        hashes = [self.raw.hgetall(f"credits:{name}:{user}") for name in names]
        return [self.look(user), *hashes]

    def close(self) -> None:
        """Close all clients."""
        self.plain.close()
        self.auto.close()
        self.raw.close()
        self._runner.run(self._foreign.aclose())
        self._runner.close()


def on_tcp(server: Server) -> Stage:
    """The real server, over TCP."""
    return Stage(
        lambda **options: Credits.from_url(server.url, **options),
        server.client(),
        redis.asyncio.Redis(unix_socket_path=server.unix_path, decode_responses=True),
    )


def on_rest(server: Server, rest: RestServer) -> Stage:
    """The real server, behind Upstash's REST API."""
    return Stage(
        lambda **options: Credits.from_url(rest.url, token=rest.token, **options),
        server.client(),
        redis.asyncio.Redis(unix_socket_path=server.unix_path, decode_responses=True),
    )


def in_memory() -> Stage:
    """The embedded store."""
    name = uuid.uuid4().hex
    store = memory._server(name)
    return Stage(
        lambda **options: Credits.from_url(f"memory://{name}", **options),
        fakeredis.FakeStrictRedis(server=store, decode_responses=True),
        fakeredis.FakeAsyncRedis(server=store, decode_responses=True),
    )


def observe(call: Callable[[], Any]) -> tuple[Any, ...]:
    """What a call did, as the ledger puts it."""
    try:
        result = call()
    except InsufficientCreditsError as error:
        return ("insufficient", error.required, error.available)
    except IdempotencyConflictError as error:
        return ("conflict", error.tx_id)
    except LimitExceededError as error:
        return ("limit", error.rule)
    if not isinstance(result, Receipt):
        return ("balance", result)
    at = result.timestamp if result.created else None
    told = (result.tx_id, result.amount, result.balance, result.created, result.replayed)
    return ("receipt", *told, at)
