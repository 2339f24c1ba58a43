"""Limits that are seldom met: the largest balance, a thousand grants, nothing below nothing."""

from __future__ import annotations

from typing import Any

from credits_core import LimitExceededError, Period, commands, scripts
from credits_core.command import Call
from tests.mutants.stage import DAY, NOBODY, Stage, killer, refused

_LARGEST = 2**53 - 1


def _late(stage: Stage) -> int:
    return stage.now() + 60_000


def _renewal(stage: Stage, user: str, period: Period) -> Any:
    return commands.renew(
        stage.keys,
        user,
        "pro",
        50,
        period,
        rollover="none",
        priority=0,
        metadata=None,
        sign_up=NOBODY,
        now_ms=stage.now(),
    )


@killer
def what_comes_back_never_passes_what_a_double_holds(stage: Stage) -> None:
    keys, now = stage.keys, stage.now()
    stage.credits.add("a", 100, "purchase")
    charge = stage.credits.deduct("a", 30, "x").tx_id
    hold = stage.credits.hold("a", 30, "x").id
    out = commands.send(keys, "transfer", "a", "b", 30, key="k", sign_up=NOBODY, now_ms=now)
    sent = stage.run(out)
    stage.foreign("a", _LARGEST - 20)
    for much in (
        lambda: stage.credits.refund("a", charge),
        lambda: stage.credits.release("a", hold),
        lambda: stage.credits.grant_allowance("a", "pro", 50, Period(now, now + DAY)),
    ):
        with refused(LimitExceededError, rule="max_balance"):
            much()
    recall = commands.recall(keys, "transfer", "a", sent, key="k", now_ms=now)
    assert stage.answer(recall, _late(stage))[0] == "limit"
    assert stage.sound("a") == _LARGEST - 10


@killer
def allowances_and_arrivals_make_a_thousand_grants_at_most(stage: Stage) -> None:
    keys, now = stage.keys, stage.now()
    stage.credits.add("b", 10, "x", expires_in=60)
    out = commands.send(keys, "transfer", "b", "a", 10, key="k", sign_up=NOBODY, now_ms=now)
    sent = stage.run(out)
    stage.credits.add("a", 1, "x", expires_in=60)
    names = {f"1000 {10**14 + number:015} tx_{number}_x": 0 for number in range(999)}
    stage.raw.zadd("credits:grants:a", names)
    into = commands.receive(keys, "transfer", "b", "a", sent, now_ms=now)
    assert stage.answer(into, _late(stage))[2:3] == ["max_grants"]
    renewal = _renewal(stage, "a", Period(now - 5, now + DAY))
    assert stage.answer(renewal, _late(stage))[2:3] == ["max_grants"]
    over = _renewal(stage, "c", Period(now - DAY, now - 5))
    assert stage.answer(over, _late(stage))[0] == "invalid"


@killer
def a_revocation_gives_nothing_to_who_is_in_debt(stage: Stage) -> None:
    stage.credits.set_floor("a", -500)
    addition = stage.credits.add("a", 100, "purchase").tx_id
    stage.credits.deduct("a", 150, "x")
    assert stage.credits.revoke("a", addition).amount == 0
    assert stage.sound("a") == -50


@killer
def a_charge_is_the_entry_that_bears_its_id(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    charge, other = (stage.credits.deduct("a", amount, "x").tx_id for amount in (10, 20))
    _, first, second = stage.raw.zrange("txs:a", 0, -1)
    back: dict[str, Any] = {"reason": None, "idempotency_key": None, "now_ms": stage.now()}
    swapped = commands.refund(stage.keys, "a", charge, None, member=str(second), **back)
    assert stage.answer(swapped, _late(stage))[0] == "unfound"
    stage.raw.zrem("txs:a", first)
    stage.raw.incrby("balance:a", 10)
    gone = commands.refund(stage.keys, "a", charge, None, member=str(first), **back)
    assert stage.answer(gone, _late(stage))[0] == "unfound"
    assert stage.credits.refund("a", other).amount == 20


@killer
def a_checkpoint_holds_what_a_balance_may(stage: Stage) -> None:
    at = stage.now()
    for amount in (_LARGEST, -_LARGEST, _LARGEST, -1):
        stage.foreign("a", amount, at)
    stage.foreign("a", 0, at, amount=0.5)
    stage.foreign("a", 0, at, action="user_initialized")
    stage.move(100 * DAY)
    members = sorted(map(str, stage.raw.zrange("txs:a", 0, -1)), key=lambda one: one.split('"')[3])

    def fold(name: str, *chosen: str) -> Any:
        args = (str(10**14), name, *chosen)
        return stage.reply(Call(scripts.FOLD, stage.keys.account("a"), args))

    assert fold("1", members[0], members[2])[0] == "limit"
    assert fold("2", members[4])[0] == "state"
    assert fold("3", members[5])[0] == "ok"
    assert stage.raw.hget("credits:state:a", "initialized") == "1"
