"""A fork while other threads hold the locks of a pool: the child starts with its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from credits_core import Credits
from tests.faults.helpers import read_ledger
from tests.support.topology import Cluster, Sentinel

HELD = """
import faulthandler, os, sys, threading
from credits_core import Credits

url, user = sys.argv[1:]
credits = Credits.from_url(url, timeout=2)
credits.deduct(user, 1, "parent")
backend = credits._backend
if "cluster" in url:
    nodes = backend._client.nodes_manager
    locks = [backend._opening, backend._client._lock, nodes._lock]
    locks += [getattr(nodes, "_initialization_lock", threading.Lock())]  # not in redis-py 6
    locks += [node.redis_connection.connection_pool._lock for node in backend._client.get_nodes()]
else:
    pools = [backend._pool]
    if manager := getattr(backend._pool, "sentinel_manager", None):
        pools += [client.connection_pool for client in manager.sentinels]
    locks = [lock for pool in pools for lock in (pool._lock, pool._fork_lock)]
held, done = threading.Event(), threading.Event()

def hold():
    for lock in locks:
        lock.acquire()
    held.set()
    done.wait()
    for lock in locks:
        lock.release()

threading.Thread(target=hold).start()
held.wait()
statuses = []
for charges in (3, 0):
    pid = os.fork()
    if pid == 0:
        faulthandler.dump_traceback_later(4, exit=True)
        for _ in range(charges):
            credits.deduct(user, 1, "child")
        credits.close()
        os._exit(0)
    statuses.append(os.waitpid(pid, 0)[1])
done.set()
assert statuses == [0, 0], statuses
credits.deduct(user, 1, "parent")
credits.close()
"""


def fork_with_locks_held(url: str, user: str) -> int:
    with Credits.from_url(url, timeout=2) as credits:
        credits.add(user, 100, "opening")
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", HELD, url, user]
    return subprocess.run(command, timeout=30, check=False).returncode


@pytest.mark.parametrize("options", ["", "?max_connections=3"])
def test_a_child_of_one_server(store, user, options):
    assert fork_with_locks_held(store.url + options, user) == 0
    assert read_ledger(store, user).balance == 95


def test_a_child_behind_sentinel(user):
    with Sentinel() as group:
        assert fork_with_locks_held(group.url, user) == 0
        assert read_ledger(group.primary, user).balance == 95


def test_a_child_of_a_cluster(user):
    with Cluster() as cluster:
        assert fork_with_locks_held(cluster.url, user) == 0
