"""Transfers of grants: when their time passes on the way, and what they leave behind."""

from __future__ import annotations

from credits_core import commands
from tests.mutants.stage import NOBODY, SECOND, Stage, killer


@killer
def a_grant_that_is_over_before_it_arrives_is_over(stage: Stage) -> None:
    stage.credits.add("a", 50, "x", expires_in=50)
    keys, now = stage.keys, stage.now()
    halves = [
        stage.run(
            commands.send(keys, "transfer", "a", "b", 20, key=key, sign_up=NOBODY, now_ms=now)
        )
        for key in ("1", "2")
    ]
    stage.move(60 * SECOND)
    stage.run(commands.receive(keys, "transfer", "a", "b", halves[0], now_ms=stage.now()))
    recall = commands.recall(keys, "transfer", "a", halves[1], key="2", now_ms=stage.now())
    stage.run(recall)
    assert [stage.sound(user) for user in "ab"] == [0, 0], "at once, not at the next touch"


@killer
def an_account_whose_grants_have_gone_is_plain(stage: Stage) -> None:
    stage.credits.add("a", 50, "x", expires_in=50)
    stage.credits.transfer("a", "b", 50, idempotency_key="k")
    assert stage.raw.hget("credits:state:a", "first") is None
    stage.credits.add("a", 50, "x", expires_in=50)
    charge = stage.credits.deduct("a", 50, "x").tx_id
    stage.credits.refund("a", charge)
    assert stage.raw.hget("credits:state:a", "first") == stage.grants("a")[0]
