"""Requests with an idempotency key of the client: one owner at a time, one token, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credits_core import InvalidRequestError, RequestRecord, commands
from credits_core.command import Call
from tests.mutants.stage import DAY, SECOND, Stage, killer, refused

if TYPE_CHECKING:
    from credits_core.command import Command

AT = ("a", "POST /", "k")


def begin(stage: Stage, owner: str, fingerprint: str = "f", lease: float = 10) -> RequestRecord:
    return stage.credits.begin_request(*AT, fingerprint=fingerprint, lease=lease, owner=owner)


def finish(stage: Stage, owner: str, answer: str = "done") -> bool:
    return stage.credits.finish_request(*AT, owner, answer, keep=100)


def abandon(stage: Stage, owner: str) -> bool:
    return stage.credits.abandon_request(*AT, owner)


def kept(stage: Stage) -> int:
    """For how long (ms)."""
    return int(stage.raw.pttl(stage.keys.request(*AT)))


def begin_of(stage: Stage, owner: str) -> Command[RequestRecord]:
    return commands.begin_request(stage.keys, *AT, fingerprint="f", lease=10, owner=owner)


def ends(stage: Stage, owner: str) -> tuple[Command[bool], Command[bool]]:
    return (
        commands.finish_request(stage.keys, *AT, owner, "done", keep=100),
        commands.abandon_request(stage.keys, *AT, owner),
    )


@killer
def a_request_has_one_owner_at_a_time(stage: Stage) -> None:
    assert begin(stage, "x") == RequestRecord("begun", "x", token="x")
    other = begin(stage, "y")
    assert other.state == "running"
    assert 0 < (other.lease_left or 0) <= 10 * SECOND
    assert begin(stage, "x", "other").state == "mismatch"
    stage.move(8 * SECOND)
    assert begin(stage, "x").state == "begun"
    stage.move(8 * SECOND)
    assert begin(stage, "y").state == "running", "the lease was renewed"
    stage.move(8 * SECOND)
    for _ in range(2):
        assert begin(stage, "y") == RequestRecord("begun", "y", token="x", again=True)
    assert not finish(stage, "x")
    assert not abandon(stage, "x")
    stage.move(11 * SECOND)
    assert begin(stage, "z") == RequestRecord("begun", "z", token="x", again=True)


@killer
def a_request_has_one_answer(stage: Stage) -> None:
    begin(stage, "x")
    assert 0 < kept(stage) - DAY <= 10 * SECOND
    assert finish(stage, "x")
    assert 0 < kept(stage) <= 100 * SECOND
    assert begin(stage, "y") == RequestRecord("answered", "y", answer="done")
    assert begin(stage, "y", "other").state == "mismatch"
    assert not finish(stage, "x", "another")
    assert not abandon(stage, "x")
    assert begin(stage, "x").answer == "done"


@killer
def what_is_abandoned_is_begun_by_another(stage: Stage) -> None:
    begin(stage, "x")
    assert abandon(stage, "x")
    assert abandon(stage, "x")
    assert not finish(stage, "x")
    with refused(InvalidRequestError):
        begin(stage, "x")
    assert begin(stage, "y", "other") == RequestRecord("begun", "y", token="y")


@killer
def a_call_of_a_request_told_again_says_the_same(stage: Stage) -> None:
    far = stage.now() + 60 * SECOND
    first = begin_of(stage, "x")
    for deadline in (far, 0):
        assert stage.answer(first, deadline)[0] == "ok"
    late = (begin_of(stage, "x"), *ends(stage, "x"))
    assert [stage.answer(call, 0)[0] for call in late] == ["late"] * 3
    for number, _ in enumerate(late[1:]):
        stage.clear()
        stage.answer(begin_of(stage, "x"), stage.now() + 60 * SECOND)
        end = ends(stage, "x")[number]
        for deadline in (stage.now() + 60 * SECOND, 0):
            assert stage.answer(end, deadline)[0] == "ok", end.name


@killer
def what_requests_take_is_bounded(stage: Stage) -> None:
    def answer(command: Command[Any], position: int, word: str) -> Any:
        call = command.bind(stage.now() + 60 * SECOND)
        args = [*call.args]
        args[position - 1] = word
        return stage.reply(Call(call.script, call.keys, tuple(args)))

    begin(stage, "x")
    end = ends(stage, "x")[0]
    for command, position, word in (
        (begin_of(stage, "x"), 4, "3600001"),
        (begin_of(stage, "x"), 4, "0"),
        (end, 4, "2592000001"),
        (end, 4, "0"),
        (end, 3, "x" * (2**20 + 1)),
    ):
        assert answer(command, position, word)[0] == "invalid", (command.name, position)


@killer
def what_is_no_record_is_no_request(stage: Stage) -> None:
    stage.raw.set(stage.keys.request(*AT), "running\nx\nt\nsoon\n\nc\nf\n")
    assert not finish(stage, "x")
    assert begin(stage, "y").state == "begun"
