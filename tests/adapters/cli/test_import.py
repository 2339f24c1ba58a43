"""`credits import-sql`: each row of a table of balances once."""

from __future__ import annotations

import json
import subprocess
import time
import uuid

import pytest

from credits_core import Credits
from credits_core.cli.output import credits_of
from tests.adapters.cli.program import PROGRAM, environment, run, run_until
from tests.support import sqlite

COUNTS = ("rows", "imported", "credits", "already_there", "failed", "not_tried")


@pytest.fixture
def table(tmp_path):
    """Makes the boilerplate's table, and answers the URL of its database."""

    def make(rows, name="credits"):
        with sqlite.opened(tmp_path / "app.db") as database:
            database.execute(f"create table {name} (id, user_id, balance, created_at, updated_at)")
            database.executemany(
                f"insert into {name} (id, user_id, balance) values (?, ?, ?)", rows
            )
        return f"sqlite:///{tmp_path}/app.db"

    return make


def some(count):
    return [(str(uuid.uuid4()), f"user-{n}", 10 * n) for n in range(count)]


def summary(done):
    found = json.loads(done.stdout)
    return tuple(found[name] for name in COUNTS)


def test_each_row_once_however_often_it_runs(server, table):
    url = table(some(50))
    first = run("import-sql", url, "--json", url=server.url)
    assert (first.returncode, first.stderr) == (0, "")
    assert summary(first) == (50, 50, 12_250, 0, 0, 0)
    again = run("import-sql", url, "--json", url=server.url)
    assert summary(again) == (50, 0, 0, 50, 0, 0)
    with Credits.from_url(server.url, timeout=10) as credits:
        assert [credits.get_balance(f"user-{n}") for n in range(50)] == [10 * n for n in range(50)]
        assert credits.reconcile().verified == 50


def test_who_was_imported_is_signed_up(server, table):
    run("import-sql", table(some(3)), url=server.url)
    with Credits.from_url(
        server.url, timeout=10, default_credits=100, auto_initialize=True
    ) as credits:
        assert [credits.initialize_user(f"user-{n}").created for n in range(3)] == [False] * 3
        assert credits.add("user-0", 1, "gift").balance == 1


def test_two_at_once(server, table):
    url = table(some(400))
    programs = [
        subprocess.Popen(
            [*PROGRAM, "import-sql", url, "--json"],
            env=environment(CREDITS_URL=server.url),
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    found = [json.loads(program.communicate(timeout=60)[0]) for program in programs]
    assert sum(one["credits"] for one in found) == 10 * sum(range(400))
    assert [one["failed"] for one in found] == [0, 0]
    with Credits.from_url(server.url, timeout=10) as credits:
        assert sum(credits.get_balance(f"user-{n}") for n in range(400)) == 10 * sum(range(400))


def test_killed_and_run_again(server, table):
    url = table(some(1500))
    program = subprocess.Popen(
        [*PROGRAM, "import-sql", url],
        env=environment(CREDITS_URL=server.url),
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while server.call("DBSIZE") < 100:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    program.kill()
    program.wait()
    done = run("import-sql", url, "--json", url=server.url)
    assert (done.returncode, json.loads(done.stdout)["rows"]) == (0, 1500)
    with Credits.from_url(server.url, timeout=10) as credits:
        assert sum(credits.get_balance(f"user-{n}") for n in range(1500)) == 10 * sum(range(1500))


def test_ctrl_c(server, table):
    words = ("import-sql", table(some(5000)))
    stopped = run_until(lambda: server.call("DBSIZE") >= 100, *words, url=server.url)
    assert stopped.returncode == 130
    assert "Run it again for the rest" in stopped.stderr


BAD = [
    ("r1", "debtor", -5, "a debt is not imported"),
    ("r2", None, 5, "its user_id is no text, number or UUID: NULL"),
    ("r3", "nothing", None, "its balance is no whole number: NULL"),
    ("r4", " blank ", 5, "begins or ends with blanks"),
    ("r5", "half", 1.5, "its balance is no whole number: '1.5'"),
    ("r6", "text", "5", "its balance is no whole number: '5'"),
    ("r7", "line\nbreak", 5, "holds a control character"),
    ("r8", "x" * 257, 5, "longer than 256 bytes"),
    ("r9", "", 5, "is blank"),
    ("r10", b"bytes", 5, "its user_id is no text"),
    ("r11", "rich", 10**15 + 1, "more than 1000000000000000 credits"),
    (None, "keyless", 5, "its id is no text, number or UUID: NULL"),
]


@pytest.mark.parametrize("dry", [True, False])
def test_rows_that_are_no_balance_are_named_and_left_out(server, table, dry):
    rows = [(row_id, user, balance) for row_id, user, balance, _ in BAD]
    url = table([*rows, ("good", "alice", 7), (12, 34, 56)])
    words = ["--dry-run"] if dry else []
    done = run("import-sql", url, *words, "--json", url=server.url)
    assert done.returncode == 1
    assert summary(done) == (14, 2, 63, 0, 12, 0)
    problems = json.loads(done.stdout)["problems"]
    for problem, (row_id, _, _, said) in zip(problems, BAD, strict=True):
        assert problem["row"] == row_id
        assert said in problem["message"]
    with Credits.from_url(server.url, timeout=10) as credits:
        assert sorted(credits.users()) == ([] if dry else ["34", "alice"])
    told = run("import-sql", url, *words, url=server.url).stdout
    assert "row r1, user debtor: its balance is -5" in told
    assert "line\\nbreak" in told


@pytest.mark.parametrize(("before", "now"), [(7, 9), (0, 9), (5, 0), (9, 1)])
def test_a_row_that_changed_after_it_was_imported_is_told(server, table, tmp_path, before, now):
    url = table([("r1", "alice", before)])
    assert summary(run("import-sql", url, "--json", url=server.url)) == (1, 1, before, 0, 0, 0)
    assert summary(run("import-sql", url, "--json", url=server.url)) == (1, 0, 0, 1, 0, 0)
    with sqlite.opened(tmp_path / "app.db") as database:
        database.execute("update credits set balance = ?", (now,))
    log = server.call("ZRANGE", "txs:alice", "0", "-1")
    for _ in range(2):
        done = run("import-sql", url, "--json", url=server.url)
        assert done.returncode == 1
        assert summary(done) == (1, 0, 0, 0, 1, 0)
        (problem,) = json.loads(done.stdout)["problems"]
        assert problem["error"] == "IdempotencyConflictError"
    told = run("import-sql", url, url=server.url).stdout
    assert (
        f"row r1, user alice: it was imported before with {credits_of(before)} and has {now} now: "
        f"nothing changed"
    ) in told
    assert "new key" not in told
    assert server.call("ZRANGE", "txs:alice", "0", "-1") == log
    with Credits.from_url(server.url, timeout=10) as credits:
        assert credits.get_balance("alice") == before


def test_a_key_that_was_used_otherwise_is_told_as_it_is(server, table):
    with Credits.from_url(server.url, timeout=10) as credits:
        credits.add("alice", 7, "gift", idempotency_key="import:credits:r1")
    told = run("import-sql", table([("r1", "alice", 7)]), url=server.url).stdout
    assert "for: add 7 gift" in told


def test_rows_of_nothing_do_not_meet_additions(server, table):
    """Also of one user, and where the id of one looks like what the other is known by."""
    rows = [("a", "alice", 0), ("b", "alice", 4), ("empty:credits:a", "alice", 3)]
    url = table([*rows, ("empty:a", "alice", 2), *((f"z{n}", "alice", 0) for n in range(120))])
    assert summary(run("import-sql", url, "--json", url=server.url)) == (124, 124, 9, 0, 0, 0)
    assert summary(run("import-sql", url, "--json", url=server.url)) == (124, 0, 0, 124, 0, 0)
    with Credits.from_url(server.url, timeout=10) as credits:
        assert credits.get_balance("alice") == 9
        assert [entry.amount for entry in credits.get_transactions("alice")].count(0) == 1


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
@pytest.mark.parametrize("given", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_a_file_that_is_not_there_is_not_made(server, tmp_path, words, given):
    path = tmp_path / "no app.db"
    done = run("import-sql", given.format(path), *words, url=server.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no file '{path}'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_only_read(server, table, tmp_path):
    url = table([("r1", "alice", 7)])
    odd = tmp_path / "odd #name.db"
    (tmp_path / "app.db").rename(odd)
    odd.chmod(0o400)
    before = (odd.read_bytes(), sorted(tmp_path.iterdir()))
    for given in (f"sqlite:///{odd}", f"sqlite+pysqlite:///{odd}"):
        assert run("import-sql", given, url=server.url).returncode == 0
    assert url
    assert (odd.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_another_table(server, table):
    url = table([("r1", "alice", 7)], name="wallets")
    assert run("import-sql", url, "--table", "wallets", url=server.url).returncode == 0
    assert run("import-sql", url, "--table", "main.wallets", url=server.url).returncode == 0
    with Credits.from_url(server.url, timeout=10) as credits:
        assert credits.get_balance("alice") == 7
    missing = run("import-sql", url, url=server.url)
    assert missing.returncode == 1
    assert "no such table: credits" in missing.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [("mysql://app:secret-word@db/app", "needs MySQLdb. "), ("nothing://x", "no such kind")],
)
def test_of_other_databases_it_is_said_which_are_supported(server, given, said):
    done = run("import-sql", given, url=server.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "SQLite and PostgreSQL are supported, with URLs such as sqlite:///app.db" in done.stderr
    assert "secret-word" not in done.stderr
    assert "***" not in done.stderr


def test_a_dry_run_needs_no_store(table):
    url = table(some(5))
    done = run("import-sql", url, "--dry-run", "--json", url="redis://127.0.0.1:1/0")
    assert summary(done) == (5, 5, 100, 0, 0, 0)


def test_a_store_that_is_away(table):
    done = run("import-sql", table(some(500)), "--json", url="redis://127.0.0.1:1/0")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found["imported"] == 0
    assert found["failed"] + found["not_tried"] == found["rows"] == 200


def test_memory_does_not_grow_with_the_table(tmp_path):
    """The rows of a dry run go through in chunks."""
    with sqlite.opened(tmp_path / "app.db") as database:
        database.execute("create table credits (id, user_id, balance)")
        database.execute(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 400000) "
            "insert into credits select 'row-' || i || '-' || hex(zeroblob(150)), 'u' || i, i "
            "from n"
        )
    code = (
        "import resource, sys\n"
        "from credits_core.importing import balance_of, rows\n"
        "def size(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with rows(sys.argv[1], 'credits') as (total, found):\n"
        "    next(found)\n"
        "    before = size()\n"
        "    count = 1 + sum(1 for row in found if row)\n"
        "print(total, count, size() - before)"
    )
    done = subprocess.run(
        [PROGRAM[0], "-c", code, f"sqlite:///{tmp_path}/app.db"],
        capture_output=True,
        text=True,
        check=True,
    )
    total, count, grown = map(int, done.stdout.split())
    assert total == count == 400_000
    assert grown < 20_000  # KB; the table is 130 MB
