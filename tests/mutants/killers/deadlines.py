"""A call whose deadline has passed does nothing, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core import Item, Period, commands
from credits_core.commands import Sent, SignUp
from tests.mutants.stage import DAY, NOBODY, Stage, killer

if TYPE_CHECKING:
    from credits_core.command import Command


def _commands(stage: Stage, hold: str, charge: str, addition: str) -> list[Command[Any]]:
    keys, now = stage.keys, stage.now()
    plain: dict[str, Any] = {"idempotency_key": None, "sign_up": NOBODY, "now_ms": now}
    back: dict[str, Any] = {"reason": None, "idempotency_key": None, "now_ms": now}
    record = stage.raw.hget("credits:additions:a", "k") or ""
    sent = Sent("tx_1_sent", 5, 5, record=record)
    end: dict[str, Any] = {"shortfall": "refuse", "if_expired": "refuse", "now_ms": now}
    more: dict[str, Any] = {"expires_in": 9, "idempotency_key": None, "now_ms": now}
    allowance: dict[str, Any] = {"rollover": "none", "priority": 0, "metadata": None}
    return [
        commands.initialize(keys, "a", 50, now_ms=now),
        commands.deduct(keys, "a", 1, "x", None, **plain),
        commands.collect(keys, "a", 1, "x", None, **(plain | {"idempotency_key": "c"})),
        commands.add(keys, "a", 1, "x", None, **plain),
        commands.batch(keys, "add", [Item("a", 1, "x")], **plain),
        commands.hold(keys, "a", 1, "x", None, expires_in=60, **plain),
        commands.extend(keys, "a", hold, 1, **more),
        commands.settle(keys, "a", hold, 1, **end),
        commands.refund(keys, "a", charge, None, **back),
        commands.revoke(keys, "a", addition, None, added_with=None, **back),
        commands.revoke(keys, "a", None, None, added_with="to come", **back),
        commands.send(keys, "transfer", "a", "b", 1, key="other", sign_up=NOBODY, now_ms=now),
        commands.receive(keys, "transfer", "b", "a", sent, now_ms=now),
        commands.cancel(keys, "transfer", "a", sent, now_ms=now),
        commands.confirm(keys, "transfer", "a", sent, key="k"),
        commands.recall(keys, "transfer", "a", sent, key="k", now_ms=now),
        commands.renew(
            keys, "a", "pro", 5, Period(now, now + DAY), sign_up=NOBODY, now_ms=now, **allowance
        ),
        commands.settings(keys, "set_floor", "a", floor=-5),
        commands.account(keys, "a", sign_up=SignUp(5), now_ms=now),
        commands.balance(keys, "new", sign_up=SignUp(5), now_ms=now),
        commands.begin_request(keys, "a", "r", "k", fingerprint="f", lease=9, owner=None),
        commands.begin_request(keys, "a", "r", "k-2", fingerprint="f", lease=9, owner="me"),
        commands.finish_request(keys, "a", "r", "k-2", "me", "done", keep=9),
        commands.abandon_request(keys, "a", "r", "k-2", "me"),
        commands.note_payment(keys, "pi_1", "n", "v"),
        commands.delete(keys, "a"),
    ]


@killer
def a_call_after_its_deadline_does_nothing(stage: Stage) -> None:
    addition = stage.credits.add("a", 100, "purchase").tx_id
    charge = stage.credits.deduct("a", 10, "x").tx_id
    hold = stage.credits.hold("a", 10, "x").id
    keys, now = stage.keys, stage.now()
    stage.run(commands.send(keys, "transfer", "a", "b", 1, key="k", sign_up=NOBODY, now_ms=now))
    stage.credits.begin_request("a", "r", "k-2", fingerprint="f", owner="me")
    before = stage.everything()
    for command in _commands(stage, hold, charge, addition):
        assert stage.answer(command, 0)[0] == "late", command.name
        assert stage.everything() == before, command.name
    # And before it they do what they are for.
    for command in _commands(stage, hold, charge, addition)[:-1]:
        assert stage.answer(command, stage.now() + 10_000)[0] != "late", command.name
