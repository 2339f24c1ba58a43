"""What replies of holds, batches, settings and returns mean: results, or the errors of refusals."""

from __future__ import annotations

import pickle

import pytest

from credits_core import (
    Account,
    AccountStateError,
    Grant,
    Hold,
    HoldClosedError,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    OpenHold,
    Receipt,
    TransactionError,
    decoding,
)
from credits_core.decoding import Unfound

NOW = "1800000000000.125"
AT = 1_800_000_000_000
LAST = "1799999999999.5"
BEFORE = 1_799_999_999_999


def receipt(reply):
    return decoding.receipt(reply, user_id="alice", tx_id="tx_1_a", amount=10)


def receipts(reply):
    told = [("tx_1_a0000", 3), ("tx_1_a0001", 4)]
    return decoding.receipts(reply, user_id="alice", told=told)


def hold(reply):
    return decoding.hold(reply, user_id="alice", tx_id="tx_1_a", amount=60, expires_at=AT + 5)


def extended(reply):
    return decoding.extended(reply, user_id="alice", hold_id="tx_0_h", tx_id="tx_1_a", amount=5)


def settled(reply):
    return decoding.settled(reply, user_id="alice", hold_id="tx_0_h", tx_id="tx_1_a", amount=25)


def returned(reply, amount=7):
    return decoding.returned(reply, user_id="alice", tx_id="tx_1_a", of="tx_0_c", amount=amount)


def renewed(reply):
    return decoding.renewed(reply, user_id="alice", tx_id="tx_1_a", amount=1000, name="pro")


def account(reply):
    return decoding.account(reply, user_id="alice")


def balance(reply):
    return decoding.balance(reply, user_id="alice")


WRITES = {
    "receipt": receipt,
    "receipts": receipts,
    "hold": hold,
    "extended": extended,
    "settled": settled,
    "returned": returned,
    "renewed": renewed,
}
READS = {"account": account, "balance": balance}
ALL = WRITES | READS


@pytest.fixture(params=WRITES)
def write(request):
    return WRITES[request.param]


@pytest.fixture(params=ALL)
def any_of_all(request):
    return ALL[request.param]


def test_a_hold_that_was_made():
    assert hold(["ok", NOW, "40", NOW]) == Hold("tx_1_a", "alice", 60, AT + 5, 40)


def test_a_hold_made_by_an_earlier_call_or_by_our_own_first_try():
    record = f"hold 60 train\x1fin 5\ntx_0_z {LAST} {BEFORE + 9}"
    earlier = hold(["replayed", NOW, "40", record])
    assert earlier == Hold("tx_0_z", "alice", 60, BEFORE + 9, 40, replayed=True)
    own = hold(["replayed", NOW, "40", record.replace("tx_0_z", "tx_1_a")])
    assert (own.id, own.replayed, own.expires_at) == ("tx_1_a", False, BEFORE + 9)


def test_an_extended_hold_is_told_as_it_is_now():
    made = extended(["ok", NOW, "35", NOW, "65", str(AT + 9)])
    assert made == Hold("tx_0_h", "alice", 65, AT + 9, 35)
    record = f"extend 5 tx_0_h\x1fin 9\ntx_0_z {LAST} {BEFORE + 9} 65"
    earlier = extended(["replayed", NOW, "20", record])
    assert earlier == Hold("tx_0_h", "alice", 65, BEFORE + 9, 20, replayed=True)
    assert not extended(["replayed", NOW, "20", record.replace("tx_0_z", "tx_1_a")]).replayed


def test_a_settlement_tells_what_was_kept_not_what_was_asked():
    made = settled(["ok", NOW, "90", NOW, "10"])
    assert made == Receipt("tx_1_a", 10, 90, AT)
    earlier = settled(["replayed", NOW, "80", f"settle 25\ntx_0_z {LAST} 10"])
    assert earlier == Receipt("tx_0_z", 10, 80, BEFORE, replayed=True)
    own = settled(["replayed", NOW, "80", f"settle 25\ntx_1_a {LAST} 10"])
    assert own == Receipt("tx_1_a", 10, 80, BEFORE)
    released = settled(["replayed", NOW, "100", f"release\ntx_0_z {LAST} 0"])
    assert (released.amount, released.replayed) == (0, True)


@pytest.mark.parametrize("decode", [settled, extended])
@pytest.mark.parametrize(
    ("record", "state", "kept"),
    [
        (f"settle 25\ntx_0_z {LAST} 25", "settled", 25),
        (f"settle 1000\ntx_0_z {LAST} 100", "settled", 100),
        (f"release\ntx_0_z {LAST} 0", "released", 0),
        (f'expire\ntx_0_z {LAST} 0\n"train"', "expired", 0),
    ],
)
def test_a_hold_that_has_ended_says_how(decode, record, state, kept):
    with pytest.raises(HoldClosedError, match=rf"'tx_0_h' of 'alice' (was|has) {state}") as refusal:
        decode(["closed", NOW, "75", record])
    error = refusal.value
    assert (error.state, error.kept, error.tx_id) == (state, kept, "tx_0_z")
    again = pickle.loads(pickle.dumps(error))
    assert (again.state, again.kept, again.tx_id, str(again)) == (state, kept, "tx_0_z", str(error))


def test_a_hold_that_expired_says_where_its_credits_are_and_how_to_charge():
    with pytest.raises(HoldClosedError, match=r"its credits went back: .* if_expired='charge'"):
        settled(["closed", NOW, "75", f'expire\ntx_0_z {LAST} 0\n"train"'])


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("add 500 purchase", "add 500 purchase"),
        ("add 5 gift\x1fin 2592000000", "add 5 gift, expiring in 2592000 seconds"),
        ("add 5 gift\x1fat 1800000000000", "add 5 gift, expiring at 2027-01-15 08:00:00+00:00"),
        ("extend 5 tx_0_h\x1fin None", "extend 5 tx_0_h"),
        (f"deduct\x1f2 items\x1f{'0a' * 16}", "deduct, 2 items"),
        ("deduct 5 in 7", "deduct 5 in 7"),
    ],
)
def test_what_a_key_was_used_for_is_told_in_units_and_without_digests(request_, told):
    with pytest.raises(IdempotencyConflictError) as refusal:
        receipt(["conflict", NOW, "40", f"{request_}\ntx_0_z {LAST}"])
    assert f"for: {told}. Use a new key" in str(refusal.value)


@pytest.mark.parametrize("decode", [settled, extended])
def test_a_hold_that_is_not_known_is_not_found(decode):
    with pytest.raises(HoldNotFoundError, match="'alice' has no hold 'tx_0_h'") as refusal:
        decode(["closed", NOW, "75", ""])
    assert refusal.value.tx_id == "tx_0_h"


def test_a_shortfall_of_a_settlement_asks_for_what_is_missing_beyond_the_hold():
    with pytest.raises(InsufficientCreditsError) as refusal:
        settled(["insufficient", NOW, "40", "41"])
    error = refusal.value
    assert (error.required, error.available, error.user_id) == (41, 40, "alice")


@pytest.mark.parametrize(
    ("decode", "required"),
    [(receipt, 10), (receipts, 7), (hold, 60), (extended, 5), (renewed, 1000)],
)
@pytest.mark.parametrize("available", [0, 9, -50])
def test_too_few_credits(decode, required, available):
    with pytest.raises(InsufficientCreditsError) as refusal:
        decode(["insufficient", NOW, str(available)])
    assert (refusal.value.required, refusal.value.available) == (required, max(0, available))
    assert refusal.value.missing == required - available


@pytest.mark.parametrize(("reason", "words"), [("fraud", r"frozen \(fraud\)"), ("", "is frozen:")])
def test_a_frozen_account(write, reason, words):
    with pytest.raises(LimitExceededError, match=words) as refusal:
        write(["frozen", NOW, reason])
    assert (refusal.value.rule, refusal.value.reason) == ("frozen", reason or None)


@pytest.mark.parametrize(
    ("rule", "detail", "words", "limit"),
    [
        ("max_balance", "7", "9007199254740991", 2**53 - 1),
        ("max_grants", "1000", "1000 grants", 1000),
        ("max_holds", "1000", "1000 open holds", 1000),
        ("max_revocations", "100", "100 revocations", 100),
        ("revoked", "12", "key '12'", None),
    ],
)
def test_a_limit(write, rule, detail, words, limit):
    with pytest.raises(LimitExceededError, match=words) as refusal:
        write(["limit", NOW, rule, detail])
    assert (refusal.value.rule, refusal.value.limit) == (rule, limit)
    assert "'alice'" in str(refusal.value)


@pytest.mark.parametrize(
    "state",
    [
        "missing_balance",
        "missing_log",
        "wrong_type",
        "not_a_number",
        "fractional",
        "malformed_entry",
    ],
)
def test_a_state(any_of_all, state):
    with pytest.raises(AccountStateError, match="account 'alice' has") as refusal:
        any_of_all(["state", NOW, state, "x{}%"])
    assert (refusal.value.state, refusal.value.user_id) == (state, "alice")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("expiry", "expired before they were added"),
        ("period", "ended already"),
        ("age", "30 days"),
        ("amount", "the ledger refused the amount"),
    ],
)
def test_what_the_ledger_calls_invalid(any_of_all, what, words):
    with pytest.raises(InvalidRequestError, match=words):
        any_of_all(["invalid", NOW, what])


@pytest.mark.parametrize("decode", [receipt, receipts, hold, extended, settled, returned])
def test_a_key_of_another_request(decode):
    with pytest.raises(
        IdempotencyConflictError, match=r"for: hold 60 train, expiring in 0.005 seconds. Use a"
    ) as refusal:
        decode(["conflict", NOW, "40", f"hold 60 train\x1fin 5\ntx_0_z {LAST} {AT}"])
    assert refusal.value.tx_id == "tx_0_z"


@pytest.mark.parametrize(
    "reply",
    [
        ["what"],
        ["ok"],
        ["ok", NOW],
        ["ok", NOW, "x", NOW],
        ["replayed", NOW, "1", "no record"],
        ["closed", NOW, "1", "vanished\ntx_1 1 0"],
        ["limit", NOW, "max_fun", "1"],
        ["late", NOW],
        [],
    ],
    ids=str,
)
def test_a_reply_of_no_script_of_ours_is_not_taken_for_an_answer(write, reply):
    with pytest.raises((IndexError, KeyError, ValueError, TypeError, AccountStateError)) as found:
        write(reply)
    assert not isinstance(found.value, InvalidRequestError)


def test_what_happened_together_has_one_balance():
    assert receipts(["ok", NOW, "93", NOW]) == [
        Receipt("tx_1_a0000", 3, 93, AT),
        Receipt("tx_1_a0001", 4, 93, AT),
    ]
    record = f"deduct\x1f2 items\x1f00\ntx_0_z0000 {LAST}"
    assert receipts(["replayed", NOW, "93", record]) == [
        Receipt("tx_0_z0000", 3, 93, BEFORE, replayed=True),
        Receipt("tx_0_z0001", 4, 93, BEFORE, replayed=True),
    ]
    own = receipts(["replayed", NOW, "93", record.replace("tx_0_z", "tx_1_a")])
    assert [(found.tx_id, found.replayed) for found in own] == [
        ("tx_1_a0000", False),
        ("tx_1_a0001", False),
    ]


def test_a_return():
    assert returned(["ok", NOW, "100", NOW, "10"], None) == Receipt("tx_1_a", 10, 100, AT)
    assert returned(["ok", NOW, "100", NOW], 7) == Receipt("tx_1_a", 7, 100, AT)
    earlier = returned(["replayed", NOW, "100", f"returned\ntx_0_z {LAST} 10"], None)
    assert earlier == Receipt("tx_0_z", 10, 100, BEFORE, replayed=True)
    assert not returned(["replayed", NOW, "100", f"returned\ntx_1_a {LAST} 10"], None).replayed


def test_what_is_not_where_its_id_says_is_a_value():
    assert returned(["unfound", NOW, ""]) == Unfound("tx_0_c", None)
    assert returned(["unfound", NOW, LAST]) == Unfound("tx_0_c", BEFORE)
    assert returned(["unfound", NOW, LAST, "tx_0_d"]) == Unfound("tx_0_d", BEFORE)


def test_what_cannot_be_returned_says_why():
    with pytest.raises(TransactionError, match=r"of the kind 'hold'.*release a hold") as refusal:
        returned(["kind", NOW, "hold"])
    assert refusal.value.tx_id == "tx_0_c"
    with pytest.raises(LimitExceededError, match="3 credits are left to refund, not 7") as limit:
        returned(["limit", NOW, "refundable", "3"])
    assert limit.value.rule == "refundable"


def test_an_allowance_of_an_earlier_period_grants_nothing():
    past = renewed(["past", NOW, "40", f"1000\ntx_0_z {LAST} 5 "])
    assert past == Receipt("tx_0_z", 0, 40, BEFORE, created=False)
    with pytest.raises(IdempotencyConflictError, match="with 500 credits, not 1000") as refusal:
        renewed(["conflict", NOW, "40", f"500\ntx_0_z {LAST} 5 "])
    assert refusal.value.tx_id == "tx_0_z"


def test_an_account_with_nothing_open():
    assert account(["ok", NOW, "40", "-50", "", ""]) == Account(
        "alice", 40, -50, frozen=False, frozen_reason="", grants=(), holds=()
    )


@pytest.mark.parametrize("reason", ["fraud", ""])
def test_a_frozen_account_is_frozen_with_and_without_a_reason(reason):
    found = account(["ok", NOW, "40", "0", "frozen", reason])
    assert (found.frozen, found.frozen_reason, found.available) == (True, reason, 0)


def test_an_account_lists_grants_as_they_burn_and_holds_as_they_expire():
    later = "0999 000000000000900 tx_1_late but first"
    found = account(
        [
            *("ok", NOW, "40", "0", "", ""),
            *("grant 1000 000000000000500 tx_2_b", "7"),
            *("hold tx_3_h", '60 800 1000 000000000000500 tx_2_b=5\n"say \\"hi\\""'),
            *(f"grant {later}".replace(" but first", ""), "8"),
            *("hold tx_4_h", '1 950 \n"x"'),
            *("grant 1000 999999999999999 allowance_0", "9"),
        ]
    )
    assert found.grants == (
        Grant("tx_1_late", 8, -1, 900),
        Grant("tx_2_b", 7, 0, 500),
        Grant("allowance_0", 9, 0, None),
    )
    assert found.holds == (
        OpenHold("tx_3_h", 60, 'say "hi"', 800),
        OpenHold("tx_4_h", 1, "x", 950),
    )
    assert (found.held, found.next_expiry) == (61, found.grants[1])
    assert found.grants[2].expires is None


def test_a_balance_and_what_of_it_may_be_spent():
    reply = ["ok", NOW, "40", "-50"]
    assert balance(reply) == 40
    assert decoding.available(reply, user_id="alice") == 90
    assert decoding.available(["ok", NOW, "-40", "10"], user_id="alice") == -50
    assert decoding.available(["ok", NOW, "12.7", "0"], user_id="alice") == 12
