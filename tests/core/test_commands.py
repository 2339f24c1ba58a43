"""Commands: arguments in, the very words for the store out; no clock, no store."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from credits_core import InvalidRequestError, Item, Period, commands, scripts
from credits_core.commands import SignUp
from credits_core.entries import grant_name, parse, transaction
from credits_core.keys import KeySpace

KEYS = KeySpace()
NOW = 1_800_000_000_000
TX = re.compile(r"tx_1800000000000_[0-9a-f]{16}")
NO_SIGN_UP = ("", "0")


def hold(amount=60, action="train", metadata=None, keys=KEYS, **more):
    given = {"expires_in": 900, "idempotency_key": None, "sign_up": SignUp(), "now_ms": NOW}
    return commands.hold(keys, "alice", amount, action, metadata, **(given | more))


def extend(amount=5, **more):
    given = {"expires_in": None, "idempotency_key": None, "now_ms": NOW}
    return commands.extend(KEYS, "alice", "tx_1_a", amount, **(given | more))


def settle(amount, **more):
    given = {"shortfall": "refuse", "if_expired": "refuse", "now_ms": NOW}
    return commands.settle(KEYS, "alice", "tx_1_a", amount, **(given | more))


def add(amount=40, **more):
    given = {"idempotency_key": None, "sign_up": SignUp(), "now_ms": NOW}
    return commands.add(KEYS, "alice", amount, "promo", None, **(given | more))


def batch(name, items, **more):
    given = {"idempotency_key": None, "sign_up": SignUp(), "now_ms": NOW}
    return commands.batch(KEYS, name, items, **(given | more))


def renew(period, **more):
    given = {
        "rollover": "none",
        "priority": 0,
        "metadata": None,
        "sign_up": SignUp(),
        "now_ms": NOW,
    }
    return commands.renew(KEYS, "alice", "pro", 1000, period, **(given | more))


def words(command, script):
    """The arguments, once the rest of the call is as it should be."""
    assert command.call.script is script
    assert command.user_id == "alice"
    assert command.call.keys == KEYS.account("alice")
    assert all(type(word) is str for word in command.call.args)
    return command.call.args


ALL = {
    "hold": hold(),
    "extend": extend(),
    "settle": settle(25),
    "release": settle(None),
    "add": add(expires_in=60),
    "deduct_many": batch("deduct", [Item("alice", 1, "x")]),
    "refund": commands.refund(
        KEYS, "alice", "tx_5_a", None, reason=None, idempotency_key=None, now_ms=NOW
    ),
    "revoke": commands.revoke(
        KEYS,
        "alice",
        "tx_5_a",
        None,
        added_with=None,
        reason=None,
        idempotency_key=None,
        now_ms=NOW,
    ),
    "grant_allowance": renew(Period(NOW - 1, NOW)),
}


@pytest.mark.parametrize("name", ALL)
def test_what_moves_money_has_a_name_a_deadline_and_a_witness(name):
    command = ALL[name]
    assert command.name == name
    assert (command.timed, command.writes, command.witnessed) == (True, True, True)
    assert TX.fullmatch(command.tx_id)
    assert command.bind(77).args == ("77", *command.call.args)
    assert command.question().args == ("0", *command.call.args)
    assert any(command.tx_id in word for word in command.call.args)


@pytest.mark.parametrize(
    "make", [hold, extend, lambda: settle(1), add], ids=["hold", "extend", "settle", "add"]
)
def test_two_commands_are_never_the_same_bytes(make):
    assert make().tx_id != make().tx_id
    assert make().call.args != make().call.args


def test_the_words_of_a_hold():
    command = hold(metadata={"gpu": 1}, expires_in=timedelta(minutes=2))
    text, *rest = words(command, scripts.HOLD)
    assert text == (
        f'{{"id":"{command.tx_id}","amount":-60,"action":"train","metadata":{{"gpu":1}},'
        f'"timestamp":{NOW},"kind":"hold","expires":{NOW + 120_000}}}'
    )
    request = "hold 60 train\x1fin 120000"
    assert rest == ["60", *NO_SIGN_UP, "", request, command.tx_id, str(NOW + 120_000), '"train"']


def test_a_key_of_a_hold_travels_with_its_request():
    args = words(hold(idempotency_key="job"), scripts.HOLD)
    assert args[4:6] == ("job", "hold 60 train\x1fin 900000")


@pytest.mark.parametrize("action", ['a "b" \\', "日本語 🦊", "a,b}{"])
def test_the_action_of_a_hold_is_json_that_can_be_put_into_an_entry(action):
    args = words(hold(action=action), scripts.HOLD)
    assert json.loads(args[-1]) == action
    assert parse(args[0])["action"] == action


def test_a_hold_as_a_first_touch_brings_the_sign_up():
    args = words(hold(sign_up=SignUp(100)), scripts.HOLD)
    assert args[3] == "100"
    entry = parse(args[2])
    assert (entry["amount"], entry["action"]) == (100, "user_initialized")
    assert TX.fullmatch(entry["id"])


def test_keys_have_their_prefix_and_their_braces():
    command = hold(keys=KeySpace("app:", braces=True))
    assert command.call.keys[:2] == ("app:balance:{alice}", "app:txs:{alice}")
    assert len(command.call.keys) == 8
    with pytest.raises(InvalidRequestError, match="brace"):
        commands.hold(
            KeySpace(braces=True), "a{b", 1, "x", None,
            expires_in=1, idempotency_key=None, sign_up=SignUp(), now_ms=NOW,
        )  # fmt: skip


def test_the_words_of_an_extension():
    command = extend(5, expires_in=60, idempotency_key="more")
    text, *rest = words(command, scripts.EXTEND)
    assert text == (
        f'{{"id":"{command.tx_id}","amount":-5,"action":"hold_extended","timestamp":{NOW},'
        f'"kind":"extend","hold":"tx_1_a","expires":{NOW + 60_000}}}'
    )
    request = "extend 5 tx_1_a\x1fin 60000"
    assert rest == ["5", "tx_1_a", str(NOW + 60_000), "more", request, command.tx_id]


def test_an_extension_of_credits_only_says_nothing_of_time_and_of_time_only_no_sign():
    text, amount, _, expires, *_ = words(extend(5), scripts.EXTEND)
    assert (amount, expires) == ("5", "")
    assert "expires" not in parse(text)
    text, amount, _, expires, *_ = words(extend(0, expires_in=60), scripts.EXTEND)
    assert (amount, expires) == ("0", str(NOW + 60_000))
    assert '"amount":0,' in text
    with pytest.raises(InvalidRequestError, match="or both"):
        extend(0)


def test_an_extension_without_a_key_is_known_by_its_own_id():
    # The hold may have ended by the time that a second try arrives.
    command = extend(5)
    assert words(command, scripts.EXTEND)[4] == command.tx_id


@pytest.mark.parametrize(("amount", "word"), [(0, "0"), (25, "25"), (10**15, "1000000000000000")])
def test_the_words_of_a_settlement(amount, word):
    command = settle(amount, shortfall="take", if_expired="charge")
    head, tail, *rest = words(command, scripts.SETTLE)
    assert rest == ["tx_1_a", word, "take", "charge", f"settle {word}", command.tx_id]
    # As the script puts it together.
    entry = parse(f'{head}35,"action":"train"{tail}{word}}}')
    assert list(entry) == ["id", "amount", "action", "timestamp", "kind", "hold", "kept"]
    told = transaction(entry, NOW + 0.5)
    assert (told.id, told.amount, told.action) == (command.tx_id, 35, "train")
    assert (told.kind, told.hold_id, told.timestamp) == ("settle", "tx_1_a", NOW)
    assert entry["kept"] == amount


def test_the_words_of_a_release():
    command = settle(None)
    head, tail, *rest = words(command, scripts.SETTLE)
    assert rest == ["tx_1_a", "0", "refuse", "refuse", "release", command.tx_id]
    assert transaction(parse(f'{head}60,"action":"train"{tail}0}}'), NOW).kind == "release"


def test_a_release_and_a_settlement_of_nothing_are_two_requests():
    assert settle(None).call.args[6] != settle(0).call.args[6]


def test_a_hold_id_is_quoted_in_an_entry():
    odd = commands.settle(
        KEYS, "alice", 'a"b\\', 1, shortfall="refuse", if_expired="refuse", now_ms=NOW
    )
    head, tail = odd.call.args[:2]
    assert parse(f'{head}0,"action":"x"{tail}1}}')["hold"] == 'a"b\\'


def test_the_words_of_credits_that_never_expire_are_as_they_were():
    command = add()
    text = f'{{"id":"{command.tx_id}","amount":40,"action":"promo","timestamp":{NOW}}}'
    assert words(command, scripts.ADD) == (text, "40", *NO_SIGN_UP)
    keyed = add(idempotency_key="pay")
    assert words(keyed, scripts.ADD)[4:] == ("pay", "add 40 promo", keyed.tx_id)


@pytest.mark.parametrize(
    ("when", "expires", "told"),
    [
        ({"expires_in": 60}, NOW + 60_000, "\x1fin 60000"),
        ({"expires_in": timedelta(days=1)}, NOW + 86_400_000, "\x1fin 86400000"),
        ({"expires_at": NOW + 5}, NOW + 5, f"\x1fat {NOW + 5}"),
        (
            {"expires_at": datetime(2030, 1, 1, tzinfo=UTC)},
            1_893_456_000_000,
            "\x1fat 1893456000000",
        ),
    ],
)
def test_the_words_of_a_grant(when, expires, told):
    command = add(priority=-5, **when)
    text, amount, _, _, key, request, tx_id, name = words(command, scripts.ADD)
    assert (amount, key, request, tx_id) == ("40", "", f"add 40 promo{told}", command.tx_id)
    assert name == f"0995 {expires:015} {command.tx_id}"
    entry = parse(text)
    assert (entry["kind"], entry["grant"], entry["expires"]) == ("grant", name, expires)
    told = transaction(entry, NOW)
    assert (told.kind, told.grant_id, told.expires_at) == ("grant", command.tx_id, expires)


def test_names_of_grants_stand_in_the_order_of_burning():
    in_order = [
        grant_name(-1000, 9_000, "tx_1_z"),
        grant_name(-1, 9_000, "tx_1_z"),
        grant_name(0, 5, "tx_1_z"),
        grant_name(0, 10, "tx_1_a"),
        grant_name(0, 10, "tx_1_b"),
        grant_name(0, 253_402_300_799_999, "tx_1_a"),
        grant_name(9, 1, "tx_1_a"),
        grant_name(10, 1, "tx_1_a"),
        grant_name(1000, 1, "tx_1_a"),
    ]
    assert sorted(in_order) == in_order


def test_a_priority_without_an_expiry_and_two_expiries_are_refused():
    with pytest.raises(InvalidRequestError, match="credits that expire"):
        add(priority=1)
    with pytest.raises(InvalidRequestError, match="exclude each other"):
        add(expires_in=1, expires_at=NOW)
    with pytest.raises(InvalidRequestError, match="9999"):
        add(expires_in=timedelta(days=365 * 8000))


@pytest.mark.parametrize(("name", "sign"), [("deduct", -1), ("add", 1)])
def test_the_words_of_a_batch(name, sign):
    items = [Item("alice", 3, "a", {"n": 1}), Item("alice", 4, "b")]
    command = batch(name, items, idempotency_key="order")
    told, key, member, credits_, request, first, *pairs = words(command, scripts.BATCH)
    assert (told, key, member, credits_) == (str(sign), "order", *NO_SIGN_UP)
    assert request.startswith(f"{name}\x1f2 items\x1f")
    assert (first, pairs[1::2]) == (command.tx_id, ["3", "4"])
    one, two = map(parse, pairs[::2])
    assert (one["id"], one["amount"], one["metadata"]) == (first, 3 * sign, {"n": 1})
    assert (two["amount"], two["action"], "metadata" in two) == (4 * sign, "b", False)
    assert TX.fullmatch(two["id"])
    assert two["id"] != first


def test_a_request_of_a_batch_is_told_by_all_its_items_in_their_order():
    def request(*items, name="deduct"):
        return batch(name, [Item("alice", *item) for item in items]).call.args[4]

    same = request((3, "a"), (4, "b"))
    assert same == request((3, "a", {"metadata": "does not count"}), (4, "b"))
    others = (
        request((4, "b"), (3, "a")),
        request((3, "a"), (4, "c")),
        request((3, "a"), (5, "b")),
        request((3, "a")),
        request((3, "a"), (4, "b"), name="add"),
    )
    assert len({same, *others}) == 6
    assert max(map(len, others)) < 100


def test_a_batch_is_of_one_user_of_one_key_and_not_too_long():
    one = Item("alice", 1, "x")
    with pytest.raises(InvalidRequestError, match="items are of 2"):
        batch("add", [one, Item("bob", 1, "x")])
    with pytest.raises(InvalidRequestError, match="one idempotency key"):
        batch("add", [one, Item("alice", 1, "x", None, "k")])
    with pytest.raises(InvalidRequestError, match="not 501"):
        batch("add", [one] * 501)
    with pytest.raises(InvalidRequestError):
        batch("add", [])
    assert len(batch("add", [one] * 500).call.args) == 6 + 1000


def test_looking_at_an_account_moves_nothing():
    command = commands.account(KEYS, "alice", sign_up=SignUp(), now_ms=NOW)
    assert words(command, scripts.ACCOUNT) == NO_SIGN_UP
    assert (command.timed, command.writes, command.tx_id) == (True, False, None)


@pytest.mark.parametrize(
    ("given", "args"),
    [
        ({"floor": -50}, ("-50", "", "")),
        ({"floor": 0}, ("0", "", "")),
        ({"frozen": True}, ("", "frozen", "")),
        ({"frozen": True, "reason": "fraud"}, ("", "frozen", "fraud")),
        ({"frozen": False}, ("", "free", "")),
    ],
)
def test_the_words_of_settings(given, args):
    command = commands.settings(KEYS, "set", "alice", **given)
    assert words(command, scripts.SETTINGS) == args
    assert (command.name, command.writes, command.tx_id) == ("set", True, None)


@pytest.mark.parametrize(("charge", "low"), [(f"tx_{NOW}_a", str(NOW - 100)), ("theirs-17", "")])
def test_a_refund_says_where_to_look_for_the_charge(charge, low):
    command = commands.refund(
        KEYS, "alice", charge, 7, reason="late", idempotency_key="r", now_ms=NOW
    )
    head, tail, *rest = words(command, scripts.REFUND)
    assert rest[:6] == ["7", charge, low, "", "r", f"refund {charge} 7"]
    assert rest[6] == command.tx_id
    told = transaction(parse(f"{head}7{tail}"), NOW)
    assert (told.id, told.kind, told.refers_to) == (command.tx_id, "refund", charge)
    assert (told.amount, told.metadata) == (7, {"reason": "late"})


def test_a_refund_of_all_leaves_the_amount_to_the_ledger():
    assert ALL["refund"].call.args[2] == ""


def test_a_revocation_names_an_addition_by_its_id_or_by_its_key():
    by_id = words(ALL["revoke"], scripts.REVOKE)
    assert (by_id[3], by_id[-1]) == ("tx_5_a", "")
    by_key = commands.revoke(
        KEYS, "alice", None, None, added_with="pay", reason=None, idempotency_key=None, now_ms=NOW
    )
    args = words(by_key, scripts.REVOKE)
    assert (args[3], args[4], args[-1]) == ("", "", "pay")
    told = transaction(parse(f"{args[0]}-7{args[1]}"), NOW)
    assert (told.kind, told.amount, told.refers_to) == ("revoke", -7, None)


PERIOD = Period(NOW - 1000, NOW + 86_400_000)


def test_an_allowance_that_is_lost_is_a_grant_until_the_end_of_its_period():
    command = renew(PERIOD, priority=3)
    args = words(command, scripts.RENEW)
    name = f"1003 {PERIOD.end_ms:015} {command.tx_id}"
    assert args[4:9] == ("pro", str(PERIOD.start_ms), command.tx_id, name, "")
    entry = parse(args[0])
    assert (entry["kind"], entry["grant"], entry["expires"]) == ("allowance", name, PERIOD.end_ms)


def test_an_allowance_that_stays_is_no_grant_and_a_capped_one_has_no_expiry():
    stays = words(renew(PERIOD, rollover="all"), scripts.RENEW)
    assert stays[7:9] == ("", "")
    assert not {"grant", "expires"} & parse(stays[0]).keys()
    capped = words(renew(PERIOD, rollover=200), scripts.RENEW)
    assert capped[8] == "200"
    assert capped[7].startswith("1000 999999999999999 ")
    assert "expires" not in parse(capped[0])
    assert words(renew(PERIOD, rollover=0), scripts.RENEW)[8] == "0"
