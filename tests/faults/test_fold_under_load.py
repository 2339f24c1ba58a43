"""Folding a long log while others charge, verify and rebuild: no false alarm, no repair."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time

import pytest

from credits_core import AsyncCredits, Credits
from credits_core.archives import JsonLinesArchive
from tests.contract.store import entry

DAY = 86_400_000
OLD_ENTRIES = 12_000
CHUNKS = OLD_ENTRIES // 500


def fill(raw, user, *, spread_ms):
    """Old entries, whose sums differ from place to place, and young ones."""
    now = int(time.time() * 1000)
    old = now - 300 * DAY
    dice = random.Random(5)
    amounts = [dice.randint(-300, 400) for _ in range(OLD_ENTRIES)]
    members = [entry(n, amount, old + n * spread_ms) for n, amount in enumerate(amounts)]
    young = [entry(OLD_ENTRIES + n, 3, now - 10_000 + n) for n in range(3000)]
    pairs = {member: old + n * spread_ms for n, member in enumerate(members)}
    raw.zadd(f"txs:{user}", pairs | {member: now - 10_000 + n for n, member in enumerate(young)})
    raw.set(f"balance:{user}", sum(amounts) + 9000)
    return members, old


class Slow:
    """An archive that gives the others time between reading and folding.

    At first it waits for the `watch`, which else might hardly look on a busy machine.
    """

    def __init__(self, archive, seconds, watch=None):
        self._archive = archive
        self._seconds = seconds
        self._watch = watch

    def write(self, entries, /):
        self._archive.write(entries)
        time.sleep(self._seconds)
        if self._watch is not None and self._watch.looks <= 4:
            self._watch.looked.clear()
            self._watch.looked.wait(30)


class Watch:
    """Verifies and rebuilds in a loop until told to stop."""

    def __init__(self, url, user):
        self.looks = 0
        self.looked = threading.Event()
        self.wrong = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, user))

    def _run(self, url, user):
        with Credits.from_url(url, timeout=20) as credits:
            while not self._stop.is_set():
                found = credits.verify_balance(user)
                if not found.valid:
                    self.wrong.append(found)
                credits.rebuild_balance(user)
                report = credits.reconcile([user])
                if report.verified != 1:
                    self.wrong.append(report)
                self.looks += 1
                self.looked.set()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()


async def charge(credits, user, stop, told):
    while not stop.is_set():
        told.append(-(await credits.deduct(user, 2, "load")).amount)
        told.append((await credits.add(user, 3, "load")).amount)
        held = await credits.hold(user, 5, "load")
        told.append(-(await credits.settle(user, held.id, 1)).amount)
        await asyncio.sleep(0.002)


@pytest.mark.parametrize("spread_ms", [1, 600_000])
async def test_nobody_sees_a_wrong_sum(server, raw, user, tmp_path, spread_ms):
    members, _ = fill(raw, user, spread_ms=spread_ms)
    before = int(raw.get(f"balance:{user}"))
    path = tmp_path / "archive.jsonl"
    told: list[int] = []
    stop = asyncio.Event()
    async with AsyncCredits.from_url(server.url, timeout=20) as credits:
        writers = [asyncio.create_task(charge(credits, user, stop, told)) for _ in range(3)]
        with JsonLinesArchive(path) as archive, Watch(server.url, user) as watch:
            report = await credits.fold(user, Slow(archive, 0.02, watch))
        stop.set()
        await asyncio.gather(*writers)
    assert watch.wrong == []
    assert watch.looks > 3
    assert report.folded == OLD_ENTRIES
    assert int(raw.get(f"balance:{user}")) == before + sum(told)
    left = [json.loads(text) for text in raw.zrange(f"txs:{user}", 0, -1)]
    assert sum(found["amount"] for found in left) == before + sum(told)
    archived = [json.loads(line)["entry"] for line in path.read_text().splitlines()]
    assert archived == [json.loads(member) for member in members]
    assert [found.get("entries") for found in left[:2]] == [OLD_ENTRIES, None]


async def test_late_writers_and_a_second_folder(server, raw, user, tmp_path):
    """Foreign clocks write into the old range while two processes fold it."""
    members, old = fill(raw, user, spread_ms=600_000)
    late: list[str] = []
    dice = random.Random(6)
    stop = asyncio.Event()

    async def write_late():
        with server.client() as client:
            while not stop.is_set():
                at = old + dice.randrange(OLD_ENTRIES * 600_000)
                late.append(entry(50_000 + len(late), dice.randint(1, 90), at))
                with client.pipeline(transaction=True) as both:
                    both.zadd(f"txs:{user}", {late[-1]: at})
                    both.incrby(f"balance:{user}", json.loads(late[-1])["amount"])
                    await asyncio.to_thread(both.execute)
                await asyncio.sleep(0.003)

    paths = [tmp_path / f"{n}.jsonl" for n in range(2)]

    async def fold(path):
        async with AsyncCredits.from_url(server.url, timeout=20) as credits:
            with JsonLinesArchive(path) as archive:
                return (await credits.fold(user, Slow(archive, 0.01))).folded

    with Watch(server.url, user) as watch:
        writer = asyncio.create_task(write_late())
        counts = await asyncio.gather(*map(fold, paths))
        stop.set()
        await writer
        counts.append(await fold(paths[0]))
    assert watch.wrong == []
    assert sum(counts) == OLD_ENTRIES + len(late)
    kept = {
        json.dumps(json.loads(line)["entry"], separators=(",", ":"))
        for path in paths
        for line in path.read_text().splitlines()
    }
    assert kept == {*members, *late}
    left = [json.loads(text) for text in raw.zrange(f"txs:{user}", 0, -1)]
    assert [found.get("entries") for found in left[:2]] == [OLD_ENTRIES + len(late), None]
    assert sum(found["amount"] for found in left) == int(raw.get(f"balance:{user}"))
