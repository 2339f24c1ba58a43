"""Plain calls with which the tests of the helpers look at a server."""

import os
import subprocess

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

INCR = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


def client_of(url: str, **options) -> redis.Redis:
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, retry=retry, socket_timeout=0.3, **options)


def incr(client: redis.Redis, key: str = "n") -> int:
    return client.eval(INCR, 1, key, 1)


def packed(*args: str) -> bytes:
    return b"".join(redis.Connection().pack_command(*args))


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return not state.stdout.strip().startswith(b"Z")
