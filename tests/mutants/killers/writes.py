"""A script that fails in the middle: what was to be done is done once, or not at all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from credits_core import Credits, CreditsError, commands
from credits_core.commands import SignUp
from tests.mutants.stage import NOBODY, Stage, killer

if TYPE_CHECKING:
    from collections.abc import Callable

_USED = ("hincrby", "hdel", "zrem", "zrange", "zrangebyscore", "zcard", "zadd")
_ACTS: tuple[Callable[[Credits, str, str, str, str], object], ...] = (
    lambda credits, user, hold, charge, addition: credits.settle(user, hold, 5),
    lambda credits, user, hold, charge, addition: credits.settle(user, hold, 25),
    lambda credits, user, hold, charge, addition: credits.extend(user, hold, 5),
    lambda credits, user, hold, charge, addition: credits.refund(user, charge),
    lambda credits, user, hold, charge, addition: credits.revoke(user, addition),
    lambda credits, user, hold, charge, addition: credits.hold(user, 5, "x"),
    lambda credits, user, hold, charge, addition: credits.deduct(user, 70, "x"),
    lambda credits, user, hold, charge, addition: credits.add(user, 50, "x", expires_in=9),
)


def _busy(stage: Stage, user: str) -> tuple[str, str, str]:
    """A hold, a charge and an addition that are of a grant of 100."""
    addition = stage.credits.add(user, 100, "x", expires_in=5_000).tx_id
    hold = stage.credits.hold(user, 20, "x").id
    return hold, stage.credits.deduct(user, 10, "x").tx_id, addition


@killer
def what_is_forbidden_shows_before_anything_moves(stage: Stage) -> None:
    login = stage.url.replace("redis://", "redis://app:secret@")
    for forbidden in _USED:
        rules = ("reset", "on", ">secret", "~*", "+@all", f"-{forbidden}")
        stage.raw.execute_command("ACL", "SETUSER", "app", *rules)
        with Credits.from_url(login, timeout=0.1) as ruled:
            for number, act in enumerate(_ACTS):
                user = f"{forbidden} {number}"
                what = _busy(stage, user)
                before = stage.log(user), stage.stored(user)
                with suppress(CreditsError):
                    act(ruled, user, *what)
                assert (stage.log(user), stage.stored(user)) == before, user
                assert stage.remaining(user) == [70], user
                act(stage.credits, user, *what)
                stage.sound(user)


@killer
def a_charge_that_is_not_written_takes_nothing_from_its_grant(stage: Stage) -> None:
    login = stage.url.replace("redis://", "redis://app:secret@")
    for forbidden in ("set", "zadd"):
        rules = ("reset", "on", ">secret", "~*", "+@all", f"-{forbidden}")
        stage.raw.execute_command("ACL", "SETUSER", "app", *rules)
        _busy(stage, forbidden)
        with Credits.from_url(login, timeout=0.1) as ruled, suppress(CreditsError):
            ruled.deduct(forbidden, 5, "x")
        assert stage.remaining(forbidden) == [stage.sound(forbidden)] == [70]


def _damaged(stage: Stage, user: str) -> None:
    """What remains of the grant that burns first is no number."""
    stage.raw.hset(f"credits:state:{user}", f"grant {stage.grants(user)[0]}", "x")


@killer
def what_lost_its_log_but_not_its_state_opens_one(stage: Stage) -> None:
    def lose(user: str) -> None:
        stage.raw.delete(f"txs:{user}")
        stage.raw.hdel(f"credits:state:{user}", "score", "initialized")

    for number, act in enumerate(_ACTS[:3]):
        what = _busy(stage, f"a{number}")
        lose(f"a{number}")
        act(stage.credits, f"a{number}", *what)
        stage.sound(f"a{number}")
    stage.credits.add("b", 100, "x")
    keys, now = stage.keys, stage.now()
    out = commands.send(keys, "transfer", "b", "c", 30, key="k", sign_up=NOBODY, now_ms=now)
    sent = stage.run(out)
    lose("b")
    stage.run(commands.recall(keys, "transfer", "b", sent, key="k", now_ms=now))
    for user in "de":
        stage.credits.add(user, 100, "x")
        stage.credits.hold(user, 10, "x", expires_in=10)
        lose(user)
    stage.move(11_000)
    look = commands.balance(keys, "d", sign_up=SignUp(100), now_ms=stage.now())
    assert stage.run(look) == 100, "it had its credits when it was made"
    assert stage.credits.deduct("e", 1, "x").balance == 99
    for user in "bde":
        stage.sound(user)
        assert stage.log(user)[0].get("kind") == "opening"
        assert [entry.get("kind") for entry in stage.log(user)].count("opening") == 1


@killer
def what_goes_back_to_a_grant_that_cannot_be_read_goes_back_once(stage: Stage) -> None:
    hold, charge, _ = _busy(stage, "a")
    _damaged(stage, "a")
    with Credits.from_url(stage.url, timeout=0.1) as impatient:
        for _ in range(2):
            with suppress(CreditsError):
                impatient.refund("a", charge)
        assert stage.sound("a") == 80
        for _ in range(2):
            with suppress(CreditsError):
                impatient.settle("a", hold, 5)
        assert stage.sound("a") == 95


@killer
def a_transfer_that_meets_a_broken_grant_moves_once(stage: Stage) -> None:
    _busy(stage, "a")
    keys, now = stage.keys, stage.now()
    out = commands.send(keys, "transfer", "a", "b", 30, key="k", sign_up=NOBODY, now_ms=now)
    sent = stage.run(out)
    stage.credits.add("b", 5, "x", expires_in=60)
    for _ in range(2):
        into = commands.receive(keys, "transfer", "a", "b", sent, now_ms=now)
        name = next(arg for arg in into.call.args if arg.startswith("1000 "))
        stage.raw.hset("credits:state:b", f"grant {name}", "x")
        with suppress(CreditsError):
            stage.run(into)
    assert stage.sound("b") == 35
    _damaged(stage, "a")
    for _ in range(2):
        with suppress(CreditsError):
            stage.run(commands.recall(keys, "transfer", "a", sent, key="k", now_ms=now))
    assert stage.sound("a") == 70
