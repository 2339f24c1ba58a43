"""The TypeScript SDK of the tests does what the real one does."""

import time

import pytest
import redis
import redis.asyncio

from tests.support.javascript import stringify
from tests.support.typescript import (
    InsufficientCreditsError,
    TransactionError,
    TypeScriptSDK,
    parse_transaction,
)


async def test_operations(server):
    async with redis.asyncio.Redis.from_url(server.url) as client:
        sdk = TypeScriptSDK(client)
        assert await sdk.get_balance("u") == 0
        first = await sdk.initialize_user("u", 100)
        again = await sdk.initialize_user("u", 50)
        assert (first.balance, again.balance, again.tx_id) == (100, 100, "already_initialized")
        await sdk.add("u", 20, "purchase", {"payment": "ü"})
        result = await sdk.deduct("u", 30, "chat_message")
        assert result.balance == await sdk.get_balance("u") == 90
        with pytest.raises(InsufficientCreditsError) as refusal:
            await sdk.deduct("u", 91, "chat_message")
        assert (refusal.value.required, refusal.value.available) == (91, 90)
        with pytest.raises(TransactionError):
            await sdk.add("u", 0, "nothing")
        assert (await sdk.verify_balance("u")).valid
        await client.set("balance:u", 95)
        assert (await sdk.verify_balance("u")).difference == 5
        assert await sdk.rebuild_balance("u") == 90
        assert await client.get("balance:u") == b"90"


async def test_log(server):
    async with redis.asyncio.Redis.from_url(server.url) as client:
        sdk = TypeScriptSDK(client, clock_skew_ms=-3_600_000)
        before = time.time() * 1000 - 3_600_000
        await sdk.initialize_user(" u ")
        sdk.clock_skew_ms += 1000
        await sdk.add(" u ", 2.5, "gift")
        sdk.clock_skew_ms = 0
        result = await sdk.deduct(" u ", 1, "chat", {"b": 1, "10": None, "2": 1.0})
        [(member, score), *_] = await client.zrange("txs: u ", 0, -1, desc=True, withscores=True)
        assert member.decode() == (
            f'{{"id":"{result.tx_id}","amount":-1,"action":"chat",'
            f'"metadata":{{"2":1,"10":null,"b":1}},"timestamp":{result.timestamp}}}'
        )
        assert score == result.timestamp
        newest, gift, sign_up = await sdk.get_transactions(" u ")
        assert (gift["amount"], "metadata" in gift) == (2.5, False)
        assert sign_up["metadata"] == {"starting_credits": 100}
        assert abs(sign_up["timestamp"] - before) < 5_000
        start = newest["timestamp"]
        assert await sdk.get_transactions(" u ", start_time=start) == [newest]
        assert await sdk.get_transactions(" u ", end_time=start, limit=2) == [newest, gift]
        assert await sdk.get_balance(" u ") == 101.5


def test_stringify():
    text = stringify({"s": 'é"\n\x7f\u2028\ud800', "f": [1e15, 1e16, 0.1, float("nan")]})
    expected = '{"s":"é\\"\\n\x7f\u2028\\ud800","f":[1000000000000000,10000000000000000,0.1,null]}'
    assert text == expected


@pytest.mark.parametrize(
    "member",
    [
        "[]",
        '{"id":"tx","amount":"1","action":"a","timestamp":1}',
        '{"id":"tx","amount":true,"action":"a","timestamp":1}',
        '{"id":"tx","amount":NaN,"action":"a","timestamp":1}',
        '{"id":"tx","amount":1,"action":"a","timestamp":1,"metadata":null}',
    ],
)
def test_foreign_types_are_refused(member):
    with pytest.raises(AssertionError):
        parse_transaction(member)
