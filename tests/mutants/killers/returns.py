"""Refunds, revocations, transfers, merges, allowances."""

from __future__ import annotations

from credits_core import (
    IdempotencyConflictError,
    LimitExceededError,
    Period,
    TransactionError,
    commands,
)
from tests.mutants.stage import DAY, NOBODY, Stage, killer, refused


@killer
def a_charge_is_refunded_once(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    charge = stage.credits.deduct("a", 30, "x").tx_id
    first = stage.credits.refund("a", charge)
    assert (first.amount, first.balance) == (30, 100)
    again = stage.credits.refund("a", charge)
    assert (again.replayed, again.tx_id) == (True, first.tx_id)
    assert stage.sound("a") == 100


@killer
def refunds_of_a_charge_are_never_more_than_it(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    charge = stage.credits.deduct("a", 30, "x").tx_id
    stage.credits.refund("a", charge, 20, idempotency_key="k")
    assert stage.credits.refund("a", charge, 20, idempotency_key="k").replayed
    with refused(IdempotencyConflictError):
        stage.credits.refund("a", charge, 5, idempotency_key="k")
    with refused(LimitExceededError, rule="refundable"):
        stage.credits.refund("a", charge, 11)
    assert stage.credits.refund("a", charge).amount == 10
    with refused(LimitExceededError, rule="refundable"):
        stage.credits.refund("a", charge, 1)
    assert stage.sound("a") == 100


@killer
def a_second_copy_of_a_return_changes_nothing(stage: Stage) -> None:
    addition = stage.credits.add("a", 100, "purchase").tx_id
    charge = stage.credits.deduct("a", 30, "x").tx_id
    other = stage.credits.deduct("a", 30, "x").tx_id
    back = {"reason": None, "idempotency_key": None, "now_ms": stage.now()}
    for command in (
        commands.refund(stage.keys, "a", charge, 10, **back),
        commands.refund(stage.keys, "a", other, None, **back),
        commands.revoke(stage.keys, "a", addition, 5, added_with=None, **back),
        commands.revoke(stage.keys, "a", None, 5, added_with="to come", **back),
        commands.revoke(stage.keys, "a", None, None, added_with="all to come", **back),
        commands.revoke(stage.keys, "a", addition, None, added_with=None, **back),
    ):
        first, before = stage.run(command), stage.everything()
        again = stage.run(command)
        assert stage.answer(command, 0)[0] != "late", "it can be asked about afterwards"
        assert (again.tx_id, again.amount, again.replayed) == (first.tx_id, first.amount, False)
        assert stage.everything() == before
    assert stage.sound("a") == 0


@killer
def only_charges_are_refunded_and_only_additions_revoked(stage: Stage) -> None:
    addition = stage.credits.add("a", 100, "purchase").tx_id
    charge = stage.credits.deduct("a", 30, "x").tx_id
    hold = stage.credits.hold("a", 10, "x").id
    refund = stage.credits.refund("a", charge, 5).tx_id
    for tx_id in (addition, hold, refund, "tx_1_never"):
        with refused(TransactionError, tx_id=tx_id):
            stage.credits.refund("a", tx_id)
    for tx_id in (charge, hold, refund, "tx_1_never"):
        with refused(TransactionError, tx_id=tx_id):
            stage.credits.revoke("a", tx_id)
    assert stage.sound("a") == 65


@killer
def a_revocation_takes_what_is_left(stage: Stage) -> None:
    stage.credits.add("a", 50, "other", expires_in=60)
    paid = stage.credits.add("a", 100, "purchase", idempotency_key="pay")
    stage.credits.deduct("a", 90, "x")  # 50 of the grant, 40 beside it
    stage.credits.add("a", 50, "other", expires_in=60)
    stage.credits.set_floor("a", 20)
    part = stage.credits.revoke("a", paid.tx_id, 15, idempotency_key="k")
    assert part.amount == 15
    assert stage.credits.revoke("a", paid.tx_id, 15, idempotency_key="k").replayed
    rest = stage.credits.revoke("a", added_with="pay", reason="dispute")
    assert rest.amount == 60 - 15 - 20, "not the grant, and not the floor"
    assert stage.credits.revoke("a", added_with="pay").tx_id == rest.tx_id
    stage.credits.add("a", 500, "x")
    assert stage.credits.revoke("a", added_with="pay").tx_id == rest.tx_id, "once"
    assert stage.sound("a") == 570


@killer
def a_revocation_is_never_more_than_the_addition(stage: Stage) -> None:
    paid = stage.credits.add("a", 100, "purchase").tx_id
    stage.credits.add("a", 500, "purchase")
    assert stage.credits.revoke("a", paid, 60, idempotency_key="1").amount == 60
    assert stage.credits.revoke("a", paid, 60, idempotency_key="2").amount == 40
    assert stage.credits.revoke("a", paid, 60, idempotency_key="3").amount == 0
    assert stage.sound("a") == 500


@killer
def a_revoked_grant_loses_what_remains_of_it(stage: Stage) -> None:
    grant = stage.credits.add("a", 50, "promotion", expires_in=60).tx_id
    stage.credits.add("a", 100, "purchase")
    stage.credits.deduct("a", 20, "x")
    assert stage.credits.revoke("a", grant).amount == 30
    assert stage.raw.hget("credits:state:a", "first") is None
    assert stage.remaining("a") == []
    assert stage.sound("a") == 100
    stage.move(DAY)
    assert stage.credits.get_balance("a") == 100


@killer
def an_addition_that_was_revoked_before_it_came_is_taken_back(stage: Stage) -> None:
    stage.credits.add("a", 7, "purchase")
    announced = stage.credits.revoke("a", added_with="pay")
    assert (announced.amount, announced.balance) == (0, 7)
    assert stage.credits.revoke("a", added_with="pay").replayed
    assert stage.credits.add("a", 100, "purchase", idempotency_key="pay").balance == 7
    stage.credits.revoke("a", None, 30, added_with="grant", idempotency_key="k")
    stage.credits.add("a", 50, "x", expires_in=60, idempotency_key="grant")
    assert stage.remaining("a") == [20]
    assert stage.sound("a") == 27


@killer
def a_transfer_moves_credits_once(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    first = stage.credits.transfer("a", "b", 30, idempotency_key="k")
    again = stage.credits.transfer("a", "b", 30, idempotency_key="k")
    assert (again.tx_id, again.replayed) == (first.tx_id, True)
    with refused(IdempotencyConflictError):
        stage.credits.transfer("a", "b", 31, idempotency_key="k")
    assert (stage.sound("a"), stage.sound("b")) == (70, 30)


@killer
def the_halves_of_a_transfer_happen_once(stage: Stage) -> None:
    stage.credits.add("a", 50, "1", expires_in=60)
    keys, now = stage.keys, stage.now()
    out = commands.send(keys, "transfer", "a", "b", 30, key="k", sign_up=NOBODY, now_ms=now)
    sent = stage.run(out)
    assert stage.run(out) == sent
    into = commands.receive(keys, "transfer", "a", "b", sent, now_ms=now)
    assert stage.run(into) == stage.run(into)
    assert (stage.sound("a"), stage.sound("b")) == (20, 30)
    assert stage.run(commands.cancel(keys, "transfer", "b", sent, now_ms=now)) is False
    stage.run(commands.confirm(keys, "transfer", "a", sent, key="k"))
    back = commands.recall(keys, "transfer", "a", sent, key="k", now_ms=now)
    assert stage.run(back) is False, "it has arrived"
    assert (stage.sound("a"), stage.sound("b")) == (20, 30)


@killer
def a_cancelled_transfer_comes_back_once(stage: Stage) -> None:
    stage.credits.add("a", 50, "1", expires_in=60)
    keys, now = stage.keys, stage.now()
    out = commands.send(keys, "transfer", "a", "b", 30, key="k", sign_up=NOBODY, now_ms=now)
    sent = stage.run(out)
    cancel = commands.cancel(keys, "transfer", "b", sent, now_ms=now)
    assert [stage.run(cancel), stage.run(cancel)] == [True, True]
    with refused(IdempotencyConflictError):
        stage.run(commands.receive(keys, "transfer", "a", "b", sent, now_ms=now))
    back = commands.recall(keys, "transfer", "a", sent, key="k", now_ms=now)
    stage.run(back)
    before = stage.everything()
    stage.run(back)
    assert stage.everything() == before
    assert (stage.sound("a"), stage.remaining("a"), stage.sound("b")) == (50, [50], 0)


@killer
def grants_travel_as_grants(stage: Stage) -> None:
    stage.credits.add("a", 20, "1", expires_in=60, priority=7)
    stage.credits.add("a", 100, "purchase")
    stage.credits.set_floor("b", -50)
    stage.credits.add("b", 1, "x")
    stage.credits.deduct("b", 6, "x")
    stage.credits.transfer("a", "b", 30, idempotency_key="k")
    assert stage.remaining("a") == []
    assert [
        (grant.remaining, grant.priority) for grant in stage.credits.get_account("b").grants
    ] == [(20, 7)]
    stage.credits.transfer("b", "c", 25, idempotency_key="k")
    stage.move(DAY)
    assert [stage.credits.get_balance(user) for user in "abc"] == [90, 0, 5]
    assert [stage.sound(user) for user in "abc"] == [90, 0, 5]


@killer
def a_transfer_pays_a_debt_before_grants(stage: Stage) -> None:
    stage.credits.add("a", 20, "1", expires_in=60)
    stage.credits.set_floor("b", -50)
    stage.credits.add("b", 1, "x")
    stage.credits.deduct("b", 9, "x")
    stage.credits.transfer("a", "b", 20, idempotency_key="k")
    assert stage.remaining("b") == [12]


@killer
def a_transfer_that_is_refused_is_given_back_for_ever(stage: Stage) -> None:
    stage.credits.add("a", 100, "1", expires_in=60)
    stage.foreign("b", 2**53 - 1)
    with refused(LimitExceededError, rule="max_balance"):
        stage.credits.transfer("a", "b", 30, idempotency_key="k")
    assert stage.remaining("a") == [100]
    stage.credits.deduct("b", 10**6, "x")
    with refused(TransactionError):
        stage.credits.transfer("a", "b", 30, idempotency_key="k")
    assert (stage.sound("a"), stage.sound("b")) == (100, 2**53 - 1 - 10**6)


@killer
def a_merge_moves_all_there_is(stage: Stage) -> None:
    stage.credits.add("a", 20, "1", expires_in=60)
    stage.credits.add("a", 100, "purchase")
    hold = stage.credits.hold("a", 30, "x")
    merged = stage.credits.merge_accounts("a", "b")
    assert (merged.amount, stage.sound("a"), stage.sound("b")) == (90, 0, 90)
    assert stage.credits.merge_accounts("a", "b").created is False
    stage.credits.release("a", hold.id)
    assert stage.credits.merge_accounts("a", "b").amount == 30
    assert stage.remaining("b") == [20]
    assert (stage.sound("a"), stage.sound("b")) == (0, 120)


def _periods(stage: Stage) -> list[Period]:
    start = stage.now() // DAY * DAY - 10
    return [Period(start + n * 30 * DAY, start + (n + 1) * 30 * DAY) for n in range(3)]


@killer
def an_allowance_is_granted_once_a_period(stage: Stage) -> None:
    first, second, _ = _periods(stage)
    grant = stage.credits.grant_allowance
    made = grant("a", "pro", 1000, first)
    assert grant("a", "pro", 1000, first).tx_id == made.tx_id
    with refused(IdempotencyConflictError):
        grant("a", "pro", 999, first)
    assert stage.credits.deduct("a", 400, "x").balance == 600
    stage.move(30 * DAY)
    assert grant("a", "pro", 1000, second).balance == 1000, "the rest has expired"
    assert grant("a", "pro", 1000, first).created is False
    assert stage.remaining("a") == [1000]
    assert stage.sound("a") == 1000


@killer
def an_allowance_rolls_over_up_to_its_cap(stage: Stage) -> None:
    first, second, third = _periods(stage)
    grant = stage.credits.grant_allowance
    grant("a", "pro", 1000, first, rollover=200)
    stage.credits.add("a", 5, "purchase")
    stage.credits.deduct("a", 400, "x")
    stage.move(30 * DAY)
    assert grant("a", "pro", 1000, second, rollover=200).balance == 1205
    assert stage.remaining("a") == [1200]
    stage.credits.deduct("a", 1100, "x")
    stage.move(30 * DAY)
    assert grant("a", "pro", 1000, third, rollover=200).balance == 1105
    assert stage.remaining("a") == [1100]
    assert stage.sound("a") == 1105


@killer
def an_allowance_pays_a_debt_first_and_may_never_expire(stage: Stage) -> None:
    first, second, _ = _periods(stage)
    stage.credits.set_floor("a", -500)
    stage.credits.add("a", 1, "x")
    stage.credits.deduct("a", 101, "x")
    stage.credits.grant_allowance("a", "pro", 300, first)
    assert stage.remaining("a") == [200]
    stage.credits.grant_allowance("b", "pro", 300, first, rollover="all")
    stage.move(30 * DAY)
    stage.credits.grant_allowance("b", "pro", 300, second, rollover="all")
    assert (stage.credits.get_balance("a"), stage.credits.get_balance("b")) == (0, 600)
    assert stage.remaining("b") == []
