"""Grants, refunds, revocations, transfers, allowances and rules on the command line."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credits_core import Credits
from tests.adapters.test_cli_support import PROGRAM, environment, run
from tests.support.proxy import Proxy
from tests.support.servers import Server

DAY = 86_400_000


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.call("FLUSHALL")
    return shared_server


@pytest.fixture
def ledger(server: Server) -> Iterator[Credits]:
    with Credits.from_url(server.url) as ledger:
        ledger.initialize_user("alice", 100)
        yield ledger


def document(server: Server, *words: str) -> Any:
    done = run(*words, "--json", url=server.url)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def said(server: Server, *words: str) -> str:
    done = run(*words, url=server.url)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def refusal(server: Server, *words: str, code: int = 1) -> str:
    done = run(*words, url=server.url)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_added_credits_expire_when_they_are_told_to(server: Server, ledger: Credits):
    promo = document(server, "add", "alice", "40", "promo", "--expires-in", "30d")
    gift = ("add", "alice", "9", "gift", "--expires-at", "2090-01-31", "--priority", "-5")
    said(server, *gift)
    first, second = ledger.get_account("alice").grants
    assert (first.remaining, first.priority) == (9, -5)
    assert first.expires is not None
    assert first.expires.isoformat() == "2090-01-31T00:00:00+00:00"
    assert (second.id, second.remaining, second.priority) == (promo["tx_id"], 40, 0)
    assert second.expires_at == int(promo["tx_id"].split("_")[1]) + 30 * DAY


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--expires-at", "2020-01-01"), "would have expired already"),
        (("--expires-at", "soon"), "a date (2026-01-31)"),
        (("--expires-at", "2090-01-01", "--expires-in", "2d"), "exclude each other"),
        (("--expires-in", "2d", "--priority", "1001"), "from -1000 to 1000"),
        (("--expires-in", "2d", "--priority", "-x"), "digits 0 to 9"),
    ],
)
def test_an_expiry_that_makes_no_sense_is_not_understood(
    server: Server, ledger: Credits, words: tuple[str, ...], part: str
):
    assert part in refusal(server, "add", "alice", "40", "promo", *words, code=2)
    assert ledger.get_balance("alice") == 100


def test_account_shows_all_that_is_open_in_it(server: Server, ledger: Credits):
    promo = ledger.add("alice", 40, "promo", expires_at=3_000_000_000_000, priority=-5)
    hold = ledger.hold("alice", 60, "train", expires_in=3600)
    ledger.set_floor("alice", -10)
    page = said(server, "account", "alice").splitlines()
    assert page[:4] == [
        "alice has 80 credits.",
        "available  90",
        "held       60",
        "floor      -10",
    ]
    assert page[4:] == ["Holds, as they expire:", page[5]]
    assert [page[5].split()[0], *page[5].split()[3:]] == ["60", "train", hold.id]

    ledger.release("alice", hold.id)
    page = said(server, "account", "alice").splitlines()
    assert page[4] == "expires    40 next, 2065-01-24 05:20:00.000Z"
    assert page[5] == "Grants, as they are spent:"
    assert page[6].split() == ["40", "2065-01-24", "05:20:00.000Z", "priority", "-5", promo.tx_id]
    assert len(page) == 7


def test_account_as_json(server: Server, ledger: Credits):
    promo = ledger.add("alice", 90, "promo", expires_at=3_000_000_000_000)
    hold = ledger.hold("alice", 60, "train", expires_in=3600)
    grant = {
        "id": promo.tx_id,
        "remaining": 30,
        "priority": 0,
        "expires_at": 3_000_000_000_000,
    }
    assert document(server, "account", "alice") == {
        "user_id": "alice",
        "balance": 130,
        "floor": 0,
        "frozen": False,
        "frozen_reason": "",
        "grants": [grant],
        "holds": [{"id": hold.id, "amount": 60, "action": "train", "expires_at": hold.expires_at}],
        "available": 130,
        "held": 60,
        "next_expiry": grant,
    }
    assert said(server, "account", "nobody").startswith("nobody has 0 credits.\n")


def test_account_shows_no_escape_codes_of_others(server: Server, ledger: Credits):
    ledger.hold("alice", 1, "train")
    (field,) = (name for name in server.call("HKEYS", "credits:state:alice") if "hold " in name)
    text = server.call("HGET", "credits:state:alice", field)
    server.call("HSET", "credits:state:alice", field, text.replace("train", r"\u001b[2J"))
    page = said(server, "account", "alice")
    assert "\x1b" not in page
    assert "\\x1b[2J" in page


def test_a_charge_is_refunded_once(server: Server, ledger: Credits):
    charge = ledger.deduct("alice", 50, "video").tx_id
    part = ("refund", "alice", charge, "5", "--idempotency-key", "r1", "--reason", "blurred")
    assert said(server, *part).startswith("Gave 5 credits back to alice: 55 credits now. (tx_")
    assert said(server, *part).startswith("Done before, nothing changed: 55 credits now. (tx_")
    assert ledger.get_transactions("alice", limit=1)[0].metadata == {"reason": "blurred"}
    rest = document(server, "refund", "alice", charge)
    assert (rest["user_id"], rest["amount"], rest["balance"]) == ("alice", 45, 100)
    assert document(server, "refund", "alice", charge)["replayed"] is True
    told = refusal(server, "refund", "alice", charge, "1")
    assert f"of the charge '{charge}' of 'alice' 0 credits are left to refund, not 1" in told
    assert "has no entry 'tx_1_none' in its log" in refusal(server, "refund", "alice", "tx_1_none")
    newest = said(server, "history", "alice", "--limit", "1")
    assert newest.split()[2:] == ["+45", "refund", "refund", rest["tx_id"], "of", charge]
    assert ledger.get_balance("alice") == 100


def test_an_addition_is_taken_back_by_its_id(server: Server, ledger: Credits):
    added = ledger.add("alice", 500, "purchase").tx_id
    ledger.deduct("alice", 200, "video")
    told = said(server, "revoke", "alice", added, "150")
    assert told.startswith("Took 150 credits back from alice: 250 credits left. (tx_")
    rest = document(server, "revoke", "alice", added, "--reason", "dispute")
    assert (rest["amount"], rest["balance"]) == (250, 0)
    told = said(server, "revoke", "alice", added)
    assert told.startswith("Done before, nothing changed: 0 credits now.")


def test_an_addition_is_taken_back_by_its_key_before_it_comes(server: Server, ledger: Credits):
    ledger.add("alice", 500, "purchase", idempotency_key="pay_1")
    by_key = ("revoke", "alice", "--added-with", "pay_1")
    assert said(server, *by_key, "150").startswith("Took 150 credits back from alice: 450 credits")
    assert document(server, *by_key)["amount"] == 350

    told = said(server, "revoke", "alice", "--added-with", "pay_2")
    assert told.startswith("There is nothing to take back from alice now: 100 credits left.")
    assert ledger.add("alice", 70, "purchase", idempotency_key="pay_2").balance == 100
    for wrong in (("revoke", "alice"), ("revoke", "alice", "tx_1", "5", "--added-with", "pay_1")):
        assert "named by its tx_id, or by the key" in refusal(server, *wrong, code=2)
    assert "digits 0 to 9" in refusal(server, *by_key, "tx_1", code=2)


def test_a_transfer_moves_credits_once_a_key(server: Server, ledger: Credits):
    words = ("transfer", "alice", "bob", "30", "--idempotency-key", "gift-1")
    first = document(server, *words)
    assert (first["from_user"], first["to_user"]) == ("alice", "bob")
    assert (first["amount"], first["balance"], first["replayed"]) == (30, 70, False)
    told = said(server, *words)
    assert told.startswith("Done before with this key, nothing changed: 70 credits now. (tx_")
    assert "used before" in refusal(server, "transfer", "alice", "bob", "31", *words[4:])
    assert "has 70 credits and this costs 80" in refusal(
        server, "transfer", "alice", "bob", "80", "--idempotency-key", "gift-2"
    )
    assert "two accounts" in refusal(server, "transfer", "bob", "bob", *words[3:], code=2)
    assert "Missing option" in refusal(server, *words[:4], code=2)
    assert (ledger.get_balance("alice"), ledger.get_balance("bob")) == (70, 30)
    assert said(server, "history", "alice", "--limit", "1").endswith("  to bob\n")
    came = said(server, "history", "bob")
    assert came.endswith(f"  of {first['tx_id']}  from alice\n")


def test_a_transfer_that_got_halfway_is_completed_by_the_same_command(
    server: Server, ledger: Credits
):
    warm = ("transfer", "alice", "bob", "1", "--idempotency-key", "warm")
    said(server, *warm)  # now the server has the scripts
    words = ("transfer", "alice", "bob", "30", "--idempotency-key", "gift-1", "--timeout", "1")
    with Proxy(server, matching=b"receive 30") as proxy:
        proxy.drop_request(times=2)
        done = run(*words, url=proxy.url)
    assert (done.returncode, done.stdout) == (3, "")
    assert "whether 30 credits came from 'alice' to 'bob' is not known" in done.stderr
    assert "run it again with the same key, which completes it" in done.stderr
    assert (ledger.get_balance("alice"), ledger.get_balance("bob")) == (69, 1)
    assert run(*words, url=server.url).returncode == 0
    assert (ledger.get_balance("alice"), ledger.get_balance("bob")) == (69, 31)


def test_a_transfer_whose_answer_is_lost_is_asked_for_again_by_the_same_command(
    server: Server, ledger: Credits
):
    said(server, "transfer", "alice", "bob", "1", "--idempotency-key", "warm")
    words = ("transfer", "alice", "bob", "30", "--idempotency-key", "gift-1", "--timeout", "1")
    with Proxy(server, matching=b"transfer 30 bob") as proxy:
        proxy.lose_reply(times=2)
        done = run(*words, "--json", url=proxy.url)
    assert (done.returncode, done.stdout) == (3, "")
    error = json.loads(done.stderr)
    assert error["error"] == "OutcomeUnknownError"
    assert "run it again with the same key" in error["message"]
    assert run(*words, url=server.url).returncode == 0
    assert (ledger.get_balance("alice"), ledger.get_balance("bob")) == (69, 31)


def test_ctrl_c_amid_a_transfer_tells_how_to_complete_it(server: Server, ledger: Credits):
    said(server, "transfer", "alice", "bob", "1", "--idempotency-key", "warm")
    words = ("transfer", "alice", "bob", "30", "--idempotency-key", "gift-1")
    with Proxy(server, matching=b"receive 30") as proxy:
        proxy.lose_reply_silently(times=5)
        program = subprocess.Popen(
            [*PROGRAM, *words, "--timeout", "60"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(CREDITS_URL=proxy.url),
        )
        deadline = time.monotonic() + 20
        while proxy.requests == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=20)
    assert (program.returncode, out) == (130, b"")
    assert err == (
        b"Error: stopped before an answer came: run it again with the same key, which completes "
        b"it\n"
    )
    assert run(*words, url=server.url).returncode == 0
    assert (ledger.get_balance("alice"), ledger.get_balance("bob")) == (69, 31)


def test_merge_moves_the_whole_balance(server: Server, ledger: Credits):
    ledger.add("trial", 30, "promo", expires_in=86_400)
    told = said(server, "merge", "trial", "alice")
    assert told.startswith("Moved 30 credits from trial into alice: 130 credits there now. (tx_")
    told = said(server, "merge", "trial", "alice")
    assert told == "trial has nothing to move into alice: 130 credits there now.\n"
    again = document(server, "merge", "trial", "alice")
    assert (again["from_user"], again["into_user"]) == ("trial", "alice")
    assert (again["amount"], again["created"]) == (0, False)
    assert [grant.remaining for grant in ledger.get_account("alice").grants] == [30]


def test_a_floor_below_zero_is_a_credit_line(server: Server, ledger: Credits):
    told = said(server, "floor", "alice", "-50")
    assert told == "The floor of alice is -50: 150 credits to spend.\n"
    said(server, "deduct", "alice", "150", "video")
    assert "has 0 credits and this costs 1" in refusal(server, "deduct", "alice", "1", "video")
    assert document(server, "floor", "alice", "0")["available"] == 0
    for wrong in ("-5x", "--5", "1.5", "-9000000000000000"):
        refusal(server, "floor", "alice", wrong, code=2)
    refusal(server, "floor", "alice", "5", "--jsn", code=2)
    assert ledger.get_account("alice").floor == 0


def test_a_frozen_account_spends_nothing(server: Server, ledger: Credits):
    told = said(server, "freeze", "alice", "--reason", "charge back")
    assert told == "alice is frozen with 100 credits.\n"
    refused = refusal(server, "deduct", "alice", "1", "video")
    assert refused == (
        "Error: account 'alice' is frozen (charge back): nothing is spent until `unfreeze`\n"
    )
    said(server, "add", "alice", "5", "gift")
    page = said(server, "account", "alice").splitlines()
    assert page == [
        "alice has 105 credits.",
        "available  0",
        "held       0",
        "floor      0",
        "frozen     yes: charge back",
    ]
    assert said(server, "unfreeze", "alice") == "alice may spend 105 credits.\n"
    said(server, "deduct", "alice", "1", "video")
    assert document(server, "freeze", "alice")["frozen"] is True


def test_a_lost_answer_of_a_freeze_asks_to_run_it_again(server: Server, ledger: Credits):
    ledger.unfreeze("alice")  # now the server has the script
    with Proxy(server, matching=b"stolen") as proxy:
        proxy.lose_reply(times=2)
        words = ("freeze", "alice", "--reason", "stolen", "--timeout", "1")
        done = run(*words, url=proxy.url)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "Error: whether 'alice' is frozen is not known, for no answer came: run it again, which "
        "does no harm\n"
    )


def test_an_allowance_is_granted_once_a_period(server: Server, ledger: Credits):
    november = ("--start", "2090-11-01", "--end", "2090-12-01", "--rollover", "200")
    december = ("--start", "2090-12-01", "--end", "2091-01-01", "--rollover", "200")
    words = ("allowance", "alice", "pro", "1000")
    told = said(server, *words, *november)
    assert told.startswith("Granted 1000 credits of pro to alice: 1100 credits now. (tx_")
    told = said(server, *words, *november)
    assert told.startswith("Granted before for this period, nothing changed: 1100 credits now.")
    assert "was granted for this period with 1000 credits, not 900" in refusal(
        server, "allowance", "alice", "pro", "900", *november
    )
    assert "expires    " not in said(server, "account", "alice")
    assert "1000  with the next period" in said(server, "account", "alice")
    assert document(server, *words, *december)["balance"] == 100 + 200 + 1000
    told = said(server, *words, *november)
    assert told == "A later period was granted before, nothing changed: 1300 credits now.\n"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--start", "2090-11-01"), "Missing option '--end'"),
        (("--start", "2090-12-01", "--end", "2090-11-01"), "ends after it starts"),
        (("--start", "2020-12-01", "--end", "2021-01-01"), "has ended already"),
        (
            ("--start", "2090-11-01", "--end", "2090-12-01", "--rollover", "some"),
            "none, all or a number",
        ),
    ],
)
def test_a_period_that_makes_no_sense_is_not_understood(
    server: Server, ledger: Credits, words: tuple[str, ...], part: str
):
    assert part in refusal(server, "allowance", "alice", "pro", "1000", *words, code=2)
    assert ledger.get_balance("alice") == 100


def test_export_has_grants_holds_floor_and_freeze(server: Server, ledger: Credits, tmp_path: Path):
    promo = ledger.add("alice", 90, "promo", expires_at=3_000_000_000_000)
    hold = ledger.hold("alice", 60, "train")
    ledger.set_floor("alice", -10)
    ledger.freeze("alice", "charge back")
    found = json.loads(said(server, "export", "alice"))["account"]
    assert [(grant["id"], grant["remaining"]) for grant in found["grants"]] == [(promo.tx_id, 30)]
    assert [(open_["id"], open_["amount"]) for open_ in found["holds"]] == [(hold.id, 60)]
    assert (found["balance"], found["floor"]) == (130, -10)
    assert (found["frozen"], found["frozen_reason"]) == (True, "charge back")

    ledger.freeze("mallory", "known from elsewhere")
    assert json.loads(said(server, "export", "mallory"))["account"]["frozen"] is True


def test_export_of_an_account_that_cannot_be_worked_on(server: Server, ledger: Credits):
    server.call("SET", "balance:alice", "12.5")
    found = json.loads(said(server, "export", "alice"))
    assert (found["balance"], found["account"]) == (12, None)
    server.call("SET", "balance:alice", "x")
    found = json.loads(said(server, "export", "alice"))
    assert (found["balance"], found["account"]) == (None, None)
    assert [entry["amount"] for entry in found["transactions"]] == [100]
