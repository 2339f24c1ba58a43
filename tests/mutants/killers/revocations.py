"""Revocations: told again, told ahead, told of what is another's by now."""

from __future__ import annotations

from credits_core import Item, LimitExceededError, Period, TransactionError, commands
from tests.mutants.stage import DAY, Stage, killer, refused


@killer
def what_came_back_to_a_revoked_grant_is_taken_again(stage: Stage) -> None:
    grant = stage.credits.add("a", 50, "promotion", expires_in=60).tx_id
    stage.credits.add("a", 100, "purchase")
    charge = stage.credits.deduct("a", 20, "x").tx_id
    assert stage.credits.revoke("a", grant).amount == 30
    stage.credits.refund("a", charge)
    assert stage.remaining("a") == [20]
    again = stage.credits.revoke("a", grant)
    assert (again.amount, again.replayed, stage.remaining("a")) == (20, False, [])
    assert stage.credits.revoke("a", grant).replayed
    assert stage.sound("a") == 100


@killer
def a_late_copy_of_a_revocation_takes_nothing_that_came_back_since(stage: Stage) -> None:
    grant = stage.credits.add("a", 50, "promotion", expires_in=60).tx_id
    charges = [stage.credits.deduct("a", 20, "x").tx_id for _ in range(2)]
    copies = []
    for charge in charges:
        copies.append(
            commands.revoke(
                stage.keys,
                "a",
                grant,
                None,
                added_with=None,
                reason=None,
                idempotency_key=None,
                now_ms=stage.now(),
            )
        )
        stage.run(copies[-1])
        stage.credits.refund("a", charge)
        for copy in copies:
            stage.run(copy)
            assert stage.remaining("a") == [20]
            assert stage.sound("a") == 20


@killer
def a_part_after_all_of_it_leaves_that_told(stage: Stage) -> None:
    grant = stage.credits.add("a", 50, "promotion", expires_in=60).tx_id
    charge = stage.credits.deduct("a", 20, "x").tx_id
    first = stage.credits.revoke("a", grant)
    stage.credits.refund("a", charge)
    assert stage.credits.revoke("a", grant, 5, idempotency_key="k").amount == 5
    stage.credits.deduct("a", 15, "x")
    told = stage.credits.revoke("a", grant)
    assert (told.tx_id, told.replayed) == (first.tx_id, True)
    assert stage.sound("a") == 0


@killer
def a_period_that_is_over_takes_nothing_of_the_next(stage: Stage) -> None:
    start = stage.now()
    first, second = (Period(start + n * DAY, start + (n + 1) * DAY) for n in range(2))
    old = stage.credits.grant_allowance("a", "pro", 1000, first, rollover=200).tx_id
    stage.move(DAY)
    new = stage.credits.grant_allowance("a", "pro", 1000, second, rollover=200).tx_id
    assert stage.credits.revoke("a", old).amount == 0
    assert stage.remaining("a") == [1200]
    assert stage.credits.revoke("a", new).amount == 1000
    assert stage.sound("a") == 200


@killer
def of_what_was_added_together_none_is_meant_by_the_key(stage: Stage) -> None:
    stage.credits.revoke("a", added_with="pay")
    with refused(LimitExceededError, rule="revoked"):
        stage.credits.add_many([Item("a", 5, "x")], atomic=True, idempotency_key="pay")
    assert stage.log("a") == []
    stage.credits.add_many([Item("a", 5, "x")], atomic=True, idempotency_key="other")
    with refused(TransactionError):
        stage.credits.revoke("a", added_with="other")
    assert stage.sound("a") == 5


@killer
def ten_revocations_wait_for_an_addition_at_most(stage: Stage) -> None:
    for number in range(10):
        stage.credits.revoke("a", None, 1, added_with="pay", idempotency_key=f"{number}")
    with refused(LimitExceededError, rule="max_revocations"):
        stage.credits.revoke("a", None, 1, added_with="pay", idempotency_key="10")
    stage.credits.add("a", 100, "x", idempotency_key="pay")
    assert stage.sound("a") == 90


@killer
def what_was_revoked_stays_told_when_it_is_folded(stage: Stage) -> None:
    addition = stage.credits.add("a", 50, "x").tx_id
    told = stage.credits.revoke("a", addition).tx_id
    stage.raw.zremrangebyrank("txs:a", 0, 0)
    stage.raw.incrby("balance:a", -50)
    again = stage.credits.revoke("a", addition)
    assert (again.tx_id, again.replayed) == (told, True)


@killer
def a_revocation_by_key_names_the_addition(stage: Stage) -> None:
    before = stage.credits.add("a", 50, "x", idempotency_key="before").tx_id
    stage.credits.revoke("a", added_with="before")
    assert stage.log("a")[-1].get("ref") == before
    stage.credits.revoke("a", added_with="after")
    after = stage.credits.add("a", 50, "x", idempotency_key="after").tx_id
    assert stage.log("a")[-1].get("ref") == after
    assert stage.sound("a") == 0
