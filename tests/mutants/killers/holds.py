"""Holds: they leave the balance at once, and what is not used comes back once."""

from __future__ import annotations

from credits_core import (
    HoldClosedError,
    HoldNotFoundError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    commands,
)
from tests.mutants.stage import DAY, SECOND, Stage, killer, refused


@killer
def a_settled_hold_costs_what_the_work_cost(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 60, "train", expires_in=60)
    assert stage.sound("a") == 40
    account = stage.credits.get_account("a")
    assert [(one.id, one.amount, one.action) for one in account.holds] == [(hold.id, 60, "train")]
    receipt = stage.credits.settle("a", hold.id, 25)
    assert (receipt.amount, receipt.balance) == (25, 75)
    assert stage.credits.get_account("a").holds == ()
    assert stage.raw.hget("credits:state:a", "due") is None
    again = stage.credits.settle("a", hold.id, 25)
    assert (again.replayed, again.tx_id, again.amount) == (True, receipt.tx_id, 25)
    with refused(HoldClosedError, state="settled", kept=25):
        stage.credits.settle("a", hold.id, 26)
    with refused(HoldClosedError, state="settled"):
        stage.credits.release("a", hold.id)
    with refused(HoldClosedError, state="settled"):
        stage.credits.extend("a", hold.id, 1)
    assert stage.sound("a") == 75
    assert stage.log("a")[-1].get("kept") == 25


@killer
def a_released_hold_costs_nothing(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 60, "train")
    assert stage.credits.release("a", hold.id).balance == 100
    assert stage.credits.release("a", hold.id).replayed
    with refused(HoldClosedError, state="released"):
        stage.credits.settle("a", hold.id, 0)
    with refused(HoldNotFoundError):
        stage.credits.release("a", "tx_1_never")
    assert stage.sound("a") == 100


@killer
def what_falls_due_at_once_is_logged_after_what_was_last(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    for _ in range(3):
        stage.credits.hold("a", 10, "x", expires_in=60)
    stage.move(70 * SECOND)
    last = stage.now() + SECOND + 1022 / 1024
    stage.raw.hset("credits:state:a", "score", repr(last))
    assert stage.credits.get_balance("a") == 100
    scores = [score for _, score in stage.raw.zrange("txs:a", -3, -1, withscores=True)]
    assert scores == [last + step / 1024 for step in (1, 2, 3)]
    entries = stage.log("a")[-3:]
    assert [entry["timestamp"] for entry in entries] == [int(score) for score in scores]
    assert [entry["id"].split("_")[1] for entry in entries] == [str(int(at)) for at in scores]
    assert stage.sound("a") == 100


@killer
def a_hold_comes_back_when_its_time_has_come_and_not_before(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    first = stage.credits.hold("a", 10, "first", expires_in=600)
    second = stage.credits.hold("a", 20, "second", expires_in=1_200)
    stage.move(590 * SECOND)
    assert stage.credits.get_balance("a") == 70
    stage.move(20 * SECOND)
    assert stage.credits.get_balance("a") == 80
    with refused(HoldClosedError, state="expired", kept=0):
        stage.credits.settle("a", first.id, 5)
    stage.move(600 * SECOND)
    with refused(HoldClosedError, state="expired"):
        stage.credits.settle("a", second.id, 5)
    assert stage.sound("a") == 100
    stage.move(20 * DAY)
    with refused(HoldClosedError, state="expired"):
        stage.credits.extend("a", second.id, 5)


@killer
def an_expired_hold_can_be_charged_once(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 60, "train", expires_in=60)
    stage.move(61 * SECOND)
    late = stage.credits.settle("a", hold.id, 25, if_expired="charge")
    assert (late.amount, late.balance) == (25, 75)
    assert stage.log("a")[-1].get("action") == "train"
    assert stage.credits.settle("a", hold.id, 25, if_expired="charge").replayed
    with refused(HoldClosedError, state="settled", kept=25):
        stage.credits.settle("a", hold.id, 26, if_expired="charge")
    assert stage.sound("a") == 75


@killer
def what_the_work_costs_beyond_the_hold_is_refused_taken_or_owed(stage: Stage) -> None:
    for shortfall, balance, kept in (("take", 30, 80), ("owe", -20, 130)):
        user = f"who {shortfall}"
        stage.credits.add(user, 110, "purchase")
        hold = stage.credits.hold(user, 50, "x")
        stage.credits.set_floor(user, 30)
        with refused(InsufficientCreditsError, available=30):
            stage.credits.settle(user, hold.id, 81)
        receipt = stage.credits.settle(user, hold.id, 130, shortfall=shortfall)
        assert (receipt.balance, receipt.amount) == (balance, kept)
        assert stage.sound(user) == balance
    stage.credits.add("a", 110, "purchase")
    hold = stage.credits.hold("a", 50, "x")
    assert stage.credits.settle("a", hold.id, 110).balance == 0


@killer
def a_frozen_account_settles_what_it_holds_and_no_more(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    holds = [stage.credits.hold("a", 10, "x") for _ in range(3)]
    stage.credits.freeze("a", "fraud")
    with refused(LimitExceededError, rule="frozen"):
        stage.credits.settle("a", holds[0].id, 11)
    with refused(LimitExceededError, rule="frozen"):
        stage.credits.extend("a", holds[0].id, 1)
    assert stage.credits.settle("a", holds[0].id, 10).balance == 70
    assert stage.credits.settle("a", holds[1].id, 99, shortfall="take").amount == 10
    assert stage.credits.extend("a", holds[2].id, expires_in=5_000).amount == 10


@killer
def an_extended_hold_holds_more_for_longer(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 10, "x", expires_in=60)
    more = stage.credits.extend("a", hold.id, 5, idempotency_key="k")
    assert (more.amount, more.expires_at, more.balance) == (15, hold.expires_at, 85)
    longer = stage.credits.extend("a", hold.id, expires_in=600)
    assert longer.expires_at > hold.expires_at + 500 * SECOND
    assert stage.credits.extend("a", hold.id, expires_in=10).expires_at == longer.expires_at
    again = stage.credits.extend("a", hold.id, 5, idempotency_key="k")
    assert (again.replayed, again.amount, again.expires_at) == (True, 15, hold.expires_at)
    with refused(InsufficientCreditsError, available=85):
        stage.credits.extend("a", hold.id, 86)
    command = commands.extend(
        stage.keys, "a", hold.id, 3, expires_in=None, idempotency_key=None, now_ms=stage.now()
    )
    assert stage.run(command) == stage.run(command)
    assert stage.sound("a") == 82
    stage.move(100 * SECOND)
    assert stage.credits.get_balance("a") == 82
    stage.move(600 * SECOND)
    assert stage.credits.get_balance("a") == 100


@killer
def a_hold_is_paid_by_grants_and_goes_back_to_them(stage: Stage) -> None:
    stage.credits.add("a", 30, "1", expires_in=1_000)
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 20, "x")
    assert stage.remaining("a") == [10]
    assert stage.credits.extend("a", hold.id, 20).amount == 40  # 10 of them never expire
    assert stage.remaining("a") == []
    stage.credits.settle("a", hold.id, 25)
    assert stage.remaining("a") == [5]
    short = stage.credits.hold("a", 5, "x", expires_in=10)
    assert (short.balance, stage.remaining("a")) == (100, [])
    stage.move(11 * SECOND)
    assert stage.remaining("a") == [5]
    assert stage.sound("a") == 105


@killer
def the_end_of_a_hold_can_be_refunded_to_those_who_paid(stage: Stage) -> None:
    stage.credits.add("a", 30, "1", expires_in=1_000)
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 20, "x")
    settled = stage.credits.settle("a", hold.id, 50)  # 20 and 10 of the grant, 20 beside it
    assert stage.remaining("a") == []
    refund = stage.credits.refund("a", settled.tx_id)
    assert (refund.amount, refund.balance) == (50, 130)
    assert stage.remaining("a") == [30]
    assert stage.sound("a") == 130


@killer
def how_a_hold_ended_is_told_for_a_month(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    ended = []
    for _ in range(2):
        hold = stage.credits.hold("a", 10, "x").id
        stage.credits.settle("a", hold, 4)
        ended.append(hold)
        stage.move(29 * DAY)
        assert [stage.credits.settle("a", hold, 4).replayed for hold in ended] == [True] * len(
            ended
        )
        stage.move(2 * DAY)
    stage.move(31 * DAY)
    hold = stage.credits.hold("a", 10, "x").id
    stage.credits.release("a", hold)
    with refused(HoldNotFoundError):
        stage.credits.settle("a", ended[0], 4)


@killer
def a_key_makes_one_hold(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 10, "x", expires_in=60, idempotency_key="k")
    stage.move(SECOND)
    again = stage.credits.hold("a", 10, "x", expires_in=60, idempotency_key="k")
    assert (again.id, again.expires_at, again.replayed) == (hold.id, hold.expires_at, True)
    assert stage.sound("a") == 90


@killer
def there_are_a_thousand_holds_at_most(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    stage.credits.add("a", 100, "x", expires_in=60)
    open_ = {f"hold tx_{number}_x": 10**14 for number in range(999)}
    stage.raw.zadd("credits:due:a", open_)
    stage.credits.hold("a", 1, "x")
    with refused(LimitExceededError, rule="max_holds"):
        stage.credits.hold("a", 1, "x")
    assert stage.sound("a") == 199


@killer
def a_grant_that_goes_on_paying_is_told_once(stage: Stage) -> None:
    stage.credits.add("a", 30, "1", expires_in=1_000)
    stage.credits.add("a", 30, "2", expires_in=2_000)
    hold = stage.credits.hold("a", 4, "x").id
    for _ in range(7):
        stage.credits.extend("a", hold, 8)
    kept = stage.raw.hget("credits:state:a", f"hold {hold}") or ""
    assert kept.count("=") == 2
    assert stage.remaining("a") == []
    stage.credits.settle("a", hold, 33)
    assert stage.remaining("a") == [27]
    assert stage.sound("a") == 27


@killer
def a_hold_is_never_more_than_an_amount_may_be(stage: Stage) -> None:
    for _ in range(2):
        stage.credits.add("a", 10**15, "x")
    hold = stage.credits.hold("a", 10**15 - 1, "x").id
    assert stage.credits.extend("a", hold, 1).amount == 10**15
    with refused(InvalidRequestError):
        stage.credits.extend("a", hold, 1)
    assert stage.sound("a") == 10**15


@killer
def a_late_charge_of_an_expired_hold_is_told_whatever_month_it_is(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 10, "x", expires_in=60).id
    stage.move(61 * SECOND)
    assert stage.credits.get_balance("a") == 100
    stage.move(31 * DAY)
    first = stage.credits.settle("a", hold, 4, if_expired="charge")
    assert (first.replayed, first.balance) == (False, 96)
    assert stage.credits.settle("a", hold, 4, if_expired="charge").replayed
    assert stage.sound("a") == 96


@killer
def a_hold_stays_while_there_is_no_room_for_what_it_gives_back(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    stage.credits.hold("a", 10, "x", expires_in=60)
    stage.foreign("a", 2**53 - 1 - 95)
    stage.move(61 * SECOND)
    assert stage.credits.get_balance("a") == 2**53 - 6
    stage.foreign("a", -5)
    assert stage.credits.get_balance("a") == 2**53 - 1
    assert stage.sound("a") == 2**53 - 1
