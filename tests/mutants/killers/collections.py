"""Charges for work that has been done: all of it, or what there is."""

from __future__ import annotations

from credits_core import IdempotencyConflictError, LimitExceededError
from tests.mutants.stage import DAY, Stage, killer, refused


@killer
def a_collection_takes_what_it_is_asked_for_and_no_more_than_there_is(stage: Stage) -> None:
    credits = stage.credits
    credits.add("a", 100, "purchase")
    credits.set_floor("a", 10)
    assert credits.collect("a", 30, "x", idempotency_key="1").amount == 30
    part = credits.collect("a", 70, "x", idempotency_key="2")
    assert (part.amount, part.balance) == (60, 10)
    again = credits.collect("a", 70, "x", idempotency_key="2")
    assert (again.tx_id, again.amount, again.replayed) == (part.tx_id, 60, True)
    assert credits.deduct("a", 70, "x", idempotency_key="2").amount == 60
    with refused(IdempotencyConflictError, tx_id=part.tx_id):
        credits.collect("a", 60, "x", idempotency_key="2")
    nothing = credits.collect("a", 5, "x", idempotency_key="3")
    assert (nothing.amount, nothing.created) == (0, False)
    assert len(stage.log("a")) == 3
    assert stage.sound("a") == 10


@killer
def a_frozen_account_is_not_collected_from(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    stage.credits.freeze("a")
    with refused(LimitExceededError, rule="frozen"):
        stage.credits.collect("a", 5, "x", idempotency_key="k")
    assert stage.sound("a") == 100


@killer
def a_collection_burns_grants_and_is_remembered_for_a_month(stage: Stage) -> None:
    stage.credits.add("a", 40, "promo", expires_in=90 * 86_400)
    stage.credits.add("a", 10, "promo", expires_in=91 * 86_400)
    stage.credits.collect("a", 40, "x", idempotency_key="k")
    assert stage.raw.hget("credits:state:a", "first") == stage.grants("a")[0]
    assert stage.remaining("a") == [10]
    stage.move(29 * DAY)
    assert stage.credits.collect("a", 40, "x", idempotency_key="k").replayed is True
    stage.move(2 * DAY)
    stage.credits.collect("a", 1, "x", idempotency_key="other")  # the generations take turns
    assert stage.credits.collect("a", 40, "x", idempotency_key="k").replayed is True
    assert stage.sound("a") == 9
