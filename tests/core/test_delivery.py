"""Every branch of a delivery, driven by hand: what is sent, and what the caller is told."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from credits_core import (
    BackendUnavailableError,
    CreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
    commands,
    delivery,
)
from credits_core.clock import ServerClock, monotonic_ms
from credits_core.command import Failure
from credits_core.commands import SignUp
from credits_core.delivery import Send, Sleep
from credits_core.keys import KeySpace

NOW = 1_800_000_000_000
LOST = Failure("unknown", "no answer in time")
NOT_SENT = Failure("no", "connection refused")


class Terms:
    """What a delivery knows of its executor; the server's clock is ours plus an offset."""

    timeout = 1.0

    def __init__(self):
        self.clock = ServerClock()
        local = monotonic_ms()
        self.clock.observe(NOW, local, local)


@pytest.fixture
def terms():
    return Terms()


def deduct(key=None):
    return commands.deduct(
        KeySpace(), "alice", 5, "chat", None, idempotency_key=key, sign_up=SignUp(), now_ms=NOW
    )


def begin(terms, outcome, command=None):
    """A delivery after a first try that came to `outcome`."""
    command = command or deduct()
    started = monotonic_ms()
    call, deadline = delivery.first_send(command, terms, started)
    return command, call, deadline, delivery.recover(command, terms, started, deadline, outcome)


def reply(status, at, *rest):
    return [status, str(at), *rest]


def end(steps, outcome):
    """Send the last outcome and give what the delivery returns."""
    with pytest.raises(StopIteration) as stopped:
        steps.send(outcome)
    return stopped.value.value


class Watch:
    """Time that passes while it is waited, and not otherwise."""

    def __init__(self, monkeypatch):
        self.ms = 0.0
        # Not `time.monotonic`, by which loops of other threads know how long to sleep.
        for module in ("credits_core.clock", "credits_core.delivery", __name__):
            monkeypatch.setattr(f"{module}.monotonic_ms", lambda: self.ms)

    def wait(self, step, outcome):
        """Take a step; what comes of a call that is lost comes when nobody waits any longer."""
        if isinstance(step, Sleep):
            self.ms += step.seconds * 1000
            return None
        self.ms += step.timeout * 1000 if outcome is LOST else 0
        return outcome(NOW + self.ms) if callable(outcome) else outcome


def refused(at):
    return reply("insufficient", at, "1")


def late(at):
    return reply("late", at)


OUTCOMES = {"lost": LOST, "not-sent": NOT_SENT, "refused": refused, "late": late}


@pytest.mark.parametrize("names", list(itertools.product(OUTCOMES, repeat=4)), ids="-".join)
def test_a_delivery_takes_about_the_whole_time_at_most(monkeypatch, names):
    watch, outcomes = Watch(monkeypatch), [OUTCOMES[name] for name in names]
    terms = Terms()
    command, started = deduct(), 0.0
    _, deadline = delivery.first_send(command, terms, started)
    first = watch.wait(Send(command.call, delivery.TRY_SHARE * terms.timeout), outcomes[0])
    if not delivery.settled(first):
        following = iter(outcomes[1:])
        steps = delivery.recover(command, terms, started, deadline, first)
        with contextlib.suppress(StopIteration, CreditsError):
            step = next(steps)
            while True:
                known = isinstance(step, Send)
                step = steps.send(watch.wait(step, next(following) if known else None))
    assert watch.ms <= 1210 * terms.timeout


def test_the_first_try_carries_a_deadline_within_the_whole_time(terms):
    call, deadline = delivery.first_send(deduct(), terms, monotonic_ms())
    assert call.args[0] == str(deadline)
    assert NOW + 700 <= deadline <= NOW + 1000


@pytest.mark.parametrize(
    ("outcome", "settles"),
    [
        (["ok", "1", "5", "1"], True),
        (["insufficient", "1", "5"], True),
        (["late", "1"], False),
        (LOST, False),
        (NOT_SENT, False),
        ("text", True),
        (None, True),
        ([], True),
    ],
)
def test_what_settles(outcome, settles):
    assert delivery.settled(outcome) is settles


def test_what_was_not_sent_waits_a_little_and_goes_with_a_deadline_of_its_own(terms):
    _, call, deadline, steps = begin(terms, NOT_SENT)
    pause = next(steps)
    assert isinstance(pause, Sleep)
    assert 0 < pause.seconds <= 0.1
    again = steps.send(None)
    assert isinstance(again, Send)
    assert again.call.args[1:] == call.args[1:]
    assert abs(int(again.call.args[0]) - deadline) < 200
    assert end(steps, reply("ok", NOW, "5", NOW))[0] == "ok"


def test_what_was_never_sent_changed_nothing(terms):
    _, _, _, steps = begin(terms, NOT_SENT)
    next(steps)
    steps.send(None)
    with pytest.raises(BackendUnavailableError, match="connection refused"):
        steps.send(NOT_SENT)


def test_a_second_try_that_was_lost_is_unknown_with_its_own_deadline(terms):
    command, _, _, steps = begin(terms, NOT_SENT)
    next(steps)
    again = steps.send(None)
    with pytest.raises(OutcomeUnknownError) as unknown:
        steps.send(LOST)
    assert unknown.value.deadline_ms == int(again.call.args[0])
    assert unknown.value.command is command
    assert (unknown.value.user_id, unknown.value.tx_id) == ("alice", command.tx_id)


def test_what_came_late_goes_again_at_once(terms):
    _, _, _, steps = begin(terms, reply("late", NOW))
    assert isinstance(next(steps), Send)
    with pytest.raises(BackendUnavailableError, match="deadline"):
        steps.send(reply("late", NOW))


def test_a_lost_answer_is_asked_again_with_the_same_bytes(terms):
    _, call, _, steps = begin(terms, LOST)
    again = next(steps)
    assert again.call == call
    assert again.timeout <= terms.timeout
    assert end(steps, reply("ok", NOW, "5", NOW))[0] == "ok"


@pytest.mark.parametrize("last", [LOST, NOT_SENT])
def test_a_lost_answer_without_a_second_one_is_unknown(terms, last):
    _, _, deadline, steps = begin(terms, LOST)
    next(steps)
    with pytest.raises(OutcomeUnknownError, match="no answer in time") as unknown:
        steps.send(last)
    assert unknown.value.deadline_ms == deadline


def test_a_lost_read_is_only_unavailable(terms):
    read = commands.stored_balance(KeySpace(), "alice")
    _, _, _, steps = begin(terms, LOST, read)
    next(steps)
    with pytest.raises(BackendUnavailableError):
        steps.send(LOST)


def test_a_second_copy_that_came_late_says_that_the_first_was_not_executed(terms):
    _, _, _, steps = begin(terms, LOST)
    next(steps)
    with pytest.raises(BackendUnavailableError, match="deadline"):
        steps.send(reply("late", NOW + 2000))


def test_a_deletion_whose_answer_was_lost_is_never_called_not_executed(terms):
    # Its script has no member to look for: a late second copy says nothing of the first.
    delete = commands.delete(KeySpace(), "alice")
    _, _, _, steps = begin(terms, LOST, delete)
    next(steps)
    with pytest.raises(OutcomeUnknownError):
        steps.send(reply("late", NOW + 2000))


@pytest.mark.parametrize("status", ["ok", "replayed", "conflict", "exists"])
def test_an_answer_that_no_late_copy_can_change_is_final(terms, status):
    _, _, _, steps = begin(terms, LOST)
    next(steps)
    assert end(steps, reply(status, NOW, "5", NOW))[0] == status


def test_a_refusal_after_the_deadline_is_final(terms):
    _, _, deadline, steps = begin(terms, LOST)
    next(steps)
    assert end(steps, reply("insufficient", deadline + 1, "3"))[0] == "insufficient"


def refused_in_time(terms):
    """A delivery whose first answer was lost and whose second was a refusal in time."""
    command, _, deadline, steps = begin(terms, LOST)
    next(steps)
    pause = steps.send(reply("insufficient", NOW + 100, "3"))
    assert isinstance(pause, Sleep)
    assert 0 < pause.seconds <= terms.timeout
    asked = steps.send(None)
    assert asked.call == command.question()
    return deadline, steps


def test_a_refusal_that_may_be_overtaken_is_confirmed(terms):
    deadline, steps = refused_in_time(terms)
    assert end(steps, reply("late", deadline + 1))[0] == "insufficient"


def test_a_refusal_that_was_overtaken_becomes_the_success(terms):
    _, steps = refused_in_time(terms)
    assert end(steps, reply("ok", NOW, "5", NOW))[0] == "ok"


@pytest.mark.parametrize("status", ["replayed", "conflict", "state"])
def test_what_the_question_finds_is_answered(terms, status):
    _, steps = refused_in_time(terms)
    assert end(steps, reply(status, NOW, "x", "y"))[0] == status


def test_a_refusal_that_cannot_be_confirmed_is_unknown(terms):
    deadline, steps = refused_in_time(terms)
    with pytest.raises(OutcomeUnknownError) as unknown:
        steps.send(LOST)
    assert unknown.value.deadline_ms == deadline


def test_a_question_that_was_asked_too_early_leaves_it_unknown(terms):
    deadline, steps = refused_in_time(terms)
    with pytest.raises(OutcomeUnknownError):
        steps.send(reply("late", deadline))


def unknown(terms, ahead=500):
    command = deduct()
    error = OutcomeUnknownError("lost", command, NOW + ahead)
    return error, delivery.resolve(error, terms)


def test_resolving_waits_until_no_copy_can_execute_and_asks(terms):
    error, steps = unknown(terms)
    pause = next(steps)
    assert 0.3 < pause.seconds < 0.6
    asked = steps.send(None)
    assert asked.call == error.command.question()
    found = reply("ok", NOW, "5", NOW)
    assert end(steps, found) == found


def test_resolving_answers_none_for_what_will_never_happen(terms):
    error, steps = unknown(terms, ahead=-100)
    assert isinstance(next(steps), Send), "the deadline is past: there is nothing to wait for"
    assert end(steps, reply("late", error.deadline_ms + 1)) is None


def test_resolving_asks_again_where_the_question_failed_or_came_early(terms):
    error, steps = unknown(terms, ahead=-100)
    next(steps)
    assert isinstance(steps.send(LOST), Send)
    assert isinstance(steps.send(reply("late", error.deadline_ms)), Send)
    assert end(steps, reply("late", error.deadline_ms + 1)) is None


@pytest.mark.parametrize("answer", [LOST, NOT_SENT, reply("late", NOW - 200)])
def test_resolving_without_an_answer_can_be_asked_again(terms, answer):
    _, steps = unknown(terms, ahead=-100)
    next(steps)
    steps.send(answer)
    steps.send(answer)
    with pytest.raises(BackendUnavailableError, match="resolve"):
        steps.send(answer)


def test_resolving_never_waits_longer_than_a_call_may_take(terms):
    _, steps = unknown(terms, ahead=10**9)
    assert next(steps).seconds <= terms.timeout


def test_what_leaves_no_receipt_cannot_be_resolved(terms):
    error = OutcomeUnknownError("lost", commands.delete(KeySpace(), "alice"), NOW)
    with pytest.raises(InvalidRequestError, match="repeating"):
        next(delivery.resolve(error, terms))
