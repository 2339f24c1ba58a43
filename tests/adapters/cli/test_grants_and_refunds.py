"""Grants, refunds, revocations and allowances on the command line."""

import pytest

from credits_core import Credits
from tests.adapters.cli.program import document, refusal, said
from tests.support.servers import Server

DAY = 86_400_000


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
        (("--expires-at", "2020-01-01"), "would have expired before"),
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


def test_what_is_on_hold_is_told(server: Server, ledger: Credits):
    added = ledger.add("alice", 500, "purchase").tx_id
    ledger.hold("alice", 580, "video")
    told = said(server, "revoke", "alice", added, "90")
    assert "Took 20 credits back from alice: 0 credits left." in told
    assert "70 credits on hold will be taken if they come back." in told
    assert document(server, "revoke", "alice", added)["claimed"] == 410
    assert "480 claimed by revocations" in said(server, "account", "alice")


def test_an_addition_is_taken_back_by_its_key_before_it_comes(server: Server, ledger: Credits):
    ledger.add("alice", 500, "purchase", idempotency_key="pay_1")
    by_key = ("revoke", "alice", "--added-with", "pay_1")
    assert said(server, *by_key, "150").startswith("Took 150 credits back from alice: 450 credits")
    assert document(server, *by_key)["amount"] == 350
    assert ledger.get_transactions("alice", limit=1)[0].payment == "pay_1"

    told = said(server, "revoke", "alice", "--added-with", "pay_2")
    assert told.startswith("There is nothing to take back from alice now: 100 credits left.")
    assert ledger.add("alice", 70, "purchase", idempotency_key="pay_2").balance == 100
    for wrong in (("revoke", "alice"), ("revoke", "alice", "tx_1", "5", "--added-with", "pay_1")):
        assert "named by its tx_id, or by the key" in refusal(server, *wrong, code=2)
    assert "digits 0 to 9" in refusal(server, *by_key, "tx_1", code=2)


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
    (newest,) = ledger.get_transactions("alice", limit=1)
    assert (newest.allowance, newest.period) == ("pro", 3_813_177_600_000)
    assert "  plan pro" in said(server, "history", "alice", "--limit", "1")
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
