"""Holds on the command line, against a real server."""

import json
import time

import pytest

from credits_core import Credits
from tests.adapters.cli.program import document, refusal, run, said
from tests.support.proxy import Proxy
from tests.support.servers import Server


def test_a_hold_leaves_the_balance_and_comes_back_when_it_is_released(
    server: Server, ledger: Credits
):
    told = said(server, "hold", "alice", "60", "train", "--metadata", '{"job": 7}')
    (hold,) = ledger.get_account("alice").holds
    assert (hold.amount, hold.action) == (60, "train")
    assert told.startswith("Set 60 credits of alice aside, until 2")
    assert told.endswith(f": 40 credits left. ({hold.id})\n")
    assert ledger.get_transactions("alice", limit=1)[0].metadata == {"job": 7}

    told = said(server, "release", "alice", hold.id)
    assert told.startswith("The hold of alice is released: 100 credits now. (tx_")
    assert ledger.get_balance("alice") == 100


@pytest.mark.parametrize(
    ("written", "seconds"), [(None, 900), ("90s", 90), ("12h", 43_200), ("2w", 1_209_600)]
)
def test_a_hold_lasts_as_long_as_it_is_told(
    server: Server, ledger: Credits, written: str | None, seconds: int
):
    lasting = () if written is None else ("--expires-in", written)
    held = document(server, "hold", "alice", "60", "train", *lasting)
    entry = ledger.get_transactions("alice", limit=1)[0]
    assert held["expires_at"] == entry.expires_at
    # The id holds the time at which the hold was asked for.
    assert held["expires_at"] - int(held["id"].split("_")[1]) == seconds * 1000


@pytest.mark.parametrize("wrong", ["30", "d", "1.5h", "-5m", "5 m", "5M", "0x1h", "10000000000s"])
def test_a_duration_has_one_number_and_one_unit(server: Server, ledger: Credits, wrong: str):
    done = run("hold", "alice", "1", "train", "--expires-in", wrong, url=server.url)
    assert done.returncode == 2
    assert "such as 15m or 30d" in done.stderr
    assert ledger.get_balance("alice") == 100


def test_a_hold_beyond_its_bounds_is_not_understood(server: Server, ledger: Credits):
    for wrong in ("0s", "367d", "999999999w"):
        done = run("hold", "alice", "1", "train", "--expires-in", wrong, url=server.url)
        assert (done.returncode, done.stdout) == (2, "")
    assert ledger.get_balance("alice") == 100


def test_settle_keeps_what_the_work_cost(server: Server, ledger: Credits):
    hold = document(server, "hold", "alice", "60", "train")["id"]
    told = said(server, "settle", "alice", hold, "25")
    assert told.startswith("The hold of alice cost 25 credits: 75 credits now. (tx_")
    again = said(server, "settle", "alice", hold, "25")
    assert again.startswith("Done before, nothing changed: 75 credits now. (tx_")
    receipt = document(server, "settle", "alice", hold, "25")
    assert (receipt["user_id"], receipt["hold_id"]) == ("alice", hold)
    assert (receipt["amount"], receipt["balance"], receipt["replayed"]) == (25, 75, True)
    assert ledger.get_balance("alice") == 75


def test_a_hold_that_has_ended_is_one_sentence(server: Server, ledger: Credits):
    hold = document(server, "hold", "alice", "60", "train")["id"]
    said(server, "settle", "alice", hold, "0")
    told = refusal(server, "settle", "alice", hold, "1")
    assert told == f"Error: the hold '{hold}' of 'alice' was settled before, and cost 0 credits\n"
    assert "was settled before" in refusal(server, "release", "alice", hold)
    assert "was settled before" in refusal(server, "extend", "alice", hold, "5")
    missing = run("release", "alice", "tx_1_none", "--json", url=server.url)
    assert missing.returncode == 1
    assert json.loads(missing.stderr)["error"] == "HoldNotFoundError"
    assert ledger.get_balance("alice") == 100


@pytest.mark.parametrize(("shortfall", "kept", "balance"), [("take", 100, 0), ("owe", 120, -20)])
def test_work_that_cost_more_than_there_is(
    server: Server, ledger: Credits, shortfall: str, kept: int, balance: int
):
    hold = document(server, "hold", "alice", "60", "train")["id"]
    assert "'alice' can spend 40 credits and this costs 60" in refusal(
        server, "settle", "alice", hold, "120"
    )
    receipt = document(server, "settle", "alice", hold, "120", "--shortfall", shortfall)
    assert (receipt["amount"], receipt["balance"]) == (kept, balance)
    assert ledger.verify_balance("alice").valid


def test_a_hold_that_has_expired_is_charged_only_when_asked(server: Server, ledger: Credits):
    hold = ledger.hold("alice", 60, "train", expires_in=0.001).id
    while ledger.get_account("alice").holds:
        time.sleep(0.001)
    assert ledger.get_balance("alice") == 100
    assert "has expired, and its credits went back" in refusal(
        server, "settle", "alice", hold, "25"
    )
    told = said(server, "settle", "alice", hold, "25", "--if-expired", "charge")
    assert told.startswith("The hold of alice cost 25 credits: 75 credits now.")
    unknown = run("settle", "alice", hold, "25", "--if-expired", "maybe", url=server.url)
    assert unknown.returncode == 2


def test_extend_gives_more_credits_and_more_time(server: Server, ledger: Credits):
    hold = document(server, "hold", "alice", "60", "train")
    longer = document(server, "extend", "alice", hold["id"], "5", "--expires-in", "2d")
    assert (longer["id"], longer["amount"], longer["balance"]) == (hold["id"], 65, 35)
    assert longer["expires_at"] > hold["expires_at"]
    key = ("--idempotency-key", "more")
    told = said(server, "extend", "alice", hold["id"], "5", *key)
    assert told.startswith("The hold of alice is 70 credits, until 2")
    again = said(server, "extend", "alice", hold["id"], "5", *key)
    assert again.startswith("Done before with this key, nothing changed: 30 credits left.")
    (open_,) = ledger.get_account("alice").holds
    assert (open_.amount, open_.expires_at) == (70, longer["expires_at"])
    neither = run("extend", "alice", hold["id"], url=server.url)
    assert neither.returncode == 2


def test_a_hold_with_a_key_is_made_once(server: Server, ledger: Credits):
    words = ("hold", "alice", "60", "train", "--idempotency-key", "job-7")
    first, again = document(server, *words), document(server, *words)
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert {**first, "replayed": True} == again
    assert said(server, *words).startswith("Done before with this key, nothing changed: 40")
    assert "used before" in refusal(server, "hold", "alice", "61", *words[3:])
    assert "can spend 40 credits and this costs 50" in refusal(server, "hold", "alice", "50", "x")


def test_history_tells_holds_apart_from_charges(server: Server, ledger: Credits):
    hold = ledger.hold("alice", 60, "train", expires_in=3600)
    settled = ledger.settle("alice", hold.id, 25)
    end, start = said(server, "history", "alice", "--limit", "2").splitlines()
    assert end.split()[2:] == ["+35", "train", "settle", settled.tx_id, "hold", hold.id]
    words = start.split()
    assert words[2:7] == ["-60", "train", "hold", hold.id, "until"]
    assert " ".join(words[7:]) == hold.expires.isoformat(sep=" ", timespec="milliseconds").replace(
        "+00:00", "Z"
    )


def test_a_lost_answer_of_a_hold_is_asked_for_again(server: Server, ledger: Credits):
    ledger.release("alice", ledger.hold("alice", 1, "warm").id)  # now the server has the scripts
    with Proxy(server, matching=b"train") as proxy:
        proxy.lose_reply(times=2)
        words = ("hold", "alice", "60", "train", "--timeout", "3", "--json")
        done = run(*words, url=proxy.url)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "No answer came; asked again, the ledger says that it was done.\n"
    (hold,) = ledger.get_account("alice").holds
    told = json.loads(done.stdout)
    assert (told["id"], told["amount"], told["expires_at"]) == (hold.id, 60, hold.expires_at)
    assert told["balance"] == ledger.get_balance("alice") == 40


def test_a_lost_answer_of_an_extension_is_asked_for_again(server: Server, ledger: Credits):
    hold = ledger.hold("alice", 60, "train")
    ledger.extend("alice", hold.id, 1)  # now the server has the script
    with Proxy(server, matching=b"hold_extended") as proxy:
        proxy.lose_reply(times=2)
        words = ("extend", "alice", hold.id, "5", "--expires-in", "2d", "--timeout", "3")
        done = run(*words, url=proxy.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The hold of alice is 66 credits, until 2")
    assert done.stdout.endswith(f": 34 credits left. ({hold.id})\n")
    assert ledger.get_balance("alice") == 34
