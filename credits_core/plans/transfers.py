"""Transfers and merges: out of one account, into another, exactly once.

The first half leaves a record that never goes, with all that the second half needs; the
second half is done once, under a key that is made of the first. So a rerun completes what was
begun, wherever it broke off. Where the second half is refused, it is ruled out for ever
before the first is given back, so that no rerun can do both. How it ended is noted in the
record: an account that is deleted and begun anew does not get it again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from credits_core import commands, validation
from credits_core.commands import SignUp
from credits_core.errors import (
    BackendError,
    CreditsError,
    IdempotencyConflictError,
    InvalidRequestError,
    LimitExceededError,
    OutcomeUnknownError,
    TransactionError,
)
from credits_core.models import Receipt
from credits_core.plans import Plan, one

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.command import Command
    from credits_core.commands import Sent
    from credits_core.keys import KeySpace

T = TypeVar("T")

MERGES = "merge\n"
"""Under this and a number the merges out of an account are kept; no caller's key looks so."""


def transfer(
    keys: KeySpace,
    from_user: str,
    to_user: str,
    amount: int,
    *,
    idempotency_key: str,
    sign_up: SignUp,
    now_ms: Callable[[], int],
) -> Plan[Receipt]:
    """Move credits from one account to another."""
    from_user, to_user = _two(keys, from_user, to_user)
    amount = validation.amount(amount)
    # Not the caller's key itself, which may stand for a charge of this account, too.
    key = f"transfer\n{validation.idempotency_key(idempotency_key)}"
    way = _Way(keys, "transfer", from_user, to_user, key, now_ms)
    out = way.send(amount, sign_up)
    sent = yield from way.begin(out)
    if sent.end != "received":
        yield from way.complete(sent)
    return Receipt(
        sent.tx_id, amount, sent.balance, sent.timestamp, replayed=sent.tx_id != out.tx_id
    )


def merge(
    keys: KeySpace, from_user: str, into_user: str, *, now_ms: Callable[[], int]
) -> Plan[Receipt]:
    """Move all that an account has into another; what was begun before is completed first."""
    from_user, into_user = _two(keys, from_user, into_user)
    completed: Receipt | None = None
    while True:
        number, last = yield from _either(
            commands.outbox(keys, from_user, MERGES), halfway=completed is not None
        )
        if last is not None and not last.end:
            into = last.request.split(" ", 2)[2]
            way = _Way(keys, "merge", from_user, into, f"{MERGES}{number}", now_ms)
            # One that is refused is given back, and no more than history.
            with suppress(TransactionError, LimitExceededError):
                received = yield from way.complete(last)
                completed = received if into == into_user else completed
        way = _Way(keys, "merge", from_user, into_user, f"{MERGES}{number + 1}", now_ms)
        try:
            # Nobody signs up only to be merged away.
            sent = yield from way.begin(way.send(None, SignUp()), halfway=completed is not None)
        except IdempotencyConflictError:
            continue  # another merge came first, into a third account
        if sent.amount == 0:
            return completed or (yield from _nothing(keys, into_user, now_ms))
        if not sent.end:
            return (yield from way.complete(sent))


@dataclass(frozen=True, slots=True)
class _Way:
    """One sending of credits from one account to another, known at the sender by its key."""

    keys: KeySpace
    kind: str
    from_user: str
    to_user: str
    key: str
    now_ms: Callable[[], int]

    def send(self, amount: int | None, sign_up: SignUp) -> Command[Sent]:
        """The first half."""
        return commands.send(
            self.keys,
            self.kind,
            self.from_user,
            self.to_user,
            amount,
            key=self.key,
            sign_up=sign_up,
            now_ms=self.now_ms(),
        )

    def begin(self, out: Command[Sent], *, halfway: bool = False) -> Plan[Sent]:
        """Do the first half; to ask whether it alone happened would say too little."""
        return (yield from _either(out, halfway=halfway))

    def complete(self, sent: Sent) -> Plan[Receipt]:
        """Do the second half; where it is refused, undo the first."""
        if sent.end == "returned":
            raise self._was_returned(sent)
        into = commands.receive(
            self.keys, self.kind, self.from_user, self.to_user, sent, now_ms=self.now_ms()
        )
        (received,) = yield (into,)
        if isinstance(received, BackendError):
            raise _half_done(into, received)
        if isinstance(received, CreditsError):
            received = yield from self._refused(sent, into, received)
        # It has arrived, whatever becomes of the note.
        yield (commands.confirm(self.keys, self.kind, self.from_user, sent, key=self.key),)
        receipt: Receipt = received
        return receipt

    def _refused(self, sent: Sent, into: Command[Receipt], refusal: CreditsError) -> Plan[Receipt]:
        now = self.now_ms()
        out = commands.cancel(self.keys, self.kind, self.to_user, sent, now_ms=now)
        if not (yield from _surely(out)):
            # In the meantime another run of the same has put it in.
            return (yield from _surely(into))
        back = commands.recall(self.keys, self.kind, self.from_user, sent, key=self.key, now_ms=now)
        yield from _surely(back)
        if isinstance(refusal, IdempotencyConflictError):
            raise self._was_returned(sent)
        raise refusal

    def _was_returned(self, sent: Sent) -> TransactionError:
        return TransactionError(
            f"this {self.kind} from {self.from_user!r} to {self.to_user!r} was refused before "
            f"and given back: use a new key for a new one",
            tx_id=sent.tx_id,
        )


def _either(command: Command[T], *, halfway: bool) -> Plan[T]:
    """Run a command; where credits may be on their way, no error says that nothing happened."""
    (result,) = yield (command,)
    if isinstance(result, OutcomeUnknownError) or (halfway and isinstance(result, BackendError)):
        raise _half_done(command, result)
    if isinstance(result, CreditsError):
        raise result
    outcome: T = result
    return outcome


def _surely(command: Command[T]) -> Plan[T]:
    """Run a command while the credits are in neither account: no error may say less than that."""
    (result,) = yield (command,)
    if isinstance(result, CreditsError):
        raise _half_done(command, result)
    outcome: T = result
    return outcome


def _half_done(command: Command[Any], error: CreditsError) -> OutcomeUnknownError:
    again = (
        "`transfer` with the same idempotency key"
        if command.name == "transfer"
        else "`merge_accounts`"
    )
    return OutcomeUnknownError(
        f"a {command.name} may have left one account and not yet come to the other ({error}): "
        f"call {again} again, which completes it",
        command._replace(witnessed=False),
        error.deadline_ms if isinstance(error, OutcomeUnknownError) else 0,
    )


def _nothing(keys: KeySpace, into_user: str, now_ms: Callable[[], int]) -> Plan[Receipt]:
    balance = yield from one(commands.stored_balance(keys, into_user))
    return Receipt("nothing_to_merge", 0, balance, now_ms(), created=False)


def _two(keys: KeySpace, from_user: str, to_user: str) -> tuple[str, str]:
    from_user = validation.user_id(from_user, braces=keys.braces)
    to_user = validation.user_id(to_user, braces=keys.braces)
    if from_user == to_user:
        raise InvalidRequestError(f"from {from_user!r} to itself: these are two accounts")
    return from_user, to_user
