"""What revocations claim of open holds, and what becomes of it when these give back."""

from __future__ import annotations

from credits_core import commands
from tests.mutants.stage import SECOND, Stage, killer


def claimed(stage: Stage) -> list[int]:
    """What is claimed of each hold, as they expire."""
    return [hold.claimed for hold in stage.credits.get_account("a").holds]


@killer
def what_is_on_hold_is_taken_when_it_comes_back(stage: Stage) -> None:
    bought = stage.credits.add("a", 50, "x").tx_id
    soon = stage.credits.hold("a", 20, "x", expires_in=60)
    late = stage.credits.hold("a", 25, "x", expires_in=90)
    told = stage.credits.revoke("a", bought)
    assert (told.amount, told.claimed, claimed(stage)) == (5, 45, [20, 25])
    assert stage.log("a")[-1]["claimed"] == 45
    again = stage.credits.revoke("a", bought)
    assert (again.amount, again.claimed, again.replayed) == (5, 45, True)
    assert stage.credits.revoke("a", bought, 5).claimed == 0
    assert stage.credits.settle("a", soon.id, 8).balance == 0
    assert stage.credits.waive("a", told.tx_id) == 12
    assert stage.sound("a") == 0
    assert stage.credits.release("a", late.id).balance == 25
    # What the work used, and what was let go, is revoked as if it had never been claimed.
    assert stage.credits.revoke("a", bought, 50).amount == 25
    stage.credits.add("a", 100, "x")
    assert stage.credits.revoke("a", bought, 50).amount == 8
    assert stage.sound("a") == 92


@killer
def what_expires_is_taken_by_one_entry(stage: Stage) -> None:
    stage.credits.add("a", 10, "x")
    bought = stage.credits.add("a", 50, "x").tx_id
    for seconds in (60, 70, 80):
        stage.credits.hold("a", 20, "x", expires_in=seconds)
    told = stage.credits.revoke("a", bought, 45, idempotency_key="k")
    assert claimed(stage) == [20, 20, 5]
    again = stage.credits.revoke("a", bought, 45, idempotency_key="k")
    assert (again.claimed, again.replayed) == (45, True)
    stage.move(75 * SECOND)
    assert stage.credits.get_balance("a") == 0
    assert [one["amount"] for one in stage.log("a")[-3:]] == [20, 20, -40]
    stage.move(10 * SECOND)
    assert stage.credits.get_balance("a") == 15
    assert stage.credits.waive("a", told.tx_id) == 45
    assert stage.sound("a") == 15


@killer
def of_a_grant_what_it_paid_is_claimed_and_else_what_none_paid(stage: Stage) -> None:
    stage.credits.add("a", 100, "x")
    grant = stage.credits.add("a", 30, "x", expires_in=60).tx_id
    other = stage.credits.add("a", 15, "x", expires_in=90).tx_id
    stage.credits.deduct("a", 10, "x")
    hold = stage.credits.hold("a", 60, "x")
    stage.credits.deduct("a", 75, "x")
    bought = stage.credits.add("a", 40, "x").tx_id
    stage.credits.deduct("a", 30, "x")
    first = stage.credits.revoke("a", grant)
    second = stage.credits.revoke("a", bought)
    assert (first.claimed, second.claimed, second.amount) == (20, 25, 10)
    assert claimed(stage) == [45]
    stage.credits.add("a", 100, "x")
    assert stage.credits.settle("a", hold.id, 15).balance == 115
    assert stage.remaining("a") == [15]
    assert stage.credits.revoke("a", other).amount == 15
    assert stage.sound("a") == 100


@killer
def what_the_work_used_is_not_taken(stage: Stage) -> None:
    first, second, third = (stage.credits.add("a", 30, "x").tx_id for _ in range(3))
    hold = stage.credits.hold("a", 70, "x")
    told = [stage.credits.revoke("a", one) for one in (first, second, third)]
    assert [(one.amount, one.claimed) for one in told] == [(20, 10), (0, 30), (0, 30)]
    stage.credits.add("a", 100, "x")
    assert stage.credits.settle("a", hold.id, 50).balance == 100
    taken = [(one["ref"], one["amount"]) for one in stage.log("a")[-2:]]
    assert taken == [(told[0].tx_id, -10), (told[1].tx_id, -10)]
    assert stage.sound("a") == 100


@killer
def no_more_is_claimed_than_is_on_hold(stage: Stage) -> None:
    first, second = (stage.credits.add("a", 30, "x").tx_id for _ in range(2))
    stage.credits.deduct("a", 10, "x")
    hold = stage.credits.hold("a", 40, "x")
    told = [stage.credits.revoke("a", one) for one in (first, second)]
    assert [(one.amount, one.claimed) for one in told] == [(10, 20), (0, 20)]
    assert claimed(stage) == [40]
    stage.credits.set_floor("a", 5)
    assert stage.credits.waive("a", "nothing") == 0
    assert stage.credits.settle("a", hold.id, 4).balance == 5
    assert [one["amount"] for one in stage.log("a")[-2:]] == [-20, -11]
    assert stage.sound("a") == 5


@killer
def what_was_owed_is_taken_once(stage: Stage) -> None:
    bought = stage.credits.add("a", 60, "x").tx_id
    stage.credits.hold("a", 20, "x", expires_in=60)
    late = stage.credits.hold("a", 40, "x", expires_in=90)
    told = stage.credits.revoke("a", bought)
    stage.credits.add("a", 100, "x")
    stage.move(70 * SECOND)
    assert stage.credits.settle("a", late.id, 10).balance == 100
    assert stage.credits.waive("a", told.tx_id) == 50
    assert stage.sound("a") == 100


@killer
def what_another_revocation_claims_is_not_let_go(stage: Stage) -> None:
    first, second = (stage.credits.add("a", 30, "x").tx_id for _ in range(2))
    hold = stage.credits.hold("a", 60, "x")
    told = stage.credits.revoke("a", first)
    stage.credits.revoke("a", second)
    late = commands.waive(stage.keys, "a", told.tx_id, now_ms=stage.now())
    assert stage.answer(late, 0)[0] == "late"
    entries = len(stage.log("a"))
    for _ in range(2):
        stage.credits.waive("a", told.tx_id)
    assert len(stage.log("a")) == entries + 1
    assert claimed(stage) == [30]
    assert stage.credits.release("a", hold.id).balance == 30
    assert stage.sound("a") == 30


@killer
def a_hold_that_is_extended_stays_claimed_by_ten_at_most(stage: Stage) -> None:
    bought = stage.credits.add("a", 50, "x").tx_id
    hold = stage.credits.hold("a", 50, "x")
    for number in range(11):
        assert stage.credits.revoke("a", bought, 1).claimed == (number < 10)
    stage.credits.add("a", 7, "x")
    stage.credits.extend("a", hold.id, 7)
    assert stage.credits.settle("a", hold.id, 47).balance == 0
    assert stage.sound("a") == 0
