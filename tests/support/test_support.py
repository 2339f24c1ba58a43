"""The helpers do what the tests that rely on them believe."""

import asyncio
import base64
import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
import redis.asyncio
import upstash_redis
import upstash_redis.asyncio
from redis.asyncio.cluster import RedisCluster
from redis.backoff import NoBackoff
from redis.retry import Retry
from upstash_redis.errors import UpstashError

from tests.support.javascript import stringify
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.rest import RestServer
from tests.support.rest_process import RestProcess
from tests.support.servers import Server
from tests.support.tls import make_certificates
from tests.support.topology import Cluster, Sentinel, wait_until
from tests.support.typescript import (
    InsufficientCreditsError,
    TransactionError,
    TypeScriptSDK,
    parse_transaction,
)

INCR = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.call("FLUSHALL")
    shared_server.call("SCRIPT", "FLUSH")
    return shared_server


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server) as proxy:
        yield proxy


@pytest.fixture
def rest(server: Server) -> Iterator[RestServer]:
    with RestServer(server.url, token="secret") as rest:
        yield rest


@pytest.fixture
def client(proxy: Proxy) -> Iterator[redis.Redis]:
    with _client(proxy.url) as client:
        client.ping()
        yield client


@pytest.fixture
def http(rest: RestServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rest.url, headers={"Authorization": "Bearer secret"}) as http:
        yield http


def _client(url: str, **options) -> redis.Redis:
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, retry=retry, socket_timeout=0.3, **options)


def _incr(client: redis.Redis, key: str = "n") -> int:
    return client.eval(INCR, 1, key, 1)


class TestServer:
    def test_answers_on_tcp_and_on_its_socket(self, server):
        with _client(server.url) as tcp, _client(server.unix_url) as unix:
            tcp.set("k", "v")
            assert unix.get("k") == b"v"

    def test_frozen_server_answers_late(self, server):
        with _client(server.url) as client:
            client.ping()
            server.freeze()
            with pytest.raises(redis.TimeoutError):
                client.incr("n")
            server.thaw()
        wait_until(lambda: server.call("GET", "n") == "1", "the late command", 5)

    def test_persistent_server_keeps_what_it_acknowledged(self):
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

    def test_plain_server_forgets_on_restart(self):
        with Server("--maxmemory-policy", "allkeys-lru") as server:
            server.call("SET", "k", "v")
            assert server.restart().call("GET", "k") is None
            assert server.call("CONFIG", "GET", "maxmemory-policy") == {
                "maxmemory-policy": "allkeys-lru"
            }

    def test_password(self):
        with Server("--requirepass", "x") as server:
            with _client(server.url) as tcp, _client(server.unix_url) as unix:
                assert tcp.ping()
                assert unix.ping()
            with Proxy(server) as proxy, _client(proxy.url) as client:
                assert client.ping()
            with (
                RestServer(server.url) as rest,
                upstash_redis.Redis(rest.url, rest.token) as client,
            ):
                assert client.ping() == "PONG"

    def test_moves_on_when_its_port_is_taken(self):
        with socket.socket() as taken:
            server = Server()
            taken.bind(("127.0.0.1", server.port))
            taken.listen()
            with server:
                assert server.port != taken.getsockname()[1]

    def test_nothing_outlives_killed_tests(self):
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
        wait_until(lambda: not _lives(int(pid)), "the orphan's end", 5)
        wait_until(lambda: not Path(folder).exists(), "the end of its folder", 5)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return not state.stdout.strip().startswith(b"Z")


class TestProxy:
    def test_passes_on_what_it_is_not_told_to_break(self, proxy, client):
        assert _incr(client) == 1
        value = b"x" * 300_000
        client.set("large", value)
        assert client.get("large") == value
        assert (proxy.connections, proxy.requests, proxy.armed) == (1, 1, 0)

    def test_dropped_request_is_not_executed(self, server, proxy, client):
        proxy.drop_request()
        with pytest.raises(redis.ConnectionError):
            _incr(client)
        assert server.call("GET", "n") is None
        assert _incr(client) == 1

    def test_lost_reply(self, server, proxy, client):
        proxy.lose_reply(times=2)
        for _ in range(2):
            with pytest.raises(redis.ConnectionError):
                _incr(client)
        assert server.call("GET", "n") == "2"
        assert _incr(client) == 3

    def test_reply_lost_in_silence(self, server, proxy, client):
        proxy.lose_reply_silently()
        with pytest.raises(redis.TimeoutError):
            _incr(client)
        proxy.wait_idle()
        assert server.call("GET", "n") == "1"
        assert _incr(client) == 2

    def test_reply_cut_short(self, server, proxy):
        proxy.cut_reply(2)
        with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
            raw.sendall(_packed("EVAL", "return 'hello'", "0"))
            assert (raw.recv(100), raw.recv(100)) == (b"$5", b"")

    def test_delayed_request_lands_though_the_client_has_gone(self, server, proxy, client):
        proxy.delay_request(2)
        with pytest.raises(redis.TimeoutError):
            _incr(client)
        client.close()
        assert server.call("GET", "n") is None
        proxy.wait_idle()
        assert server.call("GET", "n") == "1"

    def test_delayed_reply(self, server, proxy, client):
        proxy.delay_reply(0.15)
        start = time.monotonic()
        assert _incr(client) == 1
        assert time.monotonic() - start > 0.15

    def test_only_what_matches_is_broken(self, proxy, client):
        proxy.drop_request(matching=b"GETDEL")
        assert _incr(client) == 1
        with pytest.raises(redis.ConnectionError):
            client.getdel("n")
        proxy.drop_request()
        proxy.clear()
        assert (_incr(client), proxy.requests) == (2, 2)

    def test_handshakes_pass(self, proxy):
        proxy.lose_reply()
        with _client(proxy.url, client_name="me", protocol=3) as client:
            assert client.ping()
            with pytest.raises(redis.ConnectionError):
                _incr(client)

    def test_large_request_is_one(self, server, proxy):
        proxy.lose_reply()
        with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
            raw.settimeout(5)
            raw.sendall(_packed("EVAL", INCR + " --" + "x" * 1_000_000, "1", "n", "1"))
            assert raw.recv(100) == b""
        assert (server.call("GET", "n"), proxy.requests) == ("1", 1)

    def test_pipeline_is_broken_as_a_whole(self, server, proxy):
        proxy.cut_reply(10)
        with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
            raw.settimeout(5)
            raw.sendall(_packed("EVAL", INCR, "1", "n", "1") * 100)
            assert (raw.recv(100), raw.recv(100)) == (b":1\r\n:2\r\n:3", b"")
        assert (server.call("GET", "n"), proxy.requests) == ("100", 1)

    def test_earlier_replies_of_a_connection_arrive(self, server, proxy):
        with socket.create_connection(("127.0.0.1", proxy.port)) as raw:
            raw.settimeout(5)
            proxy.delay_reply(0.1, matching=b"first")
            proxy.lose_reply(matching=b"second")
            raw.sendall(_packed("EVAL", INCR, "1", "first", "1"))
            time.sleep(0.05)
            raw.sendall(_packed("EVAL", INCR, "1", "second", "1"))
            assert (raw.recv(100), raw.recv(100)) == (b":1\r\n", b"")
        assert server.call("GET", "second") == "1"

    def test_refuses_and_accepts(self, proxy, client):
        proxy.refuse()
        assert _incr(client) == 1  # the open connection stays
        proxy.disconnect()
        with pytest.raises(redis.ConnectionError):
            _incr(client)
        with pytest.raises(redis.ConnectionError, match="refused"):
            _incr(client)
        proxy.accept()
        assert _incr(client) == 2

    def test_dead_and_frozen_upstream(self, tmp_path):
        with Server() as server, Proxy(server) as proxy, _client(proxy.url) as client:
            assert _incr(client) == 1
            server.freeze()
            with pytest.raises(redis.TimeoutError):
                _incr(client)
            server.thaw()
            proxy.wait_idle()
            assert server.call("GET", "n") == "2"
            server.kill()
            with pytest.raises(redis.ConnectionError):
                _incr(client)
            server.start()
            assert _incr(client) == 1

    async def test_async_client(self, server, proxy):
        retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
        async with redis.asyncio.Redis.from_url(proxy.url, retry=retry) as client:
            proxy.lose_reply()
            with pytest.raises(redis.ConnectionError):
                await client.eval(INCR, 1, "n", 1)
            assert await asyncio.gather(*(client.eval(INCR, 1, "n", 1) for _ in range(50)))
        assert server.call("GET", "n") == "51"

    def test_tls(self, server, tmp_path):
        certificates = make_certificates(tmp_path)
        with Proxy(server, tls=certificates.server) as proxy:
            assert proxy.url.startswith("rediss://")
            with _client(proxy.url, ssl_ca_certs=str(certificates.ca_file)) as client:
                assert _incr(client) == 1
                proxy.lose_reply()
                with pytest.raises(redis.ConnectionError):
                    _incr(client)
                assert _incr(client) == 3
            with (
                _client(proxy.url) as stranger,
                pytest.raises(redis.ConnectionError, match="certificate"),
            ):
                stranger.ping()
            context = certificates.client
            assert context.verify_mode is ssl.CERT_REQUIRED


def _packed(*args: str) -> bytes:
    return b"".join(redis.Connection().pack_command(*args))


class TestRest:
    def test_commands_and_values(self, http, server):
        def ask(*command):
            return http.post("/", json=command).json()

        assert ask("SET", "k", "straße") == {"result": "OK"}
        assert ask("GET", "k") == {"result": "straße"}
        assert ask("GET", "none") == {"result": None}
        assert ask("INCR", "n") == {"result": 1}
        assert ask("EVAL", "return {'OK', 1, {'a', false}}", 0) == {
            "result": ["OK", 1, ["a", None]]
        }
        assert http.get("/set/a%20b/c%2Fd").json() == {"result": "OK"}
        assert server.call("GET", "a b") == "c/d"

    def test_base64(self, http, server):
        headers = {"Upstash-Encoding": "base64"}
        server.call("SET", "k", b"\xff\x00")
        script = "return {redis.call('GET', 'k'), 'OK', 7, {'x'}}"
        answer = http.post("/", json=["EVAL", script, "0"], headers=headers).json()
        encoded = [base64.b64encode(part).decode() for part in (b"\xff\x00", b"x")]
        assert answer == {"result": [encoded[0], "OK", 7, [encoded[1]]]}

    def test_errors(self, http, rest):
        answer = http.post("/", json=["EVALSHA", "0" * 40, "0"])
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("NOSCRIPT")
        answer = http.post("/pipeline", json=[["SET", "k", "v"], ["INCR", "k"], ["GET", "k"]])
        assert answer.status_code == 200
        assert [list(item) for item in answer.json()] == [["result"], ["error"], ["result"]]
        assert http.post("/", content=b"{").status_code == 400
        assert http.post("/", json=[]).status_code == 400
        answer = http.post("/", json=["PING"], headers={"Authorization": "Bearer wrong"})
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})

    def test_multi_exec(self, http):
        answer = http.post("/multi-exec", json=[["SET", "k", "v"], ["INCR", "k"], ["GET", "k"]])
        assert [list(item) for item in answer.json()] == [["result"], ["error"], ["result"]]
        answer = http.post("/multi-exec", json=[["SET", "k", "w"], ["NOSUCH"]])
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("EXECABORT")

    def test_numbers_become_strings(self, http):
        sent = [5, 1.5, -2, 2.0, 999_999_999_999, 1_763_612_345_678, 10**15, True]
        texts = ["5", "1.5", "-2", "2", "999999999999", "1.763612345678e+12", "1e+15", "true"]
        answer = http.post("/", json=["EVAL", "return ARGV", 0, *sent])
        assert answer.json() == {"result": texts}

    def test_limit(self, server):
        with RestServer(server.url, max_request_bytes=100) as rest:
            headers = {"Authorization": f"Bearer {rest.token}"}
            answer = httpx.post(rest.url, json=["ECHO", "x" * 100], headers=headers)
            assert answer.status_code == 413

    def test_flag_of_upstash(self, http, server):
        script = "#!lua flags=allow-key-locking\nreturn redis.call('INCR', KEYS[1])"
        sha = hashlib.sha1(script.encode()).hexdigest()
        with pytest.raises(redis.ResponseError):
            server.call("EVAL", script, 1, "n")
        evalsha = ["EVALSHA", sha, "1", "n"]
        assert http.post("/", json=evalsha).json()["error"].startswith("NOSCRIPT")
        answer = http.post("/pipeline", json=[["EVAL", script, "1", "n"], evalsha])
        assert answer.json() == [{"result": 1}, {"result": 2}]
        assert http.post("/", json=["SCRIPT", "LOAD", script]).json() == {"result": sha}
        assert http.post("/", json=["SCRIPT", "EXISTS", sha]).json() == {"result": [1]}
        http.post("/", json=["SCRIPT", "FLUSH"])
        assert http.post("/", json=evalsha).json()["error"].startswith("NOSCRIPT")

    def test_sync_client(self, rest):
        with upstash_redis.Redis(rest.url, rest.token, rest_retries=0) as client:
            assert client.set("k", "v")
            assert client.eval("return {ARGV[1], 1, 'OK'}", args=["ü"]) == ["ü", 1, "OK"]
            with pytest.raises(UpstashError, match="NOSCRIPT"):
                client.evalsha("0" * 40)
            assert client.pipeline().set("a", "1").incr("a").exec() == [True, 2]
            assert client.multi().incr("a").incr("a").exec() == [3, 4]
        with (
            upstash_redis.Redis(rest.url, "wrong") as client,
            pytest.raises(UpstashError, match="Unauthorized"),
        ):
            client.ping()

    async def test_async_client(self, rest):
        async with upstash_redis.asyncio.Redis(rest.url, rest.token, rest_retries=0) as client:
            results = await asyncio.gather(*(client.incr("n") for _ in range(50)))
            assert sorted(results) == list(range(1, 51))
            assert await client.pipeline().get("n").ping().exec() == ["50", "PONG"]
        assert rest.requests == 51
        assert rest.commands == 52

    def test_faults(self, rest, http, server):
        incr = ["INCR", "n"]
        rest.lose_reply()
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/", json=incr)
        rest.drop_request()
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/", json=incr)
        assert server.call("GET", "n") == "1"
        rest.status(502, "bad gateway")
        answer = http.post("/", json=incr)
        assert (answer.status_code, answer.text) == (502, "bad gateway")
        assert server.call("GET", "n") == "1"
        rest.status(502, execute=True)
        assert http.post("/", json=incr).status_code == 502
        rest.garbage_json()
        with pytest.raises(json.JSONDecodeError):
            http.post("/", json=incr).json()
        assert http.post("/", json=incr).json() == {"result": 4}

    @pytest.mark.parametrize("execute", [False, True])
    def test_late_command(self, rest, http, server, execute):
        rest.delay(0.2, matching=b"INCR", execute=execute)
        assert http.post("/", json=["PING"]).json() == {"result": "PONG"}
        with pytest.raises(httpx.ReadTimeout):
            http.post("/", json=["INCR", "n"], timeout=0.1)
        assert server.call("GET", "n") == ("1" if execute else None)
        wait_until(lambda: server.call("GET", "n") == "1", "the late command", 5)

    def test_default_retry_of_the_client_charges_twice(self, rest, server):
        with upstash_redis.Redis(rest.url, rest.token, rest_retry_interval=0.01) as client:
            rest.lose_reply()
            assert client.incr("n") == 2

    async def test_process_of_its_own(self, server):
        with RestProcess(server.url, token="secret") as rest:
            async with upstash_redis.asyncio.Redis(rest.url, rest.token, rest_retries=0) as client:
                assert await client.incr("n") == 1
            assert _lives(rest.pid)
        assert not _lives(rest.pid)

    def test_outages(self, tmp_path):
        with Server() as server, RestServer(server.url) as rest, httpx.Client() as http:
            headers = {"Authorization": f"Bearer {rest.token}"}

            def ping() -> httpx.Response:
                return http.post(rest.url, json=["PING"], headers=headers)

            assert ping().status_code == 200
            server.kill()
            assert ping().status_code == 503
            server.start()
            assert ping().status_code == 200
            rest.stop()
            with pytest.raises(httpx.ConnectError):
                ping()
            rest.start()
            assert ping().status_code == 200


class TestTypeScript:
    async def test_operations(self, server):
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

    async def test_log(self, server):
        async with redis.asyncio.Redis.from_url(server.url) as client:
            sdk = TypeScriptSDK(client, clock_skew_ms=-3_600_000)
            before = time.time() * 1000 - 3_600_000
            await sdk.initialize_user(" u ")
            sdk.clock_skew_ms += 1000
            await sdk.add(" u ", 2.5, "gift")
            sdk.clock_skew_ms = 0
            result = await sdk.deduct(" u ", 1, "chat", {"b": 1, "10": None, "2": 1.0})
            [(member, score), *_] = await client.zrange(
                "txs: u ", 0, -1, desc=True, withscores=True
            )
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

    def test_stringify(self):
        text = stringify({"s": 'é"\n\x7f\u2028\ud800', "f": [1e15, 1e16, 0.1, float("nan")]})
        expected = (
            '{"s":"é\\"\\n\x7f\u2028\\ud800","f":[1000000000000000,10000000000000000,0.1,null]}'
        )
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
    def test_foreign_types_are_refused(self, member):
        with pytest.raises(AssertionError):
            parse_transaction(member)


class TestTopology:
    async def test_cluster(self):
        with Cluster() as cluster:
            host, port = cluster.url.removeprefix("redis+cluster://").split(":")
            async with RedisCluster(host=host, port=int(port)) as client:
                for n in range(50):
                    await client.set(f"k{n}", n)
            sizes = [node.call("DBSIZE") for node in cluster.nodes]
            assert sum(sizes) == 50
            assert all(sizes)
            with pytest.raises(redis.ResponseError, match="same slot"):
                cluster.nodes[0].call("EVAL", "return 1", 2, "balance:u", "txs:u")

    def test_sentinel(self):
        with Sentinel() as group:
            address = ("127.0.0.1", group.sentinel.port)
            watcher = redis.Sentinel([address])
            first = group.primary
            assert watcher.discover_master("mymaster")[1] == first.port
            first.call("SET", "k", "v")
            second = group.failover()
            assert second is not first
            assert watcher.discover_master("mymaster")[1] == second.port
            assert second.call("GET", "k") == "v"
            assert group.replica is first
            assert group.wait_for_replica() is first
            second.kill()
            assert group.wait_for_new_primary(second) is first
            assert first.call("GET", "k") == "v"
            for sentinel in watcher.sentinels:
                sentinel.close()


def test_free_ports_leave_room_for_the_bus():
    assert all(11_000 <= free_port() < 31_000 for _ in range(20))
