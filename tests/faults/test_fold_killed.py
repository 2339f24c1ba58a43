"""A fold that ends in its middle, by a kill or a lost answer: run again, it has folded once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from credits_core import BackendUnavailableError, Credits, OutcomeUnknownError
from credits_core.archives import JsonLinesArchive
from tests.contract.store import entry
from tests.support import sqlite
from tests.support.warm import run_warm

if TYPE_CHECKING:
    from tests.faults.helpers import Line

DAY = 86_400_000
ENTRIES = 600
STEPS = 2 * 4  # two chunks


def fill(raw, user):
    old = int(time.time() * 1000) - 200 * DAY
    members = [entry(n, n % 7 - 2, old + n) for n in range(ENTRIES)]
    raw.zadd(f"txs:{user}", {member: old + n for n, member in enumerate(members)})
    raw.set(f"balance:{user}", sum(n % 7 - 2 for n in range(ENTRIES)))
    return members


def run(url, target, user, fatal, by="SIGKILL"):
    args = [url, str(target), user, str(fatal), by]
    return run_warm("tests.faults.dying_fold", args)


def archived(path, target):
    if "://" not in str(target):
        return [json.loads(line)["entry"] for line in path.read_text().splitlines()]
    with sqlite.opened(path) as database:
        found = database.execute("select entry from credit_transactions order by rowid")
        return [json.loads(row[0]) for row in found]


def check(raw, path, target, user, members):
    assert archived(path, target) == [json.loads(member) for member in members]
    (left,) = raw.zrange(f"txs:{user}", 0, -1)
    checkpoint = json.loads(left)
    assert (checkpoint["entries"], checkpoint["amount"]) == (
        ENTRIES,
        int(raw.get(f"balance:{user}")),
    )


@pytest.mark.parametrize("kind", ["file", "sql"])
def test_killed_at_any_step_and_run_again(server, raw, new_user, tmp_path, kind):
    for fatal in range(1, STEPS):
        user = new_user()
        members = fill(raw, user)
        path = tmp_path / f"{fatal}"
        target = f"sqlite:///{path}" if kind == "sql" else path
        killed = run(server.url, target, user, fatal)
        assert killed.returncode == -9, (fatal, killed.stderr)
        total = sum(json.loads(text)["amount"] for text in raw.zrange(f"txs:{user}", 0, -1))
        assert total == int(raw.get(f"balance:{user}"))
        again = run(server.url, target, user, 0)
        assert again.returncode == 0, again.stderr
        check(raw, path, target, user, members)


def test_killed_again_and_again(server, raw, user, tmp_path):
    members = fill(raw, user)
    path = tmp_path / "archive.jsonl"
    fatal = [3, 1, 2, 6, 2, 3]
    ends = [run(server.url, path, user, step).returncode for step in fatal]
    assert ends[0] == -9
    assert set(ends) <= {-9, 0}
    assert run(server.url, path, user, 0).returncode == 0
    check(raw, path, path, user, members)


class Breaking:
    """An archive that, each time it has been written, breaks the line for what follows."""

    def __init__(self, archive, fault):
        self._archive = archive
        self._fault = fault

    def write(self, entries, /):
        self._archive.write(entries)
        self._fault()


@pytest.mark.parametrize("fault", ["drop_request", "lose_reply", "swallow_reply"])
@pytest.mark.parametrize("times", [1, 2])
async def test_lost_answers_are_found_out(line: Line, store, opened, user, tmp_path, fault, times):
    credits = opened(line.open(timeout=1.0))
    with store.client() as raw:
        members = fill(raw, user)
        await credits.get_balance(user)
        path = tmp_path / "archive.jsonl"
        with JsonLinesArchive(path) as archive:
            breaking = Breaking(archive, lambda: getattr(line, fault)(times))
            report = await attempt_until_done(credits, user, breaking)
        check(raw, path, path, user, members)
    if times == 1:
        assert report == [ENTRIES]


async def attempt_until_done(credits, user, archive):
    """Fold until nothing is left; what each try that ended well says it did."""
    told = []
    for _ in range(20):
        try:
            told.append((await credits.fold(user, archive)).folded)
        except (BackendUnavailableError, OutcomeUnknownError):
            continue
        return told
    raise AssertionError("it never ended")


def test_a_rerun_through_the_command_line_folds_the_last_user_first(
    server, raw, new_user, tmp_path
):
    """However much is folded in between, the file has each entry once."""
    users = sorted(new_user() for _ in range(4))
    logs = {user: fill(raw, user) for user in users}
    path = tmp_path / "archive.jsonl"
    broken = users[-1]
    assert run(server.url, path, broken, 3).returncode == -9  # archived and not folded
    program = [sys.executable, "-m", "credits_core.cli", "fold", *users, "--archive", str(path)]
    done = subprocess.run(
        [*program, "--url", server.url, "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["entries"] == 4 * ENTRIES
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(found) == 4 * ENTRIES
    for user in users:
        own = [line["entry"] for line in found if line["user_id"] == user]
        assert own == [json.loads(member) for member in logs[user]]
    assert [line["user_id"] for line in found[:ENTRIES]] == [broken] * ENTRIES


def test_ctrl_c_says_how_to_go_on(server, raw, user, tmp_path):
    members = fill(raw, user)
    path = tmp_path / "archive.jsonl"
    run(server.url, path, user, 6, "SIGINT")
    with Credits.from_url(server.url) as credits, JsonLinesArchive(path) as archive:
        credits.fold(user, archive)
    check(raw, path, path, user, members)
