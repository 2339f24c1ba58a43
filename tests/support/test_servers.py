"""Servers: they start, freeze, die and leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import redis.asyncio
import upstash_redis

from tests.support.calls import client_of, lives
from tests.support.proxy import Proxy
from tests.support.rest import RestServer
from tests.support.servers import Server
from tests.support.topology import wait_until


def test_answers_on_tcp_and_on_its_socket(server):
    with client_of(server.url) as tcp, client_of(server.unix_url) as unix:
        tcp.set("k", "v")
        assert unix.get("k") == b"v"


def test_frozen_server_answers_late(server):
    with client_of(server.url) as client:
        client.ping()
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.incr("n")
        server.thaw()
    wait_until(lambda: server.call("GET", "n") == "1", "the late command", 5)


def test_persistent_server_keeps_what_it_acknowledged():
    with Server(persistent=True) as server:
        port = server.port
        server.call("SET", "k", "v")
        server.kill()
        assert not server.running
        with pytest.raises(redis.ConnectionError):
            server.call("PING")
        server.start()
        assert (server.port, server.call("GET", "k")) == (port, "v")
        server.freeze()
        assert server.restart().call("GET", "k") == "v"


def test_plain_server_forgets_on_restart():
    with Server("--maxmemory-policy", "allkeys-lru") as server:
        server.call("SET", "k", "v")
        assert server.restart().call("GET", "k") is None
        assert server.call("CONFIG", "GET", "maxmemory-policy") == {
            "maxmemory-policy": "allkeys-lru"
        }


def test_password():
    with Server("--requirepass", "x") as server:
        with client_of(server.url) as tcp, client_of(server.unix_url) as unix:
            assert tcp.ping()
            assert unix.ping()
        with Proxy(server) as proxy, client_of(proxy.url) as client:
            assert client.ping()
        with (
            RestServer(server.url) as rest,
            upstash_redis.Redis(rest.url, rest.token) as client,
        ):
            assert client.ping() == "PONG"


def test_moves_on_when_its_port_is_taken():
    with socket.socket() as taken:
        server = Server()
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        with server:
            assert server.port != taken.getsockname()[1]


def test_nothing_outlives_killed_tests():
    code = (
        "import time; from tests.support.servers import Server; "
        "server = Server().start(); server.freeze(); "
        "print(server.pid, server.folder, flush=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        pid, folder = tests.stdout.readline().decode().split()
        os.kill(int(pid), 0)
        tests.send_signal(signal.SIGKILL)
    wait_until(lambda: not lives(int(pid)), "the orphan's end", 5)
    wait_until(lambda: not Path(folder).exists(), "the end of its folder", 5)
