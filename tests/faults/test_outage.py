"""What was served in an outage is charged exactly once: killed processes, crashes, lost replies."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading

import pytest

from credits_core import AsyncCredits, BackendError, Credits, OutcomeUnknownError
from credits_core.outage import OutageJournal
from tests.faults.helpers import METADATA, attempt, read_ledger

SERVE = """
import os, sys
from credits_core.outage import OutageJournal

os.fsync = lambda handle: None  # who is killed loses nothing that the system has
folder, user, count, amount = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
journal = OutageJournal(folder)
for n in range(count):
    journal.admit("/chat", user, amount, 10**6).serve(amount, f"job-{n}", {"n": n})
failed = journal.admit("/chat", user, amount, 10**6)  # work that was still being done
print("served", flush=True)
sys.stdin.readline()
"""

COLLECT = """
import asyncio, json, sys
from credits_core import AsyncCredits, Credits
from credits_core.outage import OutageJournal

kind, url, folder = sys.argv[1:]

async def asynchronous(journal):
    async with AsyncCredits.from_url(url, timeout=10) as credits:
        return await journal.collect(credits)

def synchronous(journal):
    with Credits.from_url(url, timeout=10) as credits:
        return journal.collect_sync(credits)

print("ready", flush=True)
sys.stdin.readline()
total = [0, 0]
with OutageJournal(folder) as journal:
    while journal.pending:
        report = asyncio.run(asynchronous(journal)) if kind == "async" else synchronous(journal)
        assert report.error is None, report.error
        total = [total[0] + report.collected, total[1] + report.credits]
print(json.dumps(total))
"""

CRASH = """
import os, signal, sys
from credits_core import Credits
from credits_core.outage import OutageJournal
from credits_core.outage.files import JournalFile

url, folder = sys.argv[1:]
JournalFile.strike = lambda self, places: os.kill(os.getpid(), signal.SIGKILL)
with Credits.from_url(url, timeout=10) as credits:
    OutageJournal(folder).collect_sync(credits)
"""


def python(code, *args):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed(code, *args):
    """A process that is killed when it has said its line."""
    with python(code, *args) as process:
        assert process.stdout.readline()
        process.kill()
    assert process.returncode == -9


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
async def client(store, sync):
    """A client of the real server, and how a journal is collected with it."""
    if sync:
        with Credits.from_url(store.url, timeout=5) as credits:
            yield lambda journal: asyncio.to_thread(journal.collect_sync, credits)
    else:
        async with AsyncCredits.from_url(store.url, timeout=5) as credits:
            yield lambda journal: journal.collect(credits)


def serve(journal, user, amount=10, action="chat", **more):
    admission = journal.admit("/chat", user, amount, 10**6, **more)
    admission.serve(amount, action)
    return admission.key


def left_by_the_dead(folder, *users, count=3, amount=10):
    for user in users:
        killed(SERVE, folder, user, count, amount)


async def test_another_process_charges_what_a_killed_one_has_served(client, store, folder, user):
    store.call("SET", f"balance:{user}", 1000)
    left_by_the_dead(folder, user)
    with OutageJournal(folder) as journal:
        assert journal.pending == 3
        report = await client(journal)
        assert (report.collected, report.credits, report.short, report.left) == (3, 30, 0, 0)
        assert (await client(journal)).collected == 0
        assert (journal.pending, list(folder.iterdir())) == (0, [])
    ledger = read_ledger(store, user)
    assert ledger.balance == 970
    assert [ledger.of(f"job-{n}")[0][1] for n in range(3)] == [-10] * 3
    assert ledger.by_action["job-2"][0]["metadata"] == {"n": 2}


async def test_what_a_living_process_has_served_is_its_own(client, store, folder, user):
    store.call("SET", f"balance:{user}", 1000)
    with python(SERVE, folder, user, 3, 10) as process:
        assert process.stdout.readline() == "served\n"
        with OutageJournal(folder) as journal:
            assert journal.pending == 0
            assert (await client(journal)).collected == 0
            process.communicate("\n")
            assert journal.pending == 3
            assert (await client(journal)).collected == 3
    assert read_ledger(store, user).balance == 970


async def test_what_was_charged_and_not_struck_out_is_not_charged_again(
    client, store, folder, user
):
    store.call("SET", f"balance:{user}", 25)
    left_by_the_dead(folder, user)
    with python(CRASH, store.url, folder) as process:
        process.communicate()
    assert process.returncode == -9
    assert read_ledger(store, user).balance == 0
    store.call("SET", f"balance:{user}", 0)
    with OutageJournal(folder) as journal, Credits.from_url(store.url) as credits:
        credits.add(user, 500, "opening")
        assert journal.pending == 3
        report = await client(journal)
        assert (report.collected, report.credits, report.short) == (3, 25, 5)
        assert journal.pending == 0
    assert read_ledger(store, user).balance == 500


@pytest.mark.parametrize("kinds", [("sync", "sync"), ("async", "sync")])
def test_two_processes_on_one_folder_charge_each_entry_once(store, folder, new_user, kinds):
    users = [new_user() for _ in range(6)]
    for user in users:
        store.call("SET", f"balance:{user}", 1000)
    left_by_the_dead(folder, *users, count=200, amount=2)
    workers = [python(COLLECT, kind, store.url, folder) for kind in kinds]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert [sum(column) for column in zip(*told, strict=True)] == [1200, 2400]
    for user in users:
        ledger = read_ledger(store, user)
        assert ledger.balance == 600
        assert all(len(ledger.of(f"job-{n}")) == 1 for n in range(200))
    assert list(folder.iterdir()) == []


async def test_processes_that_collect_and_are_killed_charge_once_in_the_end(
    client, store, folder, new_user
):
    users = [new_user() for _ in range(3)]
    for user in users:
        store.call("SET", f"balance:{user}", 10_000)
    left_by_the_dead(folder, *users, count=1500, amount=1)
    for delay in (0.02, 0.08, 0.15, 0.25):
        with python(COLLECT, "sync", store.url, folder) as process:
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("go\n")
            process.stdin.flush()
            await asyncio.sleep(delay)
            process.kill()
    with OutageJournal(folder) as journal:
        await client(journal)
        assert journal.pending == 0
    for user in users:
        ledger = read_ledger(store, user)
        assert ledger.balance == 8_500
        assert all(len(ledger.of(f"job-{n}")) == 1 for n in range(1500))


async def test_ten_thousand_entries(client, store, folder, user):
    store.call("SET", f"balance:{user}", 10_000)
    left_by_the_dead(folder, user, count=10_000, amount=1)
    with OutageJournal(folder) as journal:
        report = await client(journal)
        assert (report.collected, report.credits, report.left) == (10_000, 10_000, 0)
        assert journal.pending == 0
    ledger = read_ledger(store, user)
    assert (ledger.balance, len(ledger.by_action)) == (0, 10_001)  # and the opening


async def test_of_who_cannot_pay_all_of_it_what_there_is_is_taken(client, store, folder, user):
    store.call("SET", f"balance:{user}", 25)
    with OutageJournal(folder) as journal:
        for _ in range(4):
            serve(journal, user)
        report = await client(journal)
        assert (report.collected, report.credits, report.short) == (4, 25, 15)
        assert journal.pending == 0
    assert read_ledger(store, user).balance == 0


async def test_who_is_frozen_is_set_aside_and_blocks_nobody(client, store, folder, new_user):
    good, bad = new_user(), new_user()
    with Credits.from_url(store.url) as credits, OutageJournal(folder) as journal:
        for user in (good, bad):
            credits.add(user, 100, "opening")
        keys = [serve(journal, bad, action="one"), serve(journal, bad, action="two")]
        serve(journal, good)
        credits.freeze(bad, "chargeback")
        report = await client(journal)
        assert (report.collected, report.refused, report.left, report.error) == (1, 2, 0, None)
        assert journal.pending == 0
        assert (folder / "refused.jsonl").stat().st_mode & 0o777 == 0o600
        kept = [json.loads(line) for line in (folder / "refused.jsonl").read_text().splitlines()]
        assert [one["entry"]["key"] for one in kept] == keys
        assert {one["error"] for one in kept} == {"LimitExceededError"}
        assert "chargeback" in kept[0]["reason"]
        assert read_ledger(store, good).balance == 90
        assert read_ledger(store, bad).balance == 100
        assert journal.admit("/chat", bad, 100, 100) is not None  # counted no more


async def test_what_cannot_be_set_aside_stays(client, store, folder, user):
    with Credits.from_url(store.url) as credits, OutageJournal(folder) as journal:
        credits.add(user, 100, "opening")
        serve(journal, user)
        credits.freeze(user)
        (folder / "refused.jsonl").mkdir()
        report = await client(journal)
        assert (report.collected, report.refused, report.left) == (0, 0, 1)
        credits.unfreeze(user)
        assert (await client(journal)).collected == 1


async def test_a_store_that_is_away_keeps_all_of_it_for_later(fragile, sync, folder, user):
    with Credits.from_url(fragile.url, timeout=0.5) as credits, OutageJournal(folder) as journal:
        credits.add(user, 1000, "opening")
        for _ in range(70):
            serve(journal, user, amount=1)
        fragile.kill()
        async with AsyncCredits.from_url(fragile.url, timeout=0.5) as other:
            report = (
                await asyncio.to_thread(journal.collect_sync, credits)
                if sync
                else await journal.collect(other)
            )
        assert (report.collected, report.left, journal.pending) == (0, 70, 70)
        assert isinstance(report.error, BackendError)
        fragile.start()
        assert journal.collect_sync(credits).collected == 70
    assert read_ledger(fragile, user).balance == 930


@pytest.mark.parametrize("fault", ["lose_reply", "drop_request", "cut_reply"])
async def test_charges_without_an_answer_wait_and_count_once(
    slow_line, opened, store, folder, user, fault
):
    credits = opened(slow_line.open(timeout=0.5))
    await credits.add(user, 1000, "opening")
    await credits.collect(user, 1, "opening", idempotency_key="known")
    with OutageJournal(folder) as journal:
        for n in range(3):
            serve(journal, user, action=f"job-{n}")

        def collect():
            if slow_line.sync:
                return asyncio.to_thread(journal.collect_sync, credits.sync)
            return journal.collect(credits)

        getattr(slow_line, fault)(2)
        first = await collect()
        slow_line.faults.clear()
        assert isinstance(first.error, OutcomeUnknownError)
        assert first.left == journal.pending > 0
        second = await collect()
        assert first.collected + second.collected == 3
        assert journal.pending == 0
    ledger = read_ledger(store, user)
    assert ledger.balance == 969
    assert all(len(ledger.of(f"job-{n}")) == 1 for n in range(3))


@pytest.mark.parametrize("happened", [True, False])
async def test_the_charge_that_failed_and_the_later_one_count_once(
    wire, opened, client, store, folder, user, happened
):
    credits = opened(wire.open(timeout=0.5))
    await credits.add(user, 100, "opening")
    await credits.deduct(user, 1, "opening", idempotency_key="known")
    (wire.lose_reply if happened else wire.drop_request)(2)
    error = await attempt(credits.deduct(user, 10, "chat", METADATA, idempotency_key="k"))
    assert isinstance(error, OutcomeUnknownError)
    with OutageJournal(folder) as journal:
        serve(journal, user, key="k")
        assert (await client(journal)).credits == 10
    ledger = read_ledger(store, user)
    assert (ledger.balance, len(ledger.of("chat"))) == (89, 1)


async def test_a_run_that_is_cancelled_leaves_the_rest_to_the_next(store, folder, user):
    store.call("SET", f"balance:{user}", 1000)
    async with AsyncCredits.from_url(store.url, timeout=5) as credits:
        left_by_the_dead(folder, user, count=300, amount=1)
        with OutageJournal(folder) as journal:
            for _ in range(300):
                serve(journal, user, amount=1, action="own")
            for delay in (0, 0.001, 0.01, 0.03):
                run = asyncio.ensure_future(journal.collect(credits))
                await asyncio.sleep(delay)
                run.cancel()
                await asyncio.gather(run, return_exceptions=True)
            assert (await journal.collect(credits)).error is None
            assert journal.pending == 0
    ledger = read_ledger(store, user)
    assert (ledger.balance, len(ledger.of("own"))) == (400, 300)


async def test_two_runs_of_one_journal_do_not_count_twice(store, folder, user):
    store.call("SET", f"balance:{user}", 1000)
    async with AsyncCredits.from_url(store.url, timeout=5) as credits:
        with OutageJournal(folder) as journal:
            for _ in range(200):
                serve(journal, user, amount=1)
            reports = await asyncio.gather(*(journal.collect(credits) for _ in range(4)))
            assert sum(report.collected for report in reports) == 200
            assert journal.pending == 0
    assert read_ledger(store, user).balance == 800


async def test_service_goes_on_while_it_is_collected(client, store, folder, user):
    store.call("SET", f"balance:{user}", 10_000)
    with OutageJournal(folder) as journal:
        done = threading.Event()

        def work():
            for _ in range(600):
                serve(journal, user, amount=1)
            done.set()

        thread = threading.Thread(target=work)
        thread.start()
        collected = 0
        while not done.is_set() or journal.pending:
            collected += (await client(journal)).collected
        thread.join()
        assert collected == 600
        assert journal.admit("/chat", user, 10**6, 10**6) is not None
    assert read_ledger(store, user).balance == 9_400


def test_the_child_of_a_fork_has_a_file_of_its_own(store, folder, user):
    store.call("SET", f"balance:{user}", 1000)
    journal = OutageJournal(folder)
    serve(journal, user, action="parent")
    child = os.fork()
    if child == 0:
        try:
            assert journal.pending == 0  # the parent lives
            journal.admit("/chat", user, 10**6, 10**6).void()  # the parent's do not count
            serve(journal, user, action="child", amount=1)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    with Credits.from_url(store.url) as credits:
        assert journal.pending == 2
        assert journal.collect_sync(credits).collected == 2
    journal.close()
    ledger = read_ledger(store, user)
    assert (len(ledger.of("parent")), len(ledger.of("child")), ledger.balance) == (1, 1, 989)


async def test_a_client_of_another_loop_leaves_everything_where_it_is(store, folder, user):
    credits = AsyncCredits.from_url(store.url)
    await credits.get_balance(user)
    with OutageJournal(folder) as journal:
        serve(journal, user)
        report = await asyncio.to_thread(asyncio.run, journal.collect(credits))
        assert isinstance(report.error, BackendError)
        assert (report.left, journal.pending) == (1, 1)
    await credits.aclose()
