"""`credits fold`: several accounts into one archive, and how it ends."""

from __future__ import annotations

import json
import time

import pytest

from credits_core import AsyncCredits, Credits
from credits_core.archives import SqlArchive
from tests.adapters.cli.program import run, run_until
from tests.contract.store import entry
from tests.support import sqlite

DAY = 86_400_000


def fill(server, user, count=30, *, days=200):
    old = int(time.time() * 1000) - days * DAY
    with server.client() as raw:
        raw.zadd(f"txs:{user}", {entry(n, 2, old + n): old + n for n in range(count)})
        raw.incrby(f"balance:{user}", 2 * count)


def test_all_accounts_into_a_file(server, tmp_path):
    for user in ("alice", "bob"):
        fill(server, user)
    path = tmp_path / "archive.jsonl"
    done = run("fold", "--all", "--archive", str(path), url=server.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "60 entries of 2 accounts archived and folded.\n"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["user_id"] for line in found) == ["alice"] * 30 + ["bob"] * 30
    assert server.call("ZCARD", "txs:alice") == 1
    again = run("fold", "--all", "--archive", str(path), "--json", url=server.url)
    assert json.loads(again.stdout) == {
        "accounts": 2,
        "folded": 0,
        "entries": 0,
        "failed": 0,
        "not_tried": 0,
        "problems": [],
    }


def test_named_accounts_into_a_table(server, tmp_path):
    for user in ("alice", "bob"):
        fill(server, user)
    url = f"sqlite:///{tmp_path}/archive.db"
    done = run("fold", "bob", "bob", "--archive", url, "--table", "old", url=server.url)
    assert (done.returncode, done.stdout) == (0, "30 entries of 1 accounts archived and folded.\n")
    with sqlite.opened(tmp_path / "archive.db") as database:
        assert database.execute("select user_id, count(*) from old").fetchall() == [("bob", 30)]
    assert server.call("ZCARD", "txs:alice") == 30


async def test_async_clients_fold_into_a_table_too(server, tmp_path):
    fill(server, "alice", 1200)
    async with AsyncCredits.from_url(server.url, timeout=10) as credits:
        with SqlArchive(f"sqlite:///{tmp_path}/archive.db") as archive:
            assert (await credits.fold("alice", archive)).folded == 1200
            assert (await credits.fold("alice", archive)).folded == 0
        assert await credits.get_balance("alice") == 2400
    with sqlite.opened(tmp_path / "archive.db") as database:
        found = database.execute("select count(*), sum(amount) from credit_transactions")
        assert found.fetchall() == [(1200, 2400)]


def test_a_file_of_something_else_is_left_alone(server, tmp_path):
    fill(server, "alice")
    path = tmp_path / "conf.json"
    path.write_text('abc {"a":1}')
    done = run("fold", "nobody", "alice", "--archive", str(path), url=server.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no archive" in done.stderr
    assert path.read_text() == 'abc {"a":1}'
    assert server.call("ZCARD", "txs:alice") == 30


@pytest.mark.parametrize(("older_than", "left"), [("180d", 1), ("30w", 30), ("201d", 30)])
def test_only_what_is_older(server, tmp_path, older_than, left):
    fill(server, "alice")
    words = ("--archive", str(tmp_path / "a"), "--older-than", older_than)
    assert run("fold", "alice", *words, url=server.url).returncode == 0
    assert server.call("ZCARD", "txs:alice") == left


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name users, or say --all"),
        (["alice", "--all"], "name users, or say --all"),
        (["--all", "--older-than", "29d"], "30 days or more"),
        (["--all", "--older-than", "3d"], "not after 3d, which are 259200 seconds"),
        (["--all", "--older-than", "soon"], "such as 15m or 30d"),
    ],
)
def test_what_is_not_understood(server, tmp_path, words, said):
    fill(server, "alice")
    done = run("fold", *words, "--archive", str(tmp_path / "a"), url=server.url)
    assert done.returncode == 2
    assert said in done.stderr
    assert server.call("ZCARD", "txs:alice") == 30


def test_without_an_archive_nothing_is_folded(server):
    fill(server, "alice")
    assert run("fold", "--all", url=server.url).returncode == 2
    assert server.call("ZCARD", "txs:alice") == 30


def test_an_account_that_cannot_be_folded_does_not_stop_the_others(server, tmp_path):
    for user in ("alice", "bob"):
        fill(server, user)
    server.call("ZADD", "txs:alice", "5", "no entry")
    done = run("fold", "alice", "bob", "--archive", str(tmp_path / "a"), url=server.url)
    assert done.returncode == 1
    assert "30 entries of 1 accounts archived and folded, 1 accounts failed.\n" in done.stdout
    assert "alice: account 'alice' has a log entry that is no transaction" in done.stdout
    words = ("--archive", str(tmp_path / "a"), "--json")
    found = json.loads(run("fold", "alice", *words, url=server.url).stdout)
    assert found["failed"] == 1
    assert found["problems"][0]["error"] == "AccountStateError"


def test_a_store_that_is_away(tmp_path):
    done = run(
        "fold", "alice", "bob", "--archive", str(tmp_path / "a"), url="redis://127.0.0.1:1/0"
    )
    assert done.returncode == 3
    assert "1 accounts failed, 1 not tried" in done.stdout


def test_two_at_once_on_one_file(server, tmp_path):
    path = tmp_path / "archive.jsonl"
    from credits_core.archives import JsonLinesArchive  # noqa: PLC0415

    with JsonLinesArchive(path):
        done = run("fold", "alice", "--archive", str(path), url=server.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "another process writes to the archive" in done.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/at/all.db", "the database refused: unable to open"),
        ("nothing://x", "SQLite or PostgreSQL, such as sqlite:///old.db"),
        ("mysql://app:secret-word@db/app", "SQLite or PostgreSQL, such as sqlite:///old.db"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        (
            "postgresql+psycopg://app:secret-word@[::1/db",
            "cannot be read. SQLite and PostgreSQL are supported, with URLs such as sqlite:///app.db",
        ),
    ],
)
def test_a_database_that_cannot_be_used(server, url, said):
    fill(server, "alice")
    done = run("fold", "alice", "--archive", url, url=server.url)
    assert done.returncode in {1, 2}
    assert "MySQLdb" not in done.stderr
    assert "***" not in done.stderr
    assert said in done.stderr
    assert "secret-word" not in done.stderr
    assert server.call("ZCARD", "txs:alice") == 30


def test_ctrl_c_says_how_far_it_came_and_a_rerun_ends_it(server, tmp_path):
    users = [f"u{n}" for n in range(300)]
    for user in users:
        fill(server, user, 3)
    path = tmp_path / "archive.jsonl"
    words = ("fold", *users, "--archive", str(path))
    stopped = run_until(
        lambda: path.exists() and path.stat().st_size >= 3000, *words, url=server.url
    )
    assert stopped.returncode == 130
    assert "Run it again with the same archive" in stopped.stderr
    assert run(*words, url=server.url).returncode == 0
    found = [json.loads(line)["user_id"] for line in path.read_text().splitlines()]
    assert sorted(found) == sorted(users * 3)
    with Credits.from_url(server.url, timeout=10) as credits:
        assert all(credits.verify_balance(user).valid for user in users[:20])
