"""Refusals: the typed error, and the sentence, that each of them stands for."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from credits_core.errors import (
    AccountStateError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
)
from credits_core.models import MAX_BALANCE
from credits_core.models import instant as moment

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
    if str.isdecimal(text) and text.isascii():  # as nearly always; TypeError for what is no text
        return int(text)
    value = number(text)
    if value is None:
        raise state_error(user_id, "not_a_number", text)
    return math.floor(value)


def instant(score: str) -> int:
    """A score, or the server's time, in whole ms."""
    return int(float(score))


def record(text: str) -> list[str]:
    """What an idempotency record keeps of the first call: id, score, and more of some."""
    return text.split("\n")[1].split(" ")


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
        request = _request(reply[3])
        raise IdempotencyConflictError(
            f"this idempotency key was used before on {user_id!r}, for: {request}. "
            f"Use a new key for a new operation.",
            tx_id=record(reply[3])[0],
            request=request,
        )
    if status == "frozen":
        why = f" ({detail})" if detail else ""
        raise LimitExceededError(
            "frozen",
            f"account {user_id!r} is frozen{why}: nothing is spent until `unfreeze`",
            reason=detail or None,
        )
    if status == "limit":
        told = _LIMITS[detail].format(user=user_id, detail=reply[3])
        raise LimitExceededError(detail, told, limit=_limit(detail, reply[3]))
    if status == "state":
        raise state_error(user_id, reply[2], reply[3])
    if status == "invalid":
        raise InvalidRequestError(_INVALID.get(detail, f"the ledger refused the {detail}"))
    raise ValueError(f"no script of ours answers {status!r}")


_DIGEST = re.compile("[0-9a-f]{32}", re.ASCII)


def _request(text: str) -> str:
    # The parts of a request are apart by a character that stands in no action.
    told, *more = text.partition("\n")[0].split("\x1f")
    for part in more:
        word, _, value = part.partition(" ")
        if word == "in" and value != "None":
            told += f", expiring in {int(value) / 1000:.15g} seconds"
        elif word == "at":
            told += f", expiring at {moment(int(value))}"
        elif word != "in" and not _DIGEST.fullmatch(part):
            told += f", {part}"
    return told


def _limit(rule: str, detail: str) -> int | None:
    if rule == "max_balance":
        return MAX_BALANCE
    return int(detail) if rule.startswith("max_") else None


_LIMITS = {
    "max_balance": "the balance of {user!r} ({detail}) would pass the largest that is kept "
    f"exactly, {MAX_BALANCE} credits either way",
    "max_grants": "account {user!r} has {detail} grants that have not expired, the most there "
    "can be: spend or revoke some, or add credits that do not expire",
    "max_holds": "account {user!r} has {detail} open holds, the most there can be: settle or "
    "release some",
    "revoked": "a revocation waits for what is added to {user!r} with the key {detail!r}, so that "
    "nothing was added: add the items one by one, the revoked one with this key",
    "max_notes": "of the payment {user!r} {detail} things were told, the most that are kept",
    "max_revocations": "{detail} revocations wait for this addition of {user!r}, the most there "
    "can be",
}

_INVALID = {
    "expiry": "these credits would have expired before they were added",
    "period": "this period has ended already",
    "owner": "this owner has abandoned the request: begin it again as another",
    "age": "entries younger than 30 days cannot be folded",
}

_STATES = {
    "missing_balance": "has a log but no balance: restore it with rebuild_balance or "
    "`credits reconcile`",
    "missing_log": "has a balance ({detail}) but no log to check it against: restore the log "
    "from a backup. To accept the balance as it stands, remove the field `score` of the account's "
    "credits:state key, where there is one: the next charge or addition opens a log with it",
    "missing_state": "has open holds or grants, but the credits:state key that says what is in "
    "them is gone: restore that key from a backup. To go on without them, remove the account's "
    "credits:due and credits:grants keys, and give back with add what holds had set aside",
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


def state_error(user_id: str, state: Any, detail: str) -> AccountStateError:
    """The error of an account that cannot be worked on."""
    words = _STATES[state].format(detail=detail)
    if state == "fractional" and _is_whole(detail):
        words = _NOT_PLAIN.format(detail=detail)
    return AccountStateError(f"account {user_id!r} {words}", user_id=user_id, state=state)
