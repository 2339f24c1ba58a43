"""The REST server answers as Upstash does."""

import asyncio
import base64
import hashlib
import json

import httpx
import pytest
import redis
import redis.asyncio
import upstash_redis
import upstash_redis.asyncio
from upstash_redis.errors import UpstashError

from tests.support.calls import lives
from tests.support.rest import RestServer
from tests.support.rest_process import RestProcess
from tests.support.servers import Server
from tests.support.topology import wait_until


def test_commands_and_values(http, server):
    def ask(*command):
        return http.post("/", json=command).json()

    assert ask("SET", "k", "straße") == {"result": "OK"}
    assert ask("GET", "k") == {"result": "straße"}
    assert ask("GET", "none") == {"result": None}
    assert ask("INCR", "n") == {"result": 1}
    assert ask("EVAL", "return {'OK', 1, {'a', false}}", 0) == {"result": ["OK", 1, ["a", None]]}
    assert http.get("/set/a%20b/c%2Fd").json() == {"result": "OK"}
    assert server.call("GET", "a b") == "c/d"


def test_base64(http, server):
    headers = {"Upstash-Encoding": "base64"}
    server.call("SET", "k", b"\xff\x00")
    script = "return {redis.call('GET', 'k'), 'OK', 7, {'x'}}"
    answer = http.post("/", json=["EVAL", script, "0"], headers=headers).json()
    encoded = [base64.b64encode(part).decode() for part in (b"\xff\x00", b"x")]
    assert answer == {"result": [encoded[0], "OK", 7, [encoded[1]]]}


def test_errors(http, rest):
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


def test_multi_exec(http):
    answer = http.post("/multi-exec", json=[["SET", "k", "v"], ["INCR", "k"], ["GET", "k"]])
    assert [list(item) for item in answer.json()] == [["result"], ["error"], ["result"]]
    answer = http.post("/multi-exec", json=[["SET", "k", "w"], ["NOSUCH"]])
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("EXECABORT")


def test_numbers_become_strings(http):
    sent = [5, 1.5, -2, 2.0, 999_999_999_999, 1_763_612_345_678, 10**15, True]
    texts = ["5", "1.5", "-2", "2", "999999999999", "1.763612345678e+12", "1e+15", "true"]
    answer = http.post("/", json=["EVAL", "return ARGV", 0, *sent])
    assert answer.json() == {"result": texts}


def test_limit(server):
    with RestServer(server.url, max_request_bytes=100) as rest:
        headers = {"Authorization": f"Bearer {rest.token}"}
        answer = httpx.post(rest.url, json=["ECHO", "x" * 100], headers=headers)
        assert answer.status_code == 413


def test_flag_of_upstash(http, server):
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


def test_sync_client(rest):
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


async def test_async_client(rest):
    async with upstash_redis.asyncio.Redis(rest.url, rest.token, rest_retries=0) as client:
        results = await asyncio.gather(*(client.incr("n") for _ in range(50)))
        assert sorted(results) == list(range(1, 51))
        assert await client.pipeline().get("n").ping().exec() == ["50", "PONG"]
    assert rest.requests == 51
    assert rest.commands == 52


def test_faults(rest, http, server):
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
def test_late_command(rest, http, server, execute):
    rest.delay(0.2, matching=b"INCR", execute=execute)
    assert http.post("/", json=["PING"]).json() == {"result": "PONG"}
    with pytest.raises(httpx.ReadTimeout):
        http.post("/", json=["INCR", "n"], timeout=0.1)
    assert server.call("GET", "n") == ("1" if execute else None)
    wait_until(lambda: server.call("GET", "n") == "1", "the late command", 5)


def test_default_retry_of_the_client_charges_twice(rest, server):
    with upstash_redis.Redis(rest.url, rest.token, rest_retry_interval=0.01) as client:
        rest.lose_reply()
        assert client.incr("n") == 2


async def test_process_of_its_own(server):
    with RestProcess(server.url, token="secret") as rest:
        async with upstash_redis.asyncio.Redis(rest.url, rest.token, rest_retries=0) as client:
            assert await client.incr("n") == 1
        assert lives(rest.pid)
    assert not lives(rest.pid)


def test_outages(tmp_path):
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
