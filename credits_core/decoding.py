"""What replies mean: statuses become results or the typed errors of refusals."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from credits_core import entries
from credits_core.errors import (
    AccountStateError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
)
from credits_core.models import FIRST_MS, LAST_MS, MAX_BALANCE, Receipt, Transaction

if TYPE_CHECKING:
    from credits_core.command import Reply

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def number(text: str) -> int | float | None:
    """A stored number exactly as it stands; None when it is none."""
    if not _NUMBER.fullmatch(text) or not math.isfinite(value := float(text)):
        return None
    try:
        return int(text)
    except ValueError:
        return value


def spendable(text: str, user_id: str) -> int:
    """A stored balance in whole credits; a fraction that another app left cannot be spent."""
    value = number(text)
    if value is None:
        raise _state(user_id, "not_a_number", text)
    return math.floor(value)


def instant(score: str) -> int:
    """A score, or the server's time, in whole ms."""
    return int(float(score))


def receipt(reply: Reply, *, user_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt of a write, or the error of its refusal."""
    status = reply[0]
    if status == "ok":
        return Receipt(tx_id, amount, spendable(reply[2], user_id), instant(reply[3]))
    if status == "replayed":
        first, at = reply[3].rpartition("\n")[2].split(" ")
        return Receipt(first, amount, spendable(reply[2], user_id), instant(at), replayed=True)
    if status == "exists":
        balance = spendable(reply[2], user_id)
        return Receipt("already_initialized", 0, balance, instant(reply[1]), created=False)
    return refuse(reply, user_id=user_id, amount=amount)


def balance(reply: Reply, *, user_id: str) -> int:
    """The balance in whole credits."""
    return spendable(accepted(reply, user_id=user_id)[2], user_id)


def page(reply: Reply, *, user_id: str) -> list[tuple[str, str]]:
    """A page of the log as (member, score) pairs."""
    accepted(reply, user_id=user_id)
    return list(zip(reply[2::2], reply[3::2], strict=True))


def entry(member: str, user_id: str) -> dict[str, Any]:
    """The fields of a log member."""
    fields = entries.parse(member)
    if fields is None:
        raise _state(user_id, "malformed_entry", member[:80])
    return fields


def transaction(member: str, score: str, user_id: str) -> Transaction:
    """A log member with its score; one outside of the calendar is no transaction."""
    fields, at = entry(member, user_id), float(score)
    if not FIRST_MS <= at < LAST_MS + 1:
        raise _state(user_id, "malformed_entry", f"{member[:80]} at {score} ms")
    return entries.transaction(fields, at)


def deleted(reply: Reply, *, user_id: str) -> bool:
    """Whether there was anything to delete."""
    return int(accepted(reply, user_id=user_id)[2]) > 0


def accepted(reply: Reply, *, user_id: str) -> Reply:
    """The reply of what was done; raises the error of a refusal."""
    if reply[0] != "ok":
        refuse(reply, user_id=user_id)
    return reply


def refuse(reply: Reply, *, user_id: str, amount: int = 0) -> NoReturn:
    """Raise the error that a refusal stands for."""
    status, detail = reply[0], reply[2] if len(reply) > 2 else ""
    if status == "insufficient":
        raise InsufficientCreditsError(amount, int(detail), user_id)
    if status == "conflict":
        request, _, rest = reply[3].partition("\n")
        raise IdempotencyConflictError(
            f"this idempotency key was used before on {user_id!r}, for: {request}. "
            f"Use a new key for a new operation.",
            tx_id=rest.split(" ")[0],
        )
    if status == "limit":
        raise LimitExceededError(
            "max_balance",
            f"the balance of {user_id!r} ({detail}) would pass the largest that is kept "
            f"exactly, {MAX_BALANCE} credits either way",
        )
    if status == "state":
        raise _state(user_id, reply[2], reply[3])
    if status == "invalid":
        raise InvalidRequestError(f"the ledger refused the {detail} of this operation")
    raise ValueError(f"no script of ours answers {status!r}")


_STATES = {
    "missing_balance": "has a log but no balance: restore it with rebuild_balance or "
    "`credits reconcile`",
    "missing_log": "has a balance ({detail}) but no log to check it against: restore the log "
    "from a backup. To accept the balance as it stands, remove the account's credits:state key, "
    "if there is one: the next charge or addition opens a log with it",
    "wrong_type": "has a {detail} key of another Redis type: something else uses that key "
    "name; move it, or give this app a prefix of its own",
    "not_a_number": "has a balance that is no number ({detail!r}): repair it with "
    "rebuild_balance or `credits reconcile`",
    "fractional": "has a balance of {detail}, which is not a whole number in the range that is "
    "kept exactly, so that nothing is written here: bring it to a whole number with the app "
    "that writes fractions, or count in smaller units",
    "malformed_entry": "has a log entry that is no transaction: {detail!r}. Remove it from the "
    "log if no app of yours wrote it",
}

_NOT_PLAIN = (
    "has a balance that another app wrote as {detail}: whole, but not in plain digits, so that "
    "nothing is written here. rebuild_balance writes it in plain digits"
)


def _is_whole(text: str) -> bool:
    value = number(text)
    return value is not None and value == math.floor(value) and abs(value) <= MAX_BALANCE


def _state(user_id: str, state: Any, detail: str) -> AccountStateError:
    words = _STATES[state].format(detail=detail)
    if state == "fractional" and _is_whole(detail):
        words = _NOT_PLAIN.format(detail=detail)
    return AccountStateError(f"account {user_id!r} {words}", user_id=user_id, state=state)
