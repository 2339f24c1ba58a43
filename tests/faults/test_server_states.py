"""Servers that answer and cannot be used: full, evicting, read-only, loading, talking nonsense."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from credits_core import (
    AsyncCredits,
    BackendError,
    BackendUnavailableError,
    Credits,
    OutcomeUnknownError,
    Receipt,
)
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import METADATA, Line, Stories, attempt, bounded, read_ledger, ready
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.topology import wait_until

FAST = ("--repl-diskless-sync-delay", "0")


@pytest.fixture
def open_credits(opened, sync):
    def open_one(url: str, **options):
        maker = Credits if sync else AsyncCredits
        client = maker.from_url(url, **({"timeout": 1} | options))
        return opened(AsyncFace(client) if sync else client)

    return open_one


@pytest.fixture(scope="module")
def pair():
    """A primary and its read-only replica."""
    with (
        Server(*FAST) as primary,
        Server(*FAST, "--replicaof", "127.0.0.1", str(primary.port)) as replica,
    ):
        wait_until(
            lambda: replica.call("INFO", "replication")["master_link_status"] == "up", "the replica"
        )
        yield primary, replica


@pytest.fixture(scope="module")
def full():
    with Server("--maxmemory", "20mb", "--maxmemory-policy", "noeviction") as server:
        yield server


async def test_a_server_that_evicts_any_key_is_refused_with_advice(open_credits, user):
    with Server("--maxmemory-policy", "allkeys-lru") as server:
        error = await attempt(open_credits(server.url).add(user, 5, "opening"))
        assert isinstance(error, BackendError)
        assert "allkeys-lru" in str(error)
        assert "noeviction" in str(error)
        assert server.call("DBSIZE") == 0


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_full_server_changes_nothing(open_credits, full, user, key):
    credits = open_credits(full.url)
    await ready(credits, user)
    full.call("CONFIG", "SET", "maxmemory", "1")
    errors = [
        await attempt(credits.deduct(user, 10, "charge", METADATA, idempotency_key=key)),
        await attempt(credits.add(user, 10, "charge", METADATA, idempotency_key=key)),
        await attempt(credits.initialize_user(f"new-{user}")),
    ]
    balance = await credits.get_balance(user)
    full.call("CONFIG", "SET", "maxmemory", "0")
    for error in errors:
        assert isinstance(error, BackendUnavailableError)
        assert "maxmemory" in str(error)
    assert balance == read_ledger(full, user).balance == 1000
    assert full.call("EXISTS", f"balance:new-{user}", f"txs:new-{user}") == 0
    assert (await credits.deduct(user, 10, "charge", idempotency_key=key)).balance == 990


async def test_a_replica_is_unavailable_for_writes(open_credits, pair, user):
    primary, replica = pair
    await ready(open_credits(primary.url), user)
    wait_until(lambda: replica.call("GET", f"balance:{user}") == "1000", "the replica to follow")
    credits = open_credits(replica.url)
    error = await attempt(credits.deduct(user, 10, "charge", METADATA))
    assert isinstance(error, BackendUnavailableError)
    assert "nothing changed" in str(error)
    assert await credits.get_balance(user) == 1000


async def test_a_primary_that_is_demoted_behind_its_name_is_left(opened, pair, user, sync):
    primary, replica = pair
    with Proxy(primary) as name:
        credits = opened(Line(name, sync=sync).open(timeout=1))
        await ready(credits, user)
        await asyncio.gather(*(credits.get_transactions(user, limit=n + 1) for n in range(600)))
        name.upstream = (name.upstream[0], replica.port)
        replica.call("REPLICAOF", "NO", "ONE")
        primary.call("REPLICAOF", "127.0.0.1", replica.port)
        receipt = await attempt(credits.deduct(user, 10, "charge"))
        balance = await attempt(credits.get_balance(user))
        wait_until(
            lambda: primary.call("INFO", "replication")["master_link_status"] == "up", "the link"
        )
        primary.call("REPLICAOF", "NO", "ONE")
        replica.call("REPLICAOF", "127.0.0.1", primary.port)
        wait_until(
            lambda: replica.call("INFO", "replication")["master_link_status"] == "up", "the link"
        )
    assert isinstance(receipt, Receipt)
    assert receipt.balance == balance == 990


async def test_a_server_that_loads_its_data_is_unavailable_until_it_has(open_credits, user):
    with Server("--key-load-delay", "100", persistent=True) as server:
        # It answers every thousand keys or so, and so once in a while.
        credits = open_credits(server.url, timeout=3)
        await ready(credits, user)
        with server.client() as raw, raw.pipeline(transaction=False) as filling:
            for number in range(16_000):
                filling.set(f"filling:{number}", "x")
            filling.execute()
        server.kill()
        await attempt(credits.get_balance(user))  # finds its connections broken
        coming = asyncio.create_task(asyncio.to_thread(server.start))
        stories = Stories(user)
        while not coming.done():
            await stories.charge(credits)
        await coming
        told = [outcome for _, outcome in stories.told.values()]
        assert any("loading" in str(outcome).lower() for outcome in told)
        kinds = {type(outcome) for outcome in told} - {Receipt}
        assert kinds <= {BackendUnavailableError, OutcomeUnknownError}
        assert isinstance(await stories.charge(credits), Receipt)
        await stories.check(credits, server)


@contextmanager
def talker(answer: bytes):
    """A server that answers everything with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        stop = threading.Event()

        def serve() -> None:
            with suppress(OSError):
                while not stop.is_set():
                    connection, _ = listener.accept()
                    threading.Thread(target=chat, args=(connection,), daemon=True).start()

        def chat(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                while connection.recv(65536):
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        with suppress(OSError):
            socket.create_connection(listener.getsockname()).close()
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"?\r\n",
        b"+OK\r\n",
        b"$-1\r\n",
        b"*1\r\n$3\r\nabc\r\n",
        b":1\r\n:2\r\n",
        b"-ERR no\r\n",
        b"\x00\x01",
    ],
)
async def test_what_is_no_redis_is_refused_in_words(open_credits, user, answer):
    with talker(answer) as port, bounded():
        url = f"redis://127.0.0.1:{port}"
        error = await attempt(open_credits(url, timeout=0.4).deduct(user, 1, "charge"))
    assert isinstance(error, BackendError)
