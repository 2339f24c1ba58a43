"""Several processes on one account, and a client used after a fork."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.faults.helpers import TOKEN, read_ledger
from tests.support.proxy import Proxy

WORKER = """
import asyncio, json, sys, threading
from credits_core import AsyncCredits, Credits, InsufficientCreditsError

kind, url, user, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
told = []

async def merged():
    async with AsyncCredits.from_url(url, timeout=10) as credits:
        async def one(n):
            try:
                told.append((await credits.deduct(user, 1, "race")).tx_id)
            except InsufficientCreditsError:
                told.append(None)
        await asyncio.gather(*(one(n) for n in range(count)))

def threads():
    with Credits.from_url(url, timeout=10) as credits:
        def work():
            for _ in range(count // 4):
                try:
                    told.append(credits.deduct(user, 1, "race").tx_id)
                except InsufficientCreditsError:
                    told.append(None)
        workers = [threading.Thread(target=work) for _ in range(4)]
        [worker.start() for worker in workers]
        [worker.join() for worker in workers]

sys.stdin.readline()
asyncio.run(merged()) if kind == "async" else threads()
print(json.dumps(told))
"""

FORK = """
import os, sys, threading
from credits_core import Credits

url, token, user = sys.argv[1], sys.argv[2] or None, sys.argv[3]
credits = Credits.from_url(url, token=token, timeout=5)
credits.deduct(user, 1, "before")

def work(action):
    for n in range(150):
        receipt = credits.deduct(user, 1 + n % 3, action)
        entry = next(e for e in credits.get_transactions(user, limit=50) if e.id == receipt.tx_id)
        assert (entry.amount, entry.action) == (-receipt.amount, action), (receipt, entry)
        assert entry.timestamp == receipt.timestamp, (receipt, entry)

children = []
for n in range(2):
    pid = os.fork()
    if pid == 0:
        try:
            work(f"child-{n}")
            credits.close()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    children.append(pid)
work("parent")
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
work("after")
credits.close()
"""

FAMILY = """
import os, sys
from credits_core import Credits

url, token, user = sys.argv[1], sys.argv[2] or None, sys.argv[3]
credits = Credits.from_url(url, token=token, timeout=5)
credits.deduct(user, 1, "parent")
for n in range(2):
    pid = os.fork()
    if pid == 0:
        credits.deduct(user, 1, f"child-{n}")
        credits.deduct(user, 1, f"child-{n}")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
credits.deduct(user, 1, "parent")
credits.close()
"""


COLLECTOR = """
import json, random, sys
from credits_core import Credits

url, user, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Credits.from_url(url, timeout=10) as credits:
    credits.get_balance(user)
    print("ready", flush=True)
    sys.stdin.readline()
    jobs = random.sample(range(count), count)
    told = [credits.collect(user, 3, "job", idempotency_key=f"job-{n}") for n in jobs]
print(json.dumps([(one.tx_id, one.amount) for one in told if not one.replayed and one.created]))
"""


def python(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_four_processes_spend_exactly_what_there_is(store, user):
    store.call("SET", f"balance:{user}", 5000)
    kinds = ["async", "async", "sync", "sync"]
    workers = [python(WORKER, kind, store.url, user, "2500") for kind in kinds]
    answers = [worker.communicate("go\n", timeout=60)[0] for worker in workers]
    told = [tx_id for answer in answers for tx_id in json.loads(answer)]
    succeeded = [tx_id for tx_id in told if tx_id is not None]
    assert (len(told), len(succeeded)) == (10_000, 5_000)

    ledger = read_ledger(store, user)
    assert ledger.balance == 0
    assert {tx_id for tx_id, amount in ledger.of("race") if amount == -1} == set(succeeded)


def test_two_processes_that_collect_the_same_keys_charge_each_once(store, user):
    store.call("SET", f"balance:{user}", 2000)
    workers = [python(COLLECTOR, store.url, user, "1000") for _ in range(2)]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert all(answers)
    told = [tuple(one) for answer in answers for one in answer]
    ledger = read_ledger(store, user)
    assert sorted(ledger.of("job")) == sorted((tx_id, -amount) for tx_id, amount in told)
    assert (len(told), ledger.balance) == (667, 0)


@pytest.mark.parametrize("kind", ["tcp", "rest"])
def test_children_of_a_fork_open_connections_of_their_own(kind, store, gateway, user):
    store.call("SET", f"balance:{user}", 100)
    with Proxy(store if kind == "tcp" else ("127.0.0.1", gateway.port)) as proxy:
        url = proxy.url if kind == "tcp" else f"http://127.0.0.1:{proxy.port}"
        with python(FAMILY, url, "" if kind == "tcp" else TOKEN, user) as parent:
            parent.communicate(timeout=60)
        assert parent.returncode == 0
        assert proxy.connections == 3
    assert read_ledger(store, user).balance == 94


@pytest.mark.parametrize("kind", ["tcp", "rest"])
def test_a_sync_client_works_on_both_sides_of_a_fork(kind, store, gateway, user):
    store.call("SET", f"balance:{user}", 100_000)
    url, token = (store.url, "") if kind == "tcp" else (gateway.url, TOKEN)
    with python(FORK, url, token, user) as parent:
        parent.communicate(timeout=60)
    assert parent.returncode == 0
    ledger = read_ledger(store, user)
    for action in ("parent", "child-0", "child-1", "after"):
        assert len(ledger.of(action)) == 150
    assert ledger.balance == 100_000 - 1 - 4 * 300
