"""Reading over a link of ordinary speed: a page that takes too long is asked for in less."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import pytest

from credits_core import AsyncCredits, BackendUnavailableError, Credits
from tests.contract.flavours import AsyncFace

RATE = 8_000_000
"""Bytes a second and connection, from the server to the client."""

ENTRIES = 1200
METADATA = {"prompt": "x" * 3800}


@asynccontextmanager
async def slow_link(server):
    """The port of a relay to `server` whose replies come at `RATE`."""
    links = set()

    async def pump(source, target, rate):
        with suppress(OSError):
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
                await asyncio.sleep(len(data) / rate if rate else 0)
        target.close()

    async def link(reader, writer):
        links.add(asyncio.current_task())
        to_server = writer
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", server.port)
            await asyncio.gather(pump(reader, to_server, 0), pump(from_server, writer, RATE))
        except asyncio.CancelledError:
            pass  # the relay goes away
        finally:
            writer.transport.abort()
            to_server.transport.abort()

    relay = await asyncio.start_server(link, "127.0.0.1", 0)
    try:
        yield relay.sockets[0].getsockname()[1]
    finally:
        relay.close()
        for task in links:
            task.cancel()
        await asyncio.gather(*links)


@pytest.fixture(params=["async", "sync"])
async def far(request, server):
    """A client with ordinary settings behind a slow link."""
    async with slow_link(server) as port:
        url = f"redis://127.0.0.1:{port}/0"
        if request.param == "async":
            client = AsyncCredits.from_url(url)
        else:
            client = AsyncFace(Credits.from_url(url))
        yield client
        await client.aclose()


def fill(server, user, count=ENTRIES):
    """An account with entries as heavy as they may be."""
    pipeline = server.client().pipeline(transaction=False)
    for at in range(1, count + 1):
        fields = {"id": f"tx_{at}", "amount": 1, "action": "a", "metadata": METADATA}
        pipeline.zadd(f"txs:{user}", {json.dumps(fields | {"timestamp": at}): at})
    pipeline.set(f"balance:{user}", count)
    pipeline.execute()


async def test_heavy_accounts_are_verified_and_repaired(far, server, new_user):
    users = [new_user() for _ in range(10)]
    for user in users:
        fill(server, user, 600)
    server.client().incr(f"balance:{users[3]}", 7)
    report = await far.reconcile(users)
    assert (report.verified, report.fixed, report.problems) == (9, 1, ())
    assert await far.rebuild_balance(users[3]) == 600


async def test_a_heavy_log_is_read_to_its_end(far, server, user):
    fill(server, user)
    assert (await far.verify_balance(user)).valid
    newest = await far.get_transactions(user, limit=1000)
    assert [found.timestamp for found in newest] == list(range(ENTRIES, ENTRIES - 1000, -1))
    walked = [found.timestamp async for found in far.iter_transactions(user)]
    assert walked == list(range(ENTRIES, 0, -1))
    export = await far.export_account(user)
    assert [found.timestamp for found in export.transactions] == walked[::-1]


async def test_what_stays_away_ends_the_reading(server, user):
    fill(server, user, 10)
    async with slow_link(server) as port:
        client = AsyncCredits.from_url(f"redis://127.0.0.1:{port}/0", timeout=0.2)
        assert len(await client.get_transactions(user)) == 10
    # The relay is gone.
    for read in (client.verify_balance, client.get_transactions, client.export_account):
        with pytest.raises(BackendUnavailableError):
            await asyncio.wait_for(read(user), 5)
    await client.aclose()
