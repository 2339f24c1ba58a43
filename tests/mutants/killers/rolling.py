"""Allowances that roll over, when the terms change from one period to the next."""

from __future__ import annotations

from credits_core import Period
from tests.mutants.stage import DAY, Stage, killer


def _periods(stage: Stage) -> list[Period]:
    start = stage.now() - 10
    return [Period(start + n * 30 * DAY, start + (n + 1) * 30 * DAY) for n in range(3)]


@killer
def what_rolls_over_is_what_the_last_period_allowed(stage: Stage) -> None:
    first, second, third = _periods(stage)
    grant = stage.credits.grant_allowance
    grant("a", "pro", 1000, first, rollover=200)
    stage.move(30 * DAY)
    assert grant("a", "pro", 100, second, rollover=50).balance == 300
    stage.move(30 * DAY)
    assert grant("a", "pro", 100, third, rollover="none").balance == 150
    assert stage.remaining("a") == [100], "what rolled over stays for good"
    stage.move(30 * DAY)
    assert stage.credits.get_balance("a") == 50
    stage.sound("a")


@killer
def an_allowance_is_one_whatever_its_priority_was(stage: Stage) -> None:
    first, second, third = _periods(stage)
    grant = stage.credits.grant_allowance
    grant("a", "pro", 1000, first, rollover=200)
    charge = stage.credits.deduct("a", 400, "x").tx_id
    stage.move(30 * DAY)
    grant("a", "pro", 1000, second, rollover=200, priority=5)
    stage.credits.refund("a", charge)
    assert stage.remaining("a") == [400, 1200]
    stage.move(30 * DAY)
    assert grant("a", "pro", 1000, third, rollover=200, priority=5).balance == 1200
    assert stage.remaining("a") == [1200]
    assert stage.sound("a") == 1200


@killer
def a_period_of_an_account_that_is_gone_binds_nobody(stage: Stage) -> None:
    first, *_ = _periods(stage)
    stage.credits.grant_allowance("a", "pro", 1000, first)
    stage.raw.delete("balance:a", "txs:a")
    assert stage.credits.grant_allowance("a", "pro", 500, first).balance == 500
    assert stage.sound("a") == 500
