"""The proxy breaks what it is told to break, and nothing else."""

import asyncio
import socket
import ssl
import time

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff

from tests.support.calls import INCR, client_of, incr, packed
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.tls import make_certificates


def test_passes_on_what_it_is_not_told_to_break(proxy, client):
    assert incr(client) == 1
    value = b"x" * 300_000
    client.set("large", value)
    assert client.get("large") == value
    assert (proxy.connections, proxy.requests, proxy.armed) == (1, 1, 0)


def test_dropped_request_is_not_executed(server, proxy, client):
    proxy.drop_request()
    with pytest.raises(redis.ConnectionError):
        incr(client)
    assert server.call("GET", "n") is None
    assert incr(client) == 1


def test_lost_reply(server, proxy, client):
    proxy.lose_reply(times=2)
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            incr(client)
    assert server.call("GET", "n") == "2"
    assert incr(client) == 3


def test_reply_lost_in_silence(server, proxy, client):
    proxy.lose_reply_silently()
    with pytest.raises(redis.TimeoutError):
        incr(client)
    proxy.wait_idle()
    assert server.call("GET", "n") == "1"
    assert incr(client) == 2


def test_reply_cut_short(server, proxy):
    proxy.cut_reply(2)
    with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
        raw.sendall(packed("EVAL", "return 'hello'", "0"))
        assert (raw.recv(100), raw.recv(100)) == (b"$5", b"")


def test_delayed_request_lands_though_the_client_has_gone(server, proxy, client):
    proxy.delay_request(2)
    with pytest.raises(redis.TimeoutError):
        incr(client)
    client.close()
    assert server.call("GET", "n") is None
    proxy.wait_idle()
    assert server.call("GET", "n") == "1"


def test_delayed_reply(server, proxy, client):
    proxy.delay_reply(0.15)
    start = time.monotonic()
    assert incr(client) == 1
    assert time.monotonic() - start > 0.15


def test_only_what_matches_is_broken(proxy, client):
    proxy.drop_request(matching=b"GETDEL")
    assert incr(client) == 1
    with pytest.raises(redis.ConnectionError):
        client.getdel("n")
    proxy.drop_request()
    proxy.clear()
    assert (incr(client), proxy.requests) == (2, 2)


def test_handshakes_pass(proxy):
    proxy.lose_reply()
    with client_of(proxy.url, client_name="me", protocol=3) as client:
        assert client.ping()
        with pytest.raises(redis.ConnectionError):
            incr(client)


def test_large_request_is_one(server, proxy):
    proxy.lose_reply()
    with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
        raw.settimeout(5)
        raw.sendall(packed("EVAL", INCR + " --" + "x" * 1_000_000, "1", "n", "1"))
        assert raw.recv(100) == b""
    assert (server.call("GET", "n"), proxy.requests) == ("1", 1)


def test_pipeline_is_broken_as_a_whole(server, proxy):
    proxy.cut_reply(10)
    with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
        raw.settimeout(5)
        raw.sendall(packed("EVAL", INCR, "1", "n", "1") * 100)
        assert (raw.recv(100), raw.recv(100)) == (b":1\r\n:2\r\n:3", b"")
    assert (server.call("GET", "n"), proxy.requests) == ("100", 1)


def test_earlier_replies_of_a_connection_arrive(server, proxy):
    with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
        raw.settimeout(5)
        proxy.delay_reply(0.1, matching=b"first")
        proxy.lose_reply(matching=b"second")
        raw.sendall(packed("EVAL", INCR, "1", "first", "1"))
        time.sleep(0.05)
        raw.sendall(packed("EVAL", INCR, "1", "second", "1"))
        assert (raw.recv(100), raw.recv(100)) == (b":1\r\n", b"")
    assert server.call("GET", "second") == "1"


def test_refuses_and_accepts(proxy, client):
    proxy.refuse()
    assert incr(client) == 1  # the open connection stays
    proxy.disconnect()
    with pytest.raises(redis.ConnectionError):
        incr(client)
    with pytest.raises(redis.ConnectionError, match="refused"):
        incr(client)
    proxy.accept()
    assert incr(client) == 2


def test_dead_and_frozen_upstream(tmp_path):
    with Server() as server, Proxy(server) as proxy, client_of(proxy.url) as client:
        assert incr(client) == 1
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            incr(client)
        server.thaw()
        proxy.wait_idle()
        assert server.call("GET", "n") == "2"
        server.kill()
        with pytest.raises(redis.ConnectionError):
            incr(client)
        server.start()
        assert incr(client) == 1


async def test_async_client(server, proxy):
    retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
    async with redis.asyncio.Redis.from_url(proxy.url, retry=retry) as client:
        proxy.lose_reply()
        with pytest.raises(redis.ConnectionError):
            await client.eval(INCR, 1, "n", 1)
        assert await asyncio.gather(*(client.eval(INCR, 1, "n", 1) for _ in range(50)))
    assert server.call("GET", "n") == "51"


def test_tls(server, tmp_path):
    certificates = make_certificates(tmp_path)
    with Proxy(server, tls=certificates.server) as proxy:
        assert proxy.url.startswith("rediss://")
        with client_of(proxy.url, ssl_ca_certs=str(certificates.ca_file)) as client:
            assert incr(client) == 1
            proxy.lose_reply()
            with pytest.raises(redis.ConnectionError):
                incr(client)
            assert incr(client) == 3
        with (
            client_of(proxy.url) as stranger,
            pytest.raises(redis.ConnectionError, match="certificate"),
        ):
            stranger.ping()
        context = certificates.client
        assert context.verify_mode is ssl.CERT_REQUIRED
