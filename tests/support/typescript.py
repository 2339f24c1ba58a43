"""What the TypeScript SDK writes and reads, and how: naive scripts, several round trips.

It shares accounts with this SDK in production, so the tests let both loose on the same keys. The
bytes, the order of the calls and the races are its own; nothing here is meant to be right.
"""

import json
import random
import time
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from tests.support.javascript import Number, number, parse_number, stringify

DEDUCT = """
local balance = tonumber(redis.call('GET', KEYS[1]) or '0')
local amount = tonumber(ARGV[1])
if balance < amount then
  return redis.error_reply('INSUFFICIENT_CREDITS:' .. balance)
end
local new_balance = balance - amount
redis.call('SET', KEYS[1], new_balance)
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
return new_balance
"""

ADD = """
local balance = tonumber(redis.call('GET', KEYS[1]) or '0')
local new_balance = balance + tonumber(ARGV[1])
redis.call('SET', KEYS[1], new_balance)
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
return new_balance
"""

INITIALIZE = """
local existing = redis.call('GET', KEYS[1])
if existing then
  return {0, existing}
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
return {1, ARGV[1]}
"""

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class TransactionError(Exception):
    """The SDK's own refusal."""


class InsufficientCreditsError(TransactionError):
    """The balance is below the amount."""

    def __init__(self, required: Number, available: Number) -> None:
        super().__init__(f"required {required}, available {available}")
        self.required = required
        self.available = available


@dataclass(frozen=True)
class Result:
    """Its `TransactionResult`: `{ txId, balance, timestamp }`."""

    tx_id: str
    balance: Number
    timestamp: int


@dataclass(frozen=True)
class Verification:
    """Its `BalanceVerification`."""

    valid: bool
    cached: Number
    calculated: Number
    difference: Number


class TypeScriptSDK:
    """The TypeScript client on a redis-py client, with a clock that may be wrong."""

    def __init__(self, redis: Redis, clock_skew_ms: int = 0, default_credits: int = 100) -> None:
        self._redis = redis
        self.clock_skew_ms = clock_skew_ms
        self._default_credits = default_credits

    async def initialize_user(self, user_id: str, credits: Number | None = None) -> Result:
        _check_user(user_id)
        amount = self._default_credits if credits is None else credits
        tx_id, now, member = self._entry(
            amount, "user_initialized", {"starting_credits": number(amount)}
        )
        created, balance = await self._eval(INITIALIZE, user_id, stringify(amount), now, member)
        return Result(tx_id if created else "already_initialized", parse_number(balance), now)

    async def deduct(
        self, user_id: str, amount: Number, action: str, metadata: dict[str, Any] | None = None
    ) -> Result:
        _check_user(user_id)
        _check_amount(amount)
        tx_id, now, member = self._entry(-amount, action, metadata)
        try:
            balance = await self._eval(DEDUCT, user_id, stringify(amount), now, member)
        except ResponseError as error:
            _, found, available = str(error).partition("INSUFFICIENT_CREDITS:")
            if not found:
                raise
            raise InsufficientCreditsError(amount, parse_number(available.split()[0])) from None
        return Result(tx_id, balance, now)

    async def add(
        self, user_id: str, amount: Number, action: str, metadata: dict[str, Any] | None = None
    ) -> Result:
        _check_user(user_id)
        _check_amount(amount)
        tx_id, now, member = self._entry(amount, action, metadata)
        balance = await self._eval(ADD, user_id, stringify(amount), now, member)
        return Result(tx_id, balance, now)

    async def get_balance(self, user_id: str) -> Number:
        balance = await self._redis.get(f"balance:{user_id}")
        return 0 if balance is None else parse_number(balance)

    async def get_transactions(
        self,
        user_id: str,
        limit: int = 50,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> list[dict[str, Any]]:
        """Newest first; by rank without bounds, else by score and then cut."""
        key = f"txs:{user_id}"
        if start_time is None and end_time is None:
            members = await self._redis.zrange(key, 0, limit - 1, desc=True)
        else:
            low = "-inf" if start_time is None else str(start_time)
            high = "+inf" if end_time is None else str(end_time)
            members = (await self._redis.zrevrangebyscore(key, high, low))[:limit]
        return [parse_transaction(member) for member in members]

    async def verify_balance(self, user_id: str) -> Verification:
        """Two reads, and whatever happens between them."""
        cached = await self.get_balance(user_id)
        calculated = await self._calculate(user_id)
        return Verification(
            cached == calculated, cached, calculated, number(float(cached) - float(calculated))
        )

    async def rebuild_balance(self, user_id: str) -> Number:
        """Overwrites the balance with a sum that may be old by then."""
        calculated = await self._calculate(user_id)
        await self._redis.set(f"balance:{user_id}", stringify(calculated))
        return calculated

    async def _calculate(self, user_id: str) -> Number:
        members = await self._redis.zrange(f"txs:{user_id}", 0, -1)
        total = 0.0
        for member in members:
            total += parse_transaction(member)["amount"]
        return number(total)

    def _entry(
        self, amount: Number, action: str, metadata: dict[str, Any] | None
    ) -> tuple[str, int, str]:
        now = time.time_ns() // 1_000_000 + self.clock_skew_ms
        tx_id = f"tx_{now}_{''.join(random.choices(_BASE36, k=9))}"
        entry: dict[str, Any] = {"id": tx_id, "amount": amount, "action": action}
        if metadata is not None:
            entry["metadata"] = metadata
        entry["timestamp"] = now
        return tx_id, now, stringify(entry)

    async def _eval(self, script: str, user_id: str, *args: str | int) -> Any:
        return await self._redis.eval(script, 2, f"balance:{user_id}", f"txs:{user_id}", *args)


def parse_transaction(member: Any) -> dict[str, Any]:
    """Return the fields of the TypeScript `Transaction` in a member, once their types fit."""
    entry = json.loads(member, parse_constant=_refuse_constant)
    assert isinstance(entry, dict), member
    for name, kind in (("id", str), ("amount", Number), ("action", str), ("timestamp", Number)):
        assert isinstance(entry.get(name), kind), (name, member)
        assert not isinstance(entry[name], bool), (name, member)
    assert isinstance(entry.get("metadata", {}), dict), member
    known = ("id", "amount", "action", "metadata", "timestamp")
    return {name: entry[name] for name in known if name in entry}


def _check_user(user_id: str) -> None:
    if not user_id.strip():  # and then uses it untrimmed
        raise TransactionError("User ID is required")


def _check_amount(amount: Number) -> None:
    if amount <= 0:
        raise TransactionError("Amount must be positive")


def _refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")
