"""Delivering one command: what to do when an answer does not come, or comes late.

A delivery is a generator: it yields what to do next (`Send`, `Sleep`) and receives what
came of it, so that the async and the sync executor share every decision. At most two
tries, with the same bytes; the scripts make a second try safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from credits_core.clock import monotonic_ms
from credits_core.command import Call, Command, Failure, Reply
from credits_core.errors import (
    BackendUnavailableError,
    CreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from credits_core.clock import ServerClock

T = TypeVar("T")

# Shares of the whole time that a call may take: two tries, then, for a refusal that
# followed a lost answer, one question whether the first try happened after all.
TRY_SHARE = 0.4
DEADLINE_SHARE = 0.8

# Answers that no late copy of the same call can change; the others are refusals.
_FINAL = frozenset({"ok", "replayed", "exists", "conflict", "past"})

# The clock of the store was set back: a copy may still be executed.
_TOO_EARLY = Failure("unknown", "by the clock of the store its deadline is still to come")


@dataclass(frozen=True, slots=True)
class Send:
    """Send a call and bring its reply, or a failure, within so many seconds."""

    call: Call
    timeout: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for so many seconds."""

    seconds: float


class Terms(Protocol):
    """What a delivery needs to know of its executor."""

    clock: ServerClock
    timeout: float


Steps: TypeAlias = "Generator[Send | Sleep, Any, T]"


def first_send(command: Command[Any], terms: Terms, started: float) -> tuple[Call, int]:
    """The first try: the call, and the deadline (ms, server time) that it carries."""
    deadline = terms.clock.at(started) + int(terms.timeout * DEADLINE_SHARE * 1000)
    return command.bind(deadline), deadline


def settled(outcome: Reply | Failure) -> bool:
    """Whether a try needs nothing further: it was answered, and it came in time."""
    return not isinstance(outcome, Failure) and not _late(outcome)


def _late(reply: Reply) -> bool:
    return isinstance(reply, list) and bool(reply) and reply[0] == "late"


def understood(command: Command[T], deadline: int, reply: Reply) -> T:
    """What a reply means; one that means nothing leaves the outcome unknown."""
    try:
        return command.decode(reply)
    except CreditsError:
        raise
    except (IndexError, KeyError, TypeError, ValueError, OverflowError):
        nonsense = Failure("unknown", "an answer came that is none of our scripts'")
    if command.writes:
        raise _unknown(command, deadline, nonsense, nonsense)
    raise _unavailable(command, nonsense.reason)


def recover(
    command: Command[T], terms: Terms, started: float, deadline: int, outcome: Reply | Failure
) -> Steps[Reply]:
    """Carry on after a first try that did not settle; `started` is local time (ms)."""
    first = outcome
    lost = isinstance(first, Failure) and first.executed == "unknown"
    if not lost:
        # Surely not executed, so the second try may carry a deadline of its own; after a
        # lost answer it carries the same bytes.
        if isinstance(first, Failure):
            yield Sleep(0.05 * terms.timeout)
        # A late answer says itself what time it is there; nodes of a cluster may differ.
        now = terms.clock.now_ms() if isinstance(first, Failure) else float(first[1])
        deadline = int(now + _left(started, terms) * DEADLINE_SHARE * 1000)
    limit = min(TRY_SHARE * terms.timeout, max(0.05 * terms.timeout, _left(started, terms)))
    outcome = yield Send(command.bind(deadline), limit)
    if isinstance(outcome, Failure):
        if command.writes and (lost or outcome.executed == "unknown"):
            raise _unknown(command, deadline, first, outcome)
        raise _unavailable(command, outcome.reason)
    if _late(outcome):
        reason = "it reached the server after its deadline"
        if lost and command.writes and not command.witnessed:
            raise _unknown(command, deadline, first, Failure("no", reason))
        # The script looked for the first try before it looked at the clock.
        raise _unavailable(command, reason)
    if not lost or not command.writes:
        return outcome
    if not command.witnessed:
        # A first copy still on its way would do it once more, to what has come since.
        yield from _pass(deadline, terms)
        return outcome
    if outcome[0] in _FINAL:
        return outcome
    return (yield from _confirm(command, terms, deadline, outcome))


def _confirm(command: Command[T], terms: Terms, deadline: int, refusal: Reply) -> Steps[Reply]:
    """A refusal after a lost answer: is the first copy still on its way, or dead?"""
    if float(refusal[1]) > deadline:
        return refusal
    found = yield from _ask(command, terms, deadline, tries=1)
    if not isinstance(found, Failure):
        if not _late(found):
            return found
        if float(found[1]) > deadline:
            return refusal
        found = _TOO_EARLY
    raise _unknown(command, deadline, found, found)


def _pass(deadline: int, terms: Terms) -> Steps[None]:
    wait = deadline + 2 - terms.clock.now_ms()
    if wait > 0:
        # Never longer than a deadline lies ahead, whatever the clocks say.
        yield Sleep(min(wait / 1000, terms.timeout))


def _ask(command: Command[T], terms: Terms, deadline: int, *, tries: int) -> Steps[Reply | Failure]:
    """Wait until no copy can execute any more, then look for the transaction."""
    found: Reply | Failure = Failure("no", "not asked")
    for _ in range(tries):
        yield from _pass(deadline, terms)
        found = yield Send(command.question(), TRY_SHARE * terms.timeout)
        if isinstance(found, Failure):
            continue
        if not _late(found) or float(found[1]) > deadline:
            return found
    return found


def resolve(error: OutcomeUnknownError, terms: Terms) -> Steps[Any]:
    """Find out what became of a command whose outcome was unknown: its reply, or None."""
    if not isinstance(error, OutcomeUnknownError):
        raise InvalidRequestError(
            f"resolve takes an OutcomeUnknownError, not {type(error).__name__}: of every other "
            f"error it is known what happened"
        )
    command = error.command
    if not _leaves_a_receipt(command):
        raise InvalidRequestError(
            f"{command.name} leaves no receipt to look for; repeating it is safe"
        )
    found = yield from _ask(command, terms, error.deadline_ms, tries=3)
    if isinstance(found, Failure):
        raise _unanswered(command, found.reason)
    if not _late(found):
        return found
    if float(found[1]) <= error.deadline_ms:
        raise _unanswered(command, _TOO_EARLY.reason)
    return None


def _leaves_a_receipt(command: Command[Any]) -> bool:
    return command.witnessed and command.tx_id is not None


def _unanswered(command: Command[Any], reason: str) -> BackendUnavailableError:
    return BackendUnavailableError(
        f"whether {command.name} for {command.user_id!r} happened could not be asked "
        f"({reason}): ask again with resolve(error)"
    )


def _left(started: float, terms: Terms) -> float:
    return terms.timeout - (monotonic_ms() - started) / 1000


def _unavailable(command: Command[Any], reason: str) -> BackendUnavailableError:
    return BackendUnavailableError(
        f"{command.name} for {command.user_id!r} was not executed, nothing changed: {reason}"
    )


def _unknown(
    command: Command[Any], deadline: int, first: Reply | Failure, last: Failure
) -> OutcomeUnknownError:
    reasons = [outcome.reason for outcome in (first, last) if isinstance(outcome, Failure)]
    told = "; then ".join(dict.fromkeys(reasons))
    advice = (
        "ask with resolve(error) whether it happened before you repeat it"
        if _leaves_a_receipt(command)
        else "repeating it is safe"
    )
    return OutcomeUnknownError(
        f"{command.name} for {command.user_id!r} was sent and not answered ({told}): {advice}",
        command,
        deadline,
    )
