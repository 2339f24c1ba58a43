"""Charges, additions, batches, sign-ups."""

from __future__ import annotations

from credits_core import (
    AccountStateError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    Item,
    LimitExceededError,
    Period,
    commands,
)
from credits_core.commands import SignUp
from tests.mutants.stage import DAY, NOBODY, Stage, killer, refused


@killer
def a_second_copy_of_a_call_changes_nothing(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    now = stage.now()
    plain = {"idempotency_key": None, "sign_up": NOBODY, "now_ms": now}
    for command in (
        commands.deduct(stage.keys, "a", 10, "x", None, **plain),
        commands.add(stage.keys, "a", 5, "x", None, **plain),
        commands.hold(stage.keys, "a", 7, "x", None, expires_in=60, **plain),
        commands.batch(stage.keys, "deduct", [Item("a", 1, "x"), Item("a", 2, "x")], **plain),
        commands.initialize(stage.keys, "a", 50, now_ms=now),
    ):
        first, before = stage.run(command), stage.everything()
        assert stage.run(command) == first
        assert stage.answer(command, 0)[0] != "late", "it can be asked about afterwards"
        assert stage.everything() == before
    assert stage.sound("a") == 100 - 10 + 5 - 7 - 3 + 50


@killer
def a_key_replays_the_same_request_and_refuses_another(stage: Stage) -> None:
    credits = stage.credits
    credits.add("a", 100, "purchase")
    for call in (credits.deduct, credits.add):
        key = f"key of {call.__name__}"
        first = call("a", 10, "x", idempotency_key=key)
        again = call("a", 10, "x", idempotency_key=key)
        assert (again.replayed, again.tx_id) == (True, first.tx_id)
        with refused(IdempotencyConflictError, tx_id=first.tx_id):
            call("a", 11, "x", idempotency_key=key)
        with refused(IdempotencyConflictError):
            call("a", 10, "xy", idempotency_key=key)
    items = [Item("a", 1, "x"), Item("a", 2, "x")]
    for many in (credits.deduct_many, credits.add_many):
        key = f"key of {many.__name__}"
        many(items, atomic=True, idempotency_key=key)
        again = many(items, atomic=True, idempotency_key=key)[0]
        assert getattr(again, "replayed", None) is True
    assert stage.sound("a") == 100


@killer
def keys_of_charges_live_a_month_and_those_of_additions_for_ever(stage: Stage) -> None:
    credits = stage.credits
    credits.add("a", 100, "purchase", idempotency_key="payment")
    credits.add_many([Item("a", 1, "x")], atomic=True, idempotency_key="payments")
    credits.deduct("a", 1, "x", idempotency_key="first")
    for turn in range(3):
        stage.move(31 * DAY)
        # A turn empties the records before the last.
        assert credits.deduct("a", 1, "x", idempotency_key=f"turn {turn}").replayed is False
        assert credits.deduct("a", 1, "x", idempotency_key=f"also {turn}").replayed is False
        if turn == 0:
            assert credits.deduct("a", 1, "x", idempotency_key="first").replayed is True
        else:
            assert credits.deduct("a", 1, "x", idempotency_key=f"turn {turn - 1}").replayed is True
    assert credits.deduct("a", 1, "x", idempotency_key="first").replayed is False
    assert credits.add("a", 100, "purchase", idempotency_key="payment").replayed is True
    again = credits.add_many([Item("a", 1, "x")], atomic=True, idempotency_key="payments")[0]
    assert getattr(again, "replayed", None) is True


@killer
def what_an_account_has_is_what_it_can_spend(stage: Stage) -> None:
    credits = stage.credits
    credits.add("a", 100, "purchase")
    with refused(InsufficientCreditsError, available=100):
        credits.deduct("a", 101, "x")
    with refused(InsufficientCreditsError, available=100):
        credits.deduct_many([Item("a", 60, "x"), Item("a", 60, "x")], atomic=True)
    with refused(InsufficientCreditsError, available=100):
        credits.hold("a", 101, "x")
    assert stage.sound("a") == 100
    assert credits.deduct("a", 100, "x").balance == 0


@killer
def a_floor_bounds_spending_from_below(stage: Stage) -> None:
    credits = stage.credits
    credits.add("a", 100, "purchase")
    assert credits.set_floor("a", 30).available == 70
    assert credits.has_credits("a", 70)
    assert not credits.has_credits("a", 71)
    with refused(InsufficientCreditsError, available=70):
        credits.deduct("a", 71, "x")
    assert credits.set_floor("a", -50).floor == -50
    assert credits.deduct("a", 150, "x").balance == -50
    with refused(InsufficientCreditsError, available=0):
        credits.deduct("a", 1, "x")
    credits.add("a", 90, "x", expires_in=60)  # so that every touch looks closer
    assert credits.set_floor("a", 0).floor == 0
    assert credits.get_account("a").floor == 0


@killer
def a_frozen_account_spends_nothing(stage: Stage) -> None:
    credits = stage.credits
    credits.add("a", 100, "purchase")
    account = credits.freeze("a", "fraud")
    assert (account.frozen, account.frozen_reason) == (True, "fraud")
    for spend in (
        lambda: credits.deduct("a", 1, "x"),
        lambda: credits.hold("a", 1, "x"),
        lambda: credits.deduct_many([Item("a", 1, "x")], atomic=True),
        lambda: credits.transfer("a", "b", 1, idempotency_key="k"),
        lambda: credits.merge_accounts("a", "b"),
    ):
        with refused(LimitExceededError, rule="frozen"):
            spend()
    assert stage.sound("a") == 100
    credits.add("a", 1, "x", expires_in=60)  # so that every touch looks closer
    assert not credits.unfreeze("a").frozen
    assert not credits.get_account("a").frozen
    assert credits.deduct("a", 1, "x").balance == 100


@killer
def no_balance_passes_what_a_double_holds(stage: Stage) -> None:
    credits = stage.credits
    largest = 2**53 - 1
    stage.foreign("a", largest - 5)
    for much in (
        lambda: credits.add("a", 6, "x"),
        lambda: credits.add_many([Item("a", 6, "x")], atomic=True),
        lambda: credits.initialize_user("a", 6),
    ):
        with refused(LimitExceededError, rule="max_balance"):
            much()
    assert credits.add("a", 5, "x").balance == largest
    assert stage.sound("a") == largest


@killer
def the_log_keeps_the_order_of_execution_when_the_clock_is_set_back(stage: Stage) -> None:
    for number in range(3):
        stage.credits.add("a", 1, f"{number}")
        stage.move(-60_000)
    assert [entry.get("action") for entry in stage.log("a")] == ["0", "1", "2"]
    scores = [score for _, score in stage.raw.zrange("txs:a", 0, -1, withscores=True)]
    assert scores[2] - scores[0] < 1, "and does not run ahead of time"


@killer
def a_balance_without_a_log_gets_an_opening_entry(stage: Stage) -> None:
    credits = stage.credits
    credits.add("rich", 100, "purchase")
    for number, act in enumerate(
        (
            lambda user: credits.deduct(user, 1, "x"),
            lambda user: credits.add(user, 1, "x"),
            lambda user: credits.hold(user, 1, "x"),
            lambda user: credits.deduct_many([Item(user, 1, "x")], atomic=True),
            lambda user: credits.transfer(user, "rich", 1, idempotency_key="k"),
            lambda user: credits.transfer("rich", user, 1, idempotency_key=user),
            lambda user: credits.grant_allowance(user, "pro", 1, Period(stage.now(), 10**14)),
        )
    ):
        user = f"old {number}"
        stage.raw.set(f"balance:{user}", 50)
        act(user)
        assert stage.sound(user) in {49, 51}
        assert [entry.get("kind") for entry in stage.log(user)].count("opening") == 1
        assert stage.log(user)[0].get("kind") == "opening"
        assert not credits.initialize_user(user, 10).created


@killer
def a_lost_log_or_balance_is_told(stage: Stage) -> None:
    credits = stage.credits
    for user, key, state in (("a", "txs:a", "missing_log"), ("b", "balance:b", "missing_balance")):
        credits.add(user, 100, "purchase")
        stage.raw.delete(key)
        with refused(AccountStateError, state=state):
            credits.deduct(user, 1, "x")
        assert credits.verify_balance(user).valid is False


@killer
def an_account_signs_up_once(stage: Stage) -> None:
    credits = stage.credits
    credits.add("a", 5, "purchase")
    assert credits.initialize_user("a", 100).balance == 105
    assert not credits.initialize_user("a", 100).created
    assert stage.raw.hget("credits:state:a", "initialized") == "1"
    # By the mark alone, however far back in the log the sign-up is.
    stage.raw.zremrangebyrank("txs:a", 1, 1)
    assert not credits.initialize_user("a", 100).created
    stage.raw.set("balance:deployed", 70)
    stage.raw.zadd("txs:deployed", {'{"id":"tx_1_a","amount":70,"action":"user_initialized"}': 1})
    assert not credits.initialize_user("deployed", 100).created
    assert stage.sound("deployed") == 70


@killer
def the_first_touch_signs_up_where_the_app_wants_that(stage: Stage) -> None:
    def touch(user: str) -> int:
        return int(
            stage.run(
                commands.deduct(
                    stage.keys,
                    user,
                    1,
                    "x",
                    None,
                    idempotency_key=None,
                    sign_up=SignUp(100),
                    now_ms=stage.now(),
                )
            ).balance
        )

    assert [touch("a"), touch("a")] == [99, 98]
    assert stage.raw.hget("credits:state:a", "initialized") == "1"
    # Gone by other hands, with our state left behind: a new life.
    stage.raw.delete("balance:a", "txs:a")
    assert touch("a") == 99
    assert stage.sound("a") == 99
    stage.raw.set("balance:old", 50)
    assert touch("old") == 49, "it had its credits when it was made"
    read = commands.balance(stage.keys, "new", sign_up=SignUp(100), now_ms=stage.now())
    assert [stage.run(read), stage.run(read)] == [100, 100]


@killer
def a_batch_is_charged_as_a_whole(stage: Stage) -> None:
    stage.credits.add("a", 50, "x", expires_in=100)
    stage.credits.add("a", 50, "x")
    told = stage.credits.deduct_many([Item("a", 30, "x"), Item("a", 40, "x")], atomic=True)
    assert [getattr(one, "balance", None) for one in told] == [30, 30]
    assert stage.sound("a") == 30
    assert stage.remaining("a") == []
    assert stage.raw.hget("credits:state:a", "first") is None
    stage.credits.add_many([Item("a", 1, "x"), Item("a", 2, "x")], atomic=True)
    assert stage.sound("a") == 33


@killer
def a_deleted_account_leaves_nothing(stage: Stage) -> None:
    stage.credits.add("a", 50, "x", expires_in=100, idempotency_key="k")
    stage.credits.hold("a", 5, "x", idempotency_key="h")
    assert stage.credits.delete_account("a") is True
    assert [key for key in stage.raw.keys("*") if key.endswith(":a")] == []
    assert stage.credits.delete_account("a") is False
