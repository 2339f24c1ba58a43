"""Transfers and merges on the command line."""

import json

from credits_core import Credits
from tests.adapters.cli.program import document, refusal, run, run_until, said
from tests.support.proxy import Proxy
from tests.support.servers import Server


def test_a_transfer_moves_credits_once_a_key(server: Server, ledger: Credits):
    words = ("transfer", "alice", "bob", "30", "--idempotency-key", "gift-1")
    first = document(server, *words)
    assert (first["from_user"], first["to_user"]) == ("alice", "bob")
    assert (first["amount"], first["balance"], first["replayed"]) == (30, 70, False)
    told = said(server, *words)
    assert told.startswith("Done before with this key, nothing changed: 70 credits now. (tx_")
    assert "used before" in refusal(server, "transfer", "alice", "bob", "31", *words[4:])
    assert "can spend 70 credits and this costs 80" in refusal(
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
        stopped = run_until(lambda: proxy.requests > 0, *words, "--timeout", "60", url=proxy.url)
    assert (stopped.returncode, stopped.stdout) == (130, "")
    assert stopped.stderr == (
        "Error: stopped before an answer came: run it again with the same key, which completes it\n"
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
