"""Opening a client: settings and URLs are checked where they are given, and secrets stay secret."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
import redis
import redis.asyncio
import upstash_redis
import upstash_redis.asyncio

from credits_core import AsyncCredits, Credits, InvalidRequestError
from credits_core.config import ENVIRONMENT, from_environment
from tests.contract.test_bad_input import CREDITS

BOTH = pytest.mark.parametrize("client", [Credits, AsyncCredits])
SECRET = "hunter2-secret"


@BOTH
@pytest.mark.parametrize(
    "timeout", [0, -1, 0.0, 60.001, 10**400, True, False, float("nan"), float("inf"), "1", None]
)
def test_a_bad_timeout(client, timeout):
    with pytest.raises(InvalidRequestError, match="timeout"):
        client.from_url("memory://", timeout=timeout)


@BOTH
@pytest.mark.parametrize("value", [*CREDITS.values(), None], ids=[*CREDITS, "none"])
def test_bad_default_credits(client, value):
    with pytest.raises(InvalidRequestError, match="credits"):
        client.from_url("memory://", default_credits=value)


@BOTH
@pytest.mark.parametrize("value", ["false", "", 1, 0, None])
def test_who_is_signed_up_unasked_is_no_word_of_an_environment(client, value):
    with pytest.raises(InvalidRequestError, match="auto_initialize is True or False"):
        client.from_url("memory://", auto_initialize=value)


@BOTH
@pytest.mark.parametrize(
    "prefix",
    [None, 5, b"app:", "a\nb", "x" * 65, "a\x00", "\ud800", "balance:", "txs:a", "credits:state:"],
)
def test_a_bad_prefix(client, prefix):
    with pytest.raises(InvalidRequestError, match="prefix"):
        client.from_url("memory://", prefix=prefix)


@pytest.mark.parametrize(
    "backend",
    [
        None,
        "redis://localhost",
        redis.Redis(),
        redis.asyncio.Redis(),
        upstash_redis.Redis(url="http://localhost", token="t", allow_telemetry=False),
        upstash_redis.asyncio.Redis(url="http://localhost", token="t", allow_telemetry=False),
        httpx.Client,
        Credits,
    ],
    ids=lambda backend: type(backend).__module__,
)
@BOTH
def test_a_client_where_a_backend_belongs(client, backend):
    with pytest.raises(InvalidRequestError, match="backend"):
        client(backend)


def test_a_backend_of_the_other_kind():
    sync, async_ = Credits.from_url("memory://"), AsyncCredits.from_url("memory://")
    with pytest.raises(InvalidRequestError, match="backend"):
        Credits(async_._backend)
    with pytest.raises(InvalidRequestError, match="backend"):
        AsyncCredits(sync._backend)


@BOTH
@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "//localhost",
        None,
        5,
        b"redis://localhost",
        f"ftp://user:{SECRET}@localhost",
        f"postgres://user:{SECRET}@localhost",
        f"redis+ssl://user:{SECRET}@localhost",
        f"redis+cluster+tls://user:{SECRET}@localhost",
        f"rediss+unix://user:{SECRET}@localhost",
        f"redis+sentinel://user:{SECRET}@localhost:26379",
        f"redis+sentinel://user:{SECRET}@localhost:26379/",
        f"redis+sentinel://user:{SECRET}@localhost:26379/service/x",
        f"redis+sentinel://user:{SECRET}@:26379/service",
        f"redis+sentinel://user:{SECRET}@localhost:port/service",
        f"redis://user:{SECRET}@localhost:port/0",
        f"redis://user:{SECRET}@localhost:99999/0",
        f"redis://user:{SECRET}@localhost/0?socket_timeout=soon",
        f"redis://user:{SECRET}@localhost/0?no_such_option=1",
        f"https://user:{SECRET}@eu1.upstash.io",
        f"https://{SECRET}@eu1.upstash.io",
        "https://eu1.upstash.io",
        "http://127.0.0.1:8079",
    ],
)
def test_a_bad_url(client, url):
    with pytest.raises(InvalidRequestError) as refusal:
        client.from_url(url)
    assert SECRET not in str(refusal.value)


@BOTH
@pytest.mark.parametrize(
    "url",
    [
        "http://eu1.upstash.io",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example:80",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://user@127.0.0.1",
        "https://user:password@eu1.upstash.io",
        "https://",
        "https://:443",
        "redis://localhost",
        "memory://",
        "unix:///tmp/s.sock",
    ],
)
def test_a_url_that_does_not_go_with_a_token(client, url):
    with pytest.raises(InvalidRequestError) as refusal:
        client.from_url(url, token=SECRET)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("token", ["", " ", "a b\r\nX-Injected: 1", "tök€n", 5])
def test_a_bad_token(token):
    with pytest.raises(InvalidRequestError, match="token"):
        Credits.from_url("https://eu1.upstash.io", token=token)


@pytest.mark.parametrize(
    "url", ["http://localhost:8079", "http://127.0.0.1:1", "http://[::1]:8079"]
)
def test_rest_without_tls_is_for_loopback(url):
    Credits.from_url(url, token=SECRET).close()


@pytest.fixture
def bare(monkeypatch):
    """An environment in which no variable of ours is set."""
    for pair in ENVIRONMENT:
        for name in pair:
            if name:
                monkeypatch.delenv(name, raising=False)
    return monkeypatch


@BOTH
def test_nothing_in_the_environment(bare, client):
    with pytest.raises(InvalidRequestError, match="CREDITS_URL") as refusal:
        client.from_env()
    assert "UPSTASH_REDIS_REST_URL" in str(refusal.value)


def test_the_environment_in_its_order():
    env = {
        "REDIS_URL": "redis://four",
        "UPSTASH_REDIS_URL": "https://three",
        "UPSTASH_REDIS_TOKEN": "t3",
        "UPSTASH_REDIS_REST_URL": " https://two ",
        "UPSTASH_REDIS_REST_TOKEN": " t2\n",
        "CREDITS_URL": "redis://one",
    }
    expected = [
        ("redis://one", None),
        ("https://two", "t2"),
        ("https://three", "t3"),
        ("redis://four", None),
    ]
    for (url_name, _), found in zip(ENVIRONMENT, expected, strict=True):
        assert from_environment(env) == found
        env[url_name] = "  "
    with pytest.raises(InvalidRequestError):
        from_environment(env)
    assert from_environment({"CREDITS_URL": "https://x", "CREDITS_TOKEN": "t"}) == (
        "https://x",
        "t",
    )


def test_the_environment_opens_a_store(bare):
    bare.setenv("CREDITS_URL", "memory://")
    with Credits.from_env(default_credits=7) as credits:
        assert credits.initialize_user("alice").balance == 7


async def test_memory_is_private_without_a_name_and_shared_by_one(user):
    one, two = Credits.from_url("memory://"), Credits.from_url("memory://")
    one.add(user, 5, "x")
    assert (one.get_balance(user), two.get_balance(user)) == (5, 0)
    with Credits.from_url(f"memory://{user}") as named:
        named.add(user, 5, "x")
    async with AsyncCredits.from_url(f"memory://{user}") as shared:
        assert await shared.get_balance(user) == 5
    assert Credits.from_url(f"memory://{user}-other").get_balance(user) == 0


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_library_loads_no_client_and_no_framework():
    code = (
        "import sys, credits_core\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(names & {'redis', 'httpx', 'upstash_redis', 'fakeredis', 'fastapi', 'click',"
        " 'pydantic', 'starlette', 'django', 'flask', 'lupa', 'httpcore'}))"
    )
    assert run(code) == "[]"


@pytest.mark.parametrize(
    ("missing", "url", "extra"),
    [
        ("redis", "redis://localhost", "redis"),
        ("redis", "redis+cluster://localhost", "redis"),
        ("httpx", "https://eu1.upstash.io", "upstash"),
        ("fakeredis", "memory://", "memory"),
    ],
)
@pytest.mark.parametrize("client", ["Credits", "AsyncCredits"])
def test_a_missing_extra_is_named(missing, url, extra, client):
    token = "'t'" if url.startswith("https") else None
    code = (
        f"import sys\nsys.modules[{missing!r}] = None\nimport credits_core\n"
        f"try:\n    credits_core.{client}.from_url({url!r}, token={token})\n"
        f"except credits_core.InvalidRequestError as error:\n    print(error)"
    )
    assert f"credits-sdk[{extra}]" in run(code)
