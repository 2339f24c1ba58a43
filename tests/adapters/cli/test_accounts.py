"""An account as a whole on the command line: all that is in it, its floor, its freeze."""

import json
from pathlib import Path

from credits_core import Credits
from tests.adapters.cli.program import document, refusal, run, said
from tests.support.proxy import Proxy
from tests.support.servers import Server


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
        "holds": [
            {
                "id": hold.id,
                "amount": 60,
                "action": "train",
                "expires_at": hold.expires_at,
                "claimed": 0,
            }
        ],
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


def test_a_floor_below_zero_is_a_credit_line(server: Server, ledger: Credits):
    told = said(server, "floor", "alice", "-50")
    assert told == "The floor of alice is -50: 150 credits to spend.\n"
    said(server, "deduct", "alice", "150", "video")
    assert "can spend 0 credits and this costs 1" in refusal(
        server, "deduct", "alice", "1", "video"
    )
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
