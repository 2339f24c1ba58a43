"""Credits that expire: in which order they burn, what comes back to them, when they go."""

from __future__ import annotations

from credits_core import AccountStateError, InvalidRequestError, LimitExceededError, commands
from credits_core.commands import SignUp
from tests.mutants.stage import SECOND, Stage, killer, refused


def _three(stage: Stage) -> None:
    """They burn in the order 3, 1, 2; then 100 that never expire."""
    stage.credits.add("a", 10, "1", expires_in=50)
    stage.credits.add("a", 20, "2", expires_in=90)
    stage.credits.add("a", 30, "3", expires_in=99, priority=-1)
    stage.credits.add("a", 100, "purchase")


@killer
def grants_burn_by_priority_then_by_expiry(stage: Stage) -> None:
    _three(stage)
    assert stage.remaining("a") == [30, 10, 20]
    for spent, left in ((5, [25, 10, 20]), (25, [10, 20]), (15, [15]), (20, [])):
        stage.credits.deduct("a", spent, "x")
        assert stage.remaining("a") == left
    assert stage.sound("a") == 95
    assert stage.raw.zcard("credits:due:a") == 0
    assert stage.raw.hget("credits:state:a", "due") is None, "an account without them is plain"


@killer
def holds_and_charges_in_turn_burn_the_same(stage: Stage) -> None:
    _three(stage)
    hold = stage.credits.hold("a", 35, "x")
    assert stage.remaining("a") == [5, 20]
    stage.credits.deduct("a", 10, "x")
    assert stage.remaining("a") == [15]
    stage.credits.settle("a", hold.id, 32)
    assert stage.remaining("a") == [3, 15], "the last grant that paid gets back first"
    assert stage.sound("a") == 118


@killer
def what_remains_of_a_grant_goes_when_its_time_has_come(stage: Stage) -> None:
    _three(stage)
    stage.credits.deduct("a", 35, "x")
    stage.move(40 * SECOND)
    assert stage.credits.get_balance("a") == 125
    stage.move(11 * SECOND)
    assert stage.credits.get_balance("a") == 120
    assert stage.raw.zcard("credits:grants:a") == 1
    entry = stage.log("a")[-1]
    assert (entry.get("kind"), entry.get("amount")) == ("expire", -5)
    stage.move(100 * SECOND)
    assert stage.credits.deduct("a", 1, "x").balance == 99
    assert stage.remaining("a") == []
    assert stage.sound("a") == 99
    left = stage.raw.hkeys("credits:state:a")
    assert not [field for field in left if field.startswith("grant ")]
    assert stage.raw.exists("credits:grants:a", "credits:due:a") == 0


@killer
def a_refund_goes_back_to_the_grants_that_paid(stage: Stage) -> None:
    _three(stage)
    charge = stage.credits.deduct("a", 75, "x").tx_id  # 30, 10, 20 and 15 that never expire
    for amount, left in ((10, []), (10, [5]), (20, [5, 20]), (35, [30, 10, 20])):
        stage.credits.refund("a", charge, amount, idempotency_key=f"part {left}")
        assert stage.remaining("a") == left
    assert stage.sound("a") == 160


@killer
def what_comes_back_to_a_grant_that_is_over_is_over(stage: Stage) -> None:
    stage.credits.add("a", 10, "1", expires_in=50)
    charge = stage.credits.deduct("a", 10, "x").tx_id
    hold_of = stage.credits.add("a", 10, "2", expires_in=50)
    hold = stage.credits.hold("a", hold_of.amount, "x", expires_in=500)
    stage.move(60 * SECOND)
    assert stage.credits.refund("a", charge).balance == 0
    assert stage.credits.release("a", hold.id).balance == 0
    assert [entry.get("kind") for entry in stage.log("a")][-4:] == [
        "refund",
        "expire",
        "release",
        "expire",
    ]
    assert stage.sound("a") == 0


@killer
def holds_and_the_grants_that_paid_them_fall_due_together(stage: Stage) -> None:
    stage.credits.add("a", 30, "over", expires_in=50)
    stage.credits.add("a", 40, "live", expires_in=5_000)
    for _ in range(2):
        stage.credits.hold("a", 10, "x", expires_in=60)
    stage.move(70 * SECOND)
    assert (stage.remaining("a"), stage.sound("a")) == ([40], 40)
    stage.credits.add("a", 30, "over", expires_in=50)
    holds = [stage.credits.hold("a", amount, "x", expires_in=60) for amount in (30, 3, 4)]
    assert holds[-1].balance == 33
    stage.move(55 * SECOND)
    assert stage.remaining("a") == [33]
    stage.move(10 * SECOND)
    assert (stage.remaining("a"), stage.sound("a")) == ([40], 40)


@killer
def what_others_spend_burns_grants_and_what_they_add_does_not_expire(stage: Stage) -> None:
    _three(stage)
    stage.foreign("a", -35)
    assert stage.remaining("a") == [5, 20]
    assert stage.remaining("a") == [5, 20]
    stage.foreign("a", -1)
    assert [stage.remaining("a"), stage.remaining("a")] == [[4, 20]] * 2
    stage.foreign("a", 51)
    stage.credits.deduct("a", 4, "x")
    assert stage.remaining("a") == [20]
    stage.foreign("a", -10)
    stage.credits.add("a", 1, "x")
    assert stage.remaining("a") == [10]
    stage.move(100 * SECOND)
    assert stage.credits.get_balance("a") == 161 - 35 + 50 - 4 - 10 - 10
    stage.sound("a")


@killer
def a_debt_is_paid_before_a_grant_gets_anything(stage: Stage) -> None:
    stage.credits.set_floor("a", -500)
    stage.credits.add("a", 1, "x")
    stage.credits.deduct("a", 51, "x")
    stage.credits.add("a", 20, "x", expires_in=50)
    assert stage.remaining("a") == []
    stage.credits.add("a", 80, "x", expires_in=50)
    assert stage.remaining("a") == [50]
    stage.move(51 * SECOND)
    assert stage.credits.get_balance("a") == 0


@killer
def a_refund_pays_a_debt_first(stage: Stage) -> None:
    stage.credits.add("a", 40, "x", expires_in=50)
    stage.credits.set_floor("a", -500)
    charge = stage.credits.deduct("a", 40, "x").tx_id
    stage.credits.deduct("a", 30, "x")
    stage.credits.refund("a", charge)
    assert stage.remaining("a") == [10]
    assert stage.sound("a") == 10


@killer
def there_are_a_thousand_grants_at_most_and_none_of_the_past(stage: Stage) -> None:
    stage.credits.add("a", 1, "x")
    names = {f"1000 {10**14 + number:015} tx_{number}_x": 0 for number in range(999)}
    stage.raw.zadd("credits:grants:a", names)
    stage.raw.zadd("credits:due:a", {f"grant {name}": 10**14 for name in names})
    stage.credits.hold("a", 1, "x")
    stage.raw.zrem("credits:due:a", f"grant {min(names)}")
    stage.raw.zadd("credits:grants:a", {"1000 999999999999998 tx_0_y": 0})
    with refused(LimitExceededError, rule="max_grants"):
        stage.credits.add("a", 1, "x", expires_in=60)
    with refused(InvalidRequestError):
        stage.credits.add("a", 1, "x", expires_at=stage.now() - 1_000)


@killer
def a_first_touch_that_is_a_grant_signs_up_too(stage: Stage) -> None:
    stage.run(
        commands.add(
            stage.keys,
            "a",
            10,
            "x",
            None,
            expires_in=50,
            idempotency_key=None,
            sign_up=SignUp(100),
            now_ms=stage.now(),
        )
    )
    assert stage.sound("a") == 110
    assert stage.remaining("a") == [10]


@killer
def grants_of_an_account_that_is_gone_are_gone(stage: Stage) -> None:
    _three(stage)
    stage.credits.set_floor("a", -3)
    stage.raw.delete("balance:a", "txs:a")
    assert stage.remaining("a") == []
    assert stage.raw.exists("credits:grants:a", "credits:due:a") == 0
    assert stage.credits.add("a", 7, "x").balance == 7
    stage.move(100 * SECOND)
    assert stage.credits.get_balance("a") == 7


@killer
def holds_and_grants_whose_state_is_lost_are_told(stage: Stage) -> None:
    _three(stage)
    stage.raw.delete("credits:state:a")
    with refused(AccountStateError, state="missing_state"):
        stage.credits.deduct("a", 1, "x")
    assert stage.sound("a") == 160


@killer
def what_comes_back_to_a_thousand_other_grants_stays_for_good(stage: Stage) -> None:
    lasting = stage.credits.add("a", 10, "1", expires_in=60, priority=-1).amount
    spent = stage.credits.add("a", 20, "2", expires_in=60).amount
    charge = stage.credits.deduct("a", lasting + spent, "x").tx_id
    stage.credits.add("a", 5, "3", expires_in=60)
    last = stage.credits.deduct("a", 2, "x").tx_id
    names = {f"9000 {10**14 + number:015} tx_{number}_x": 0 for number in range(999)}
    stage.raw.zadd("credits:grants:a", names)
    stage.credits.refund("a", charge)
    assert stage.raw.zcard("credits:grants:a") == 1_000
    assert stage.credits.refund("a", last).balance == 35
    assert stage.remaining("a") == [5], "there is room in a grant that is there"
    assert stage.sound("a") == 35


@killer
def a_grant_whose_state_is_gone_is_over_in_its_time(stage: Stage) -> None:
    stage.credits.add("a", 10, "x", expires_in=60)
    stage.raw.hdel("credits:state:a", f"grant {stage.grants('a')[0]}")
    stage.move(61 * SECOND)
    assert stage.credits.get_balance("a") == 10
    assert stage.grants("a") == []
    assert stage.sound("a") == 10
