"""The commands of the command line, against a real server."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from credits_core import Credits
from tests.adapters.cli.program import environment, run
from tests.support.proxy import Proxy
from tests.support.servers import Server


@pytest.fixture
def opening() -> int:
    return 50


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_installed_program_is_the_module(server: Server):
    program = str(Path(sys.executable).with_name("credits"))
    done = subprocess.run(
        [program, "init", "alice"],
        capture_output=True,
        env=environment(CREDITS_URL=server.url),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert server.call("GET", "balance:alice") == "100"


def test_balance(server: Server, ledger: Credits):
    assert run("balance", "alice", url=server.url).stdout == "alice has 50 credits.\n"
    assert json.loads(run("balance", "alice", "--json", url=server.url).stdout) == {
        "user_id": "alice",
        "balance": 50,
    }
    assert run("balance", "nobody", url=server.url).stdout == "nobody has 0 credits.\n"


def test_global_options_stand_before_or_after_the_command(server: Server, ledger: Credits):
    ledger_of_app = Credits.from_url(server.url, timeout=10, prefix="app:")
    ledger_of_app.initialize_user("alice", 7)
    ledger_of_app.close()
    before = run("--url", server.url, "--prefix", "app:", "--timeout", "2", "balance", "alice")
    after = run("balance", "alice", "--prefix", "app:", "--url", server.url, "--timeout", "2")
    assert before.stdout == after.stdout == "alice has 7 credits.\n"


def test_add_and_deduct_print_what_they_did(server: Server, ledger: Credits):
    added = run("add", "alice", "500", "purchase", url=server.url)
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout.startswith("Added 500 credits to alice for purchase: 550 credits now. (tx_")
    taken = run("deduct", "alice", "549", "video", "--metadata", '{"n": [1]}', url=server.url)
    assert taken.stdout.startswith("Took 549 credits from alice for video: 1 credit left. (tx_")
    assert ledger.get_transactions("alice", limit=1)[0].metadata == {"n": [1]}

    receipt = json.loads(run("add", "alice", "9", "gift", "--json", url=server.url).stdout)
    assert receipt == {
        "user_id": "alice",
        "tx_id": ledger.get_transactions("alice", limit=1)[0].id,
        "amount": 9,
        "balance": 10,
        "timestamp": receipt["timestamp"],
        "created": True,
        "replayed": False,
    }


@pytest.mark.parametrize(("name", "balance"), [("add", 60), ("deduct", 40)])
def test_an_idempotency_key_moves_credits_once(
    server: Server, ledger: Credits, name: str, balance: int
):
    words = (name, "alice", "10", "x", "--idempotency-key", "k1")
    first = json.loads(run(*words, "--json", url=server.url).stdout)
    again = run(*words, url=server.url)
    assert again.stdout == (
        f"Done before with this key, nothing changed: {balance} credits now. ({first['tx_id']})\n"
    )
    other = run(name, "alice", "11", "x", "--idempotency-key", "k1", url=server.url)
    assert (other.returncode, other.stdout) == (1, "")
    assert "used before on 'alice'" in other.stderr
    assert ledger.get_balance("alice") == balance


def test_a_refusal_is_one_sentence_and_exit_code_1(server: Server, ledger: Credits):
    refused = run("deduct", "alice", "60", "video", url=server.url)
    sentence = "'alice' can spend 50 credits and this costs 60: 10 more are needed"
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"Error: {sentence}\n"
    refused = run("deduct", "alice", "60", "video", "--json", url=server.url)
    assert json.loads(refused.stderr) == {"error": "InsufficientCreditsError", "message": sentence}
    assert (refused.returncode, refused.stdout) == (1, "")


def test_an_invalid_request_is_exit_code_2(server: Server):
    blank = run("balance", " ", "--json", url=server.url)
    assert blank.returncode == 2
    assert json.loads(blank.stderr) == {
        "error": "InvalidRequestError",
        "message": "user_id is blank: ' '",
    }
    unknown = run("balance", "alice", "--colour", "--json", url=server.url)
    assert unknown.returncode == 2
    assert json.loads(unknown.stderr)["error"] == "UsageError"
    assert run("nonsense").stderr == "Error: No such command 'nonsense'. See 'credits --help'.\n"
    assert "set one of CREDITS_URL" in run("balance", "alice").stderr


def test_history_newest_first(server: Server, ledger: Credits):
    ledger.deduct("alice", 10, "chat", {"model": "small"})
    page = run("history", "alice", url=server.url).stdout.splitlines()
    assert len(page) == 2
    assert page[0].split()[2:4] == ["-10", "chat"]
    assert page[0].endswith('{"model": "small"}')
    assert page[1].split()[2:4] == ["+50", "user_initialized"]

    (newest,) = lines(run("history", "alice", "--limit", "1", "--json", url=server.url).stdout)
    entry = ledger.get_transactions("alice", limit=1)[0]
    assert newest == {
        "id": entry.id,
        "amount": -10,
        "action": "chat",
        "metadata": {"model": "small"},
        "timestamp": entry.timestamp,
        "kind": "deduct",
        "hold_id": None,
        "grant_id": None,
        "refers_to": None,
        "expires_at": None,
        "other_user": None,
        "allowance": None,
        "period": None,
        "kept": None,
        "payment": None,
    }


def test_history_between_instants_and_of_any_length(server: Server, ledger: Credits):
    pipe = server.client().pipeline()
    for n in range(2500):
        member = {"id": f"tx_{n}", "amount": 1, "action": "old", "timestamp": 1_700_000_000_000 + n}
        pipe.zadd("txs:alice", {json.dumps(member): 1_700_000_000_000 + n})
    pipe.execute()
    old = ("--until", "2023-11-14T23:00:00Z", "--json")
    found = lines(run("history", "alice", "--all", *old, url=server.url).stdout)
    assert [entry["id"] for entry in found] == [f"tx_{n}" for n in reversed(range(2500))]
    window = ("--since", "1700000000010", "--until", "1700000000019", "--all", "--json")
    found = lines(run("history", "alice", *window, url=server.url).stdout)
    assert [entry["id"] for entry in found] == [f"tx_{n}" for n in range(19, 9, -1)]
    assert len(lines(run("history", "alice", *old, url=server.url).stdout)) == 50
    assert run("history", "alice", "--all", "--limit", "5", url=server.url).returncode == 2


def test_history_shows_no_escape_codes_of_others(server: Server, ledger: Credits):
    member = '{"id":"tx_1","amount":1.5,"action":"\\u001b[2Jgone","timestamp":1}'
    server.call("ZADD", "txs:alice", 1, member)
    assert "\x1b" not in run("history", "alice", url=server.url).stdout
    assert "+1.5  \\x1b[2Jgone" in run("history", "alice", url=server.url).stdout


def test_init_is_idempotent(server: Server, ledger: Credits):
    assert run("init", "alice", "bob", "--credits", "0", url=server.url).stdout == (
        "1 created, 1 already there, 0 failed.\n"
    )
    assert (ledger.get_balance("alice"), ledger.get_balance("bob")) == (50, 0)
    assert json.loads(run("init", "bob", "--json", url=server.url).stdout) == {
        "created": 0,
        "already_there": 1,
        "failed": 0,
        "not_tried": 0,
        "failures": [],
    }
    assert run("init", url=server.url).returncode == 2


def test_init_of_a_file_goes_on_after_bad_lines(server: Server, ledger: Credits, tmp_path: Path):
    users = tmp_path / "users.txt"
    users.write_bytes(
        b"\xef\xbb\xbfalice\r\n\r\n# the others\n  bob  \nb\x01d\n\xff\xfe\nz\xc3\xb6e\n"
    )
    done = run("init", "--file", str(users), url=server.url)
    assert (done.returncode, done.stdout) == (1, "2 created, 1 already there, 2 failed.\n")
    assert done.stderr.splitlines() == [
        "line 5: user_id holds a control character: 'b\\x01d'",
        "line 6: user_id holds a lone surrogate: '\\udcff\\udcfe'",
    ]
    assert set(ledger.users()) == {"alice", "bob", "zöe"}
    again = run("init", "--file", "-", "--json", url=server.url, stdin=users.read_bytes())
    document = json.loads(again.stdout)
    assert (again.returncode, document["already_there"], document["failed"]) == (1, 3, 2)
    assert [failure["line"] for failure in document["failures"]] == [5, 6]
    assert run("init", "--file", "/no/such/file", url=server.url).returncode == 2


def test_init_stops_when_the_store_is_away_and_goes_on_later(server: Server, ledger: Credits):
    users = "".join(f"user{n}\n" for n in range(1000))
    with Proxy(server, matching=b"user444") as proxy:
        proxy.drop_request(times=10)
        done = run("init", "--file", "-", url=proxy.url, stdin=users)
    assert done.returncode == 3
    assert "1 failed" in done.stdout
    assert "not tried" in done.stdout
    assert "line 445: " in done.stderr
    assert run("init", "--file", "-", url=server.url, stdin=users).returncode == 0
    assert len(set(ledger.users())) == 1001


def test_verify_says_drift_and_reconcile_repairs_it(server: Server, ledger: Credits):
    right = run("verify", "alice", url=server.url)
    assert right.stdout == "alice is right: the balance and the log both say 50.\n"
    assert right.returncode == 0
    server.call("INCRBY", "balance:alice", 7)

    drifted = run("verify", "alice", url=server.url)
    assert drifted.returncode == 1
    assert "stored as 57, the log sums to 50 (difference +7)" in drifted.stdout
    document = json.loads(run("verify", "alice", "--json", url=server.url).stdout)
    expected = {"valid": False, "cached": 57, "calculated": 50, "difference": 7}
    assert document == {"user_id": "alice", **expected}

    looked = run("reconcile", "--no-repair", "--json", url=server.url)
    report = json.loads(looked.stdout)
    (problem,) = report.pop("problems")
    assert report.pop("duration_ms") >= 0
    assert report == {"total": 1, "verified": 0, "fixed": 0, "errors": 1}
    assert (problem["user_id"], problem["error"]) == ("alice", "BalanceVerificationError")
    assert looked.returncode == 1
    assert ledger.get_balance("alice") == 57

    repaired = run("reconcile", url=server.url)
    assert repaired.stdout.endswith("s: 0 right, 1 repaired, 0 wrong.\n")
    assert (repaired.returncode, repaired.stderr) == (0, "")
    assert ledger.get_balance("alice") == 50


def test_reconcile_exits_1_when_something_stays_wrong(server: Server, ledger: Credits):
    ledger.initialize_user("bob")
    server.call("SET", "txs:eve", "no log")
    done = run("reconcile", url=server.url)
    assert done.returncode == 1
    assert "3 accounts" in done.stdout
    assert "eve: account 'eve' has a log key of another Redis type" in done.stdout
    assert run("reconcile", "alice", "bob", "alice", url=server.url).stdout.startswith("2 accounts")


def test_users(server: Server, ledger: Credits):
    ledger.initialize_user("zöe")
    assert sorted(run("users", url=server.url).stdout.splitlines()) == ["alice", "zöe"]
    found = lines(run("users", "--json", url=server.url).stdout)
    assert sorted(user["user_id"] for user in found) == ["alice", "zöe"]


def test_export(server: Server, ledger: Credits, tmp_path: Path):
    ledger.deduct("alice", 10, "chat")
    document = json.loads(run("export", "alice", url=server.url).stdout)
    assert (document["user_id"], document["balance"]) == ("alice", 40)
    assert [entry["amount"] for entry in document["transactions"]] == [50, -10]

    target = tmp_path / "alice.json"
    done = run("export", "alice", "--output", str(target), url=server.url)
    assert done.stdout == f"Wrote 2 transactions of alice to {target}.\n"
    assert json.loads(target.read_text())["transactions"] == document["transactions"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["alice.json"]
    told = run("export", "alice", "--output", str(target), "--json", url=server.url)
    assert json.loads(told.stdout)["transactions"] == 2

    nobody = run("export", "nobody", url=server.url)
    assert (nobody.returncode, nobody.stderr) == (1, "Error: nothing is stored of 'nobody'\n")
    nowhere = run("export", "alice", "--output", str(tmp_path / "no" / "file"), url=server.url)
    assert nowhere.returncode == 1
    assert "No such file" in nowhere.stderr


def test_delete_wants_a_yes(server: Server, ledger: Credits):
    refused = run("delete", "alice", url=server.url)
    assert (refused.returncode, ledger.get_balance("alice")) == (2, 50)
    assert "add --yes" in refused.stderr
    assert run("delete", "alice", "--yes", url=server.url).stdout == "alice is forgotten.\n"
    again = run("delete", "alice", "--yes", "--json", url=server.url)
    assert json.loads(again.stdout) == {"user_id": "alice", "deleted": False}
    assert server.call("DBSIZE") == 0
