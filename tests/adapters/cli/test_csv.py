"""`credits export --csv`: logs for those who keep the books."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from datetime import UTC, datetime

import pytest

from credits_core import Credits, Period
from credits_core.cli.sheet import as_text
from tests.adapters.cli.program import PROGRAM, environment, run
from tests.contract.store import entry

DAY = 86_400_000
OLD = 1_767_225_600_000  # 2026-01-01
HEADER = (
    "user_id,id,time,action,kind,amount,balance_after,refers_to,"
    "hold_id,grant_id,allowance,other_user,expires_at,metadata"
)


def sheet(server, *words):
    done = run("export", "--csv", *words, url=server.url)
    assert (done.returncode, done.stderr) == (0, "")
    return list(csv.DictReader(io.StringIO(done.stdout, newline="")))


def put(server, user, *entries):
    with server.client() as raw:
        for at, member in entries:
            raw.zadd(f"txs:{user}", {member: at})
            raw.incrbyfloat(f"balance:{user}", json.loads(member)["amount"])


def test_a_row_an_entry_with_the_balance_after_it(server):
    with Credits.from_url(server.url, timeout=10) as credits:
        credits.initialize_user("alice", 100)
        spent = credits.deduct("alice", 30, "chat", {"model": 'big, "new"', "n": [1]})
        back = credits.refund("alice", spent.tx_id, 10)
    rows = sheet(server, "alice")
    assert [(row["kind"], row["amount"], row["balance_after"]) for row in rows] == [
        ("sign_up", "100", "100"),
        ("deduct", "-30", "70"),
        ("refund", "10", "80"),
    ]
    assert [row["id"] for row in rows[1:]] == [spent.tx_id, back.tx_id]
    assert rows[2]["refers_to"] == spent.tx_id
    assert json.loads(rows[1]["metadata"]) == {"model": 'big, "new"', "n": [1]}
    assert rows[1]["time"] == spent.time.isoformat(timespec="milliseconds")[:-6] + "Z"


def test_holds_grants_allowances_and_transfers_can_be_matched(server):
    month = Period(datetime(2090, 4, 1, tzinfo=UTC), datetime(2090, 5, 1, tzinfo=UTC))
    soon = datetime(2090, 3, 29, 12, 30, 0, 500_000, tzinfo=UTC)
    with Credits.from_url(server.url, timeout=10) as credits:
        promo = credits.add("alice", 100, "promo", expires_at=soon)
        plan = credits.grant_allowance("alice", "pro", 50, month)
        held = credits.hold("alice", 30, "train")
        settled = credits.settle("alice", held.id, 20)
        (newest,) = credits.get_transactions("alice", limit=1)
        assert (newest.kept, newest.amount, newest.hold_id) == (20, 10, held.id)
        credits.transfer("alice", "bob", 5, idempotency_key="gift")
    rows = {row["kind"]: row for row in sheet(server, "alice")}
    assert rows["grant"]["grant_id"] == promo.tx_id
    assert rows["grant"]["expires_at"] == "2090-03-29T12:30:00.500Z"
    assert rows["allowance"]["allowance"] == "pro"
    assert rows["allowance"]["grant_id"] == plan.tx_id
    assert rows["allowance"]["expires_at"] == "2090-05-01T00:00:00.000Z"
    assert rows["hold"]["hold_id"] == rows["hold"]["id"] == held.id
    assert rows["settle"]["hold_id"] == held.id
    assert rows["settle"]["id"] == settled.tx_id
    assert rows["hold"]["expires_at"] == (
        held.expires.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    assert rows["transfer"]["other_user"] == "bob"
    (bob,) = sheet(server, "bob")
    assert (bob["other_user"], bob["hold_id"], bob["expires_at"]) == ("alice", "", "")


@pytest.mark.parametrize("words", [[], ["--since", "2026-01-01"]])
def test_of_a_user_of_whom_nothing_is_stored_there_is_no_sheet(server, tmp_path, words):
    target = tmp_path / "log.csv"
    for where in ([], ["--output", str(target)]):
        done = run("export", "nobody", "--csv", *words, *where, url=server.url)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "Error: nothing is stored of 'nobody'\n"
    assert not target.exists()


def test_a_sheet_may_have_no_rows(server):
    put(server, "alice", (OLD, entry(1, 2, OLD)))
    assert sheet(server, "alice", "--since", "2026-02-01") == []
    assert sheet(server, "alice", "--until", "2025-02-01") == []
    with Credits.from_url(server.url, timeout=10) as credits:
        credits.set_floor("bob", -5)
    assert sheet(server, "bob") == []
    server.call("FLUSHALL")
    assert sheet(server, "--all") == []


def test_the_bytes_are_those_of_rfc_4180(server):
    put(server, "al,ice", (OLD, '{"id":"tx_1","amount":5,"action":"a \\"b\\" c\\nd\u00e9"}'))
    row = '"al,ice",tx_1,2026-01-01T00:00:00.000Z,"a ""b"" c\nd\u00e9",add,5,5,,,,,,,'
    done = subprocess.run(
        [*PROGRAM, "export", "--csv", "al,ice"],
        env=environment(CREDITS_URL=server.url, PYTHONIOENCODING="ascii"),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == f"{HEADER}\r\n{row}\r\n"


def test_a_span_begins_with_the_balance_before_it(server):
    put(server, "alice", *((OLD + n * DAY, entry(n, 10 + n, OLD + n * DAY)) for n in range(6)))
    rows = sheet(server, "alice", "--since", "2026-01-03", "--until", "2026-01-04")
    assert [(row["time"][:10], row["amount"], row["balance_after"]) for row in rows] == [
        ("2026-01-03", "12", "33"),
        ("2026-01-04", "13", "46"),
    ]


def test_all_users(server):
    for user in ("alice", "bob", "carol"):
        put(server, user, *((OLD + n, entry(n, 2, OLD + n)) for n in range(3)))
    rows = sheet(server, "--all")
    for user in ("alice", "bob", "carol"):
        own = [row["balance_after"] for row in rows if row["user_id"] == user]
        assert own == ["2", "4", "6"]
    assert len(rows) == 9


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_texts_are_no_formulas(server, sign):
    evil = f'{sign}HYPERLINK("http://x")'
    names = ("id", "action", "ref", "hold", "grant", "allowance", "to")
    fields = dict.fromkeys(names, evil) | {"amount": -5, "kind": "transfer"}
    put(server, "@user", (OLD, json.dumps(fields | {"metadata": {evil: evil}})))
    (row,) = sheet(server, "@user")
    assert row["user_id"] == "'@user"
    assert row["id"] == row["action"] == row["refers_to"] == f"'{evil}"
    assert row["hold_id"] == row["allowance"] == row["other_user"] == f"'{evil}"
    assert not row["grant_id"].startswith(sign)
    assert row["metadata"].startswith("{")
    assert row["amount"] == "-5"  # a number, not a text
    assert as_text("plain - text") == "plain - text"


def test_fractions_of_other_apps_are_added_exactly(server):
    members = (json.dumps({"id": f"tx_{n}", "amount": 0.1, "action": "a"}) for n in range(10))
    put(server, "alice", *((OLD + n, member) for n, member in enumerate(members)))
    assert [row["balance_after"] for row in sheet(server, "alice")][2::7] == ["0.3", "1.0"]


def test_a_checkpoint_says_how_many_entries_it_stands_for(server, tmp_path):
    put(server, "alice", *((OLD + n, entry(n, 2, OLD + n)) for n in range(40)))
    fold = ("fold", "alice", "--archive", str(tmp_path / "a.jsonl"), "--older-than", "30d")
    assert run(*fold, url=server.url).returncode == 0
    with Credits.from_url(server.url, timeout=10) as credits:
        credits.deduct("alice", 1, "chat")
    first, second = sheet(server, "alice")
    assert (first["kind"], first["amount"], first["balance_after"]) == ("checkpoint", "80", "80")
    assert json.loads(first["metadata"]) == {"folded_entries": 40}
    assert second["balance_after"] == "79"


def test_into_a_file_that_only_its_owner_may_read(server, tmp_path):
    put(server, "alice", (OLD, entry(1, 2, OLD)))
    target = tmp_path / "log.csv"
    done = run("export", "--csv", "--all", "--output", str(target), url=server.url)
    assert done.stdout == f"Wrote 1 transactions to {target}.\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_text().startswith(HEADER)
    words = ("alice", "--output", str(target), "--json")
    done = run("export", "--csv", *words, url=server.url)
    assert json.loads(done.stdout) == {
        "user_id": "alice",
        "output": str(target),
        "transactions": 1,
    }


def test_a_log_that_cannot_be_read_leaves_no_half_file(server, tmp_path):
    put(server, "alice", (OLD, entry(1, 2, OLD)))
    server.call("ZADD", "txs:alice", OLD + 1, "no entry")
    target = tmp_path / "log.csv"
    target.write_text("of before")
    done = run("export", "--csv", "alice", "--output", str(target), url=server.url)
    assert done.returncode == 1
    assert "alice" in done.stderr
    assert target.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--csv"],
        ["--all"],
        ["alice", "--all", "--csv"],
        ["alice", "--since", "2026-01-01"],
        ["alice", "--csv", "--json"],
    ],
)
def test_what_is_not_understood(server, words):
    assert run("export", *words, url=server.url).returncode == 2


def test_memory_does_not_grow_with_the_log(server):
    about = "x" * 1500
    with server.client() as raw:
        for start in range(0, 40_000, 2000):
            numbers = range(start, start + 2000)
            one = {"amount": 1, "action": "a", "metadata": {"a": about}}
            raw.zadd("txs:alice", {json.dumps({"id": f"tx_{n}"} | one): OLD + n for n in numbers})
    code = (
        "import io, os, resource, sys\n"
        "from credits_core.cli.app import program\n"
        "sys.stdout = open(os.devnull, 'w')\n"
        "def size(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "words = ['export', '--csv', 'alice']\n"
        "program([*words, '--until', '2026-01-01T00:00:02'], standalone_mode=False)\n"
        "before = size()\n"
        "program(words, standalone_mode=False)\n"
        "sys.stderr.write(str(size() - before))"
    )
    done = subprocess.run(
        [PROGRAM[0], "-c", code],
        env=environment(CREDITS_URL=server.url),
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stderr) < 20_000  # KB; the log is 60 MB
