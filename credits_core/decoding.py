"""What replies mean: statuses become results or the typed errors of refusals."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from credits_core import entries
from credits_core.errors import (
    AccountStateError,
    HoldClosedError,
    HoldNotFoundError,
    IdempotencyConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
    TransactionError,
)
from credits_core.models import (
    FIRST_MS,
    LAST_MS,
    MAX_BALANCE,
    MAX_PRIORITY,
    Account,
    Grant,
    Hold,
    OpenHold,
    Receipt,
    Transaction,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from credits_core.command import Reply
    from credits_core.errors import HoldState

# A grant and its credits among those that paid: priority and expiry, then the amount.
_SOURCE = re.compile(r"(\d+ \d+ )[^ =]+=(\d+)", re.ASCII)

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


class Unfound(NamedTuple):
    """The entry is not where its id says; `up_to` is until when the log is folded (ms)."""

    tx_id: str
    up_to: int | None


class Sent(NamedTuple):
    """What left an account for another: the credits, and those of them that came from grants.

    `end` is how it ended, as far as is known: `"received"`, `"returned"` or `""`. `record` is
    all that the sender keeps of it.
    """

    tx_id: str
    amount: int
    balance: int
    request: str = ""
    sources: str = ""
    timestamp: int = 0
    end: str = ""
    record: str = ""

    def grants(self, tx_id: str) -> Iterator[str]:
        """The grants that it becomes on the other side, as names and credits in turn."""
        sums: dict[str, int] = {}
        for source in _SOURCE.findall(self.sources):
            name = f"{source[0]}{tx_id}"
            sums[name] = sums.get(name, 0) + int(source[1])
        for name, amount in sums.items():
            yield name
            yield str(amount)


def receipt(reply: Reply, *, user_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt of a write, or the error of its refusal."""
    status = reply[0]
    if status == "ok":
        return Receipt(tx_id, amount, spendable(reply[2], user_id), instant(reply[3]))
    if status == "replayed":
        return _again(reply, user_id, tx_id, amount)
    if status == "exists":
        balance = spendable(reply[2], user_id)
        return Receipt("already_initialized", 0, balance, instant(reply[1]), created=False)
    return refuse(reply, user_id=user_id, amount=amount)


def _again(reply: Reply, user_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt that a record keeps; of our own second try it is no replay."""
    first, at = record(reply[3])[:2]
    balance = spendable(reply[2], user_id)
    return Receipt(first, amount, balance, instant(at), replayed=first != tx_id)


def record(text: str) -> list[str]:
    """What an idempotency record keeps of the first call: id, score, and more of some."""
    return text.split("\n")[1].split(" ")


def receipts(reply: Reply, *, user_id: str, told: Sequence[tuple[str, int]]) -> list[Receipt]:
    """The receipts of what happened together; only the first id of an earlier call is kept."""
    total = sum(amount for _, amount in told)
    first = receipt(reply, user_id=user_id, tx_id=told[0][0], amount=total)
    if first.replayed:
        return [replace(first, amount=amount) for _, amount in told]
    return [replace(first, tx_id=tx_id, amount=amount) for tx_id, amount in told]


def hold(reply: Reply, *, user_id: str, tx_id: str, amount: int, expires_at: int) -> Hold:
    """The hold that was made."""
    made = receipt(reply, user_id=user_id, tx_id=tx_id, amount=amount)
    if reply[0] == "replayed":
        expires_at = int(record(reply[3])[2])
    return Hold(made.tx_id, user_id, amount, expires_at, made.balance, made.replayed)


def extension(reply: Reply, *, user_id: str, hold_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt of more credits or more time for a hold."""
    if reply[0] == "closed":
        raise _closed(reply[3], hold_id, user_id)
    return receipt(reply, user_id=user_id, tx_id=tx_id, amount=amount)


def extended(reply: Reply, *, user_id: str, hold_id: str, tx_id: str, amount: int) -> Hold:
    """The hold as it is after more credits or more time."""
    made = extension(reply, user_id=user_id, hold_id=hold_id, tx_id=tx_id, amount=amount)
    if reply[0] == "replayed":
        expires, held = record(reply[3])[2:4]
    else:
        held, expires = reply[4:6]
    return Hold(hold_id, user_id, int(held), int(expires), made.balance, made.replayed)


def settled(reply: Reply, *, user_id: str, hold_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt of the end of a hold; its amount is what the hold cost."""
    status = reply[0]
    if status == "closed":
        raise _closed(reply[3], hold_id, user_id)
    if status == "ok":
        return receipt(reply, user_id=user_id, tx_id=tx_id, amount=int(reply[4]))
    if status == "replayed":
        return _again(reply, user_id, tx_id, int(record(reply[3])[2]))
    if status == "insufficient":
        amount = int(reply[3])  # what is missing beyond the hold
    return refuse(reply, user_id=user_id, amount=amount)


_ENDS: dict[str, HoldState] = {"settle": "settled", "release": "released", "expire": "expired"}


def _closed(text: str, hold_id: str, user_id: str) -> TransactionError:
    if not text:
        return HoldNotFoundError(
            f"account {user_id!r} has no hold {hold_id!r}: it was never made, or it ended more "
            f"than 30 days ago",
            tx_id=hold_id,
        )
    tx_id, _, kept = record(text)[:3]
    state = _ENDS[text.partition("\n")[0].partition(" ")[0]]
    return HoldClosedError(
        f"the hold {hold_id!r} of {user_id!r} was {state} before, and cost {kept} credits",
        tx_id=tx_id,
        state=state,
        kept=int(kept),
    )


def returned(
    reply: Reply, *, user_id: str, tx_id: str, of: str, amount: int | None
) -> Receipt | Unfound:
    """The receipt of a refund or of a revocation."""
    status = reply[0]
    if status == "ok":
        amount = int(reply[4]) if len(reply) > 4 else amount or 0
        return receipt(reply, user_id=user_id, tx_id=tx_id, amount=amount)
    if status == "replayed":
        return _again(reply, user_id, tx_id, int(record(reply[3])[2]))
    if status == "unfound":
        up_to = instant(reply[2].split()[0]) if reply[2] else None
        return Unfound(reply[3] if len(reply) > 3 else of, up_to)
    if status == "kind":
        raise TransactionError(
            f"{of!r} of {user_id!r} is no entry that this can be done to: it is of the kind "
            f"{reply[2]!r}. Refund charges and settled holds, revoke additions; release a hold",
            tx_id=of,
        )
    if status == "limit" and reply[2] == "refundable":
        raise LimitExceededError(
            "refundable",
            f"of the charge {of!r} of {user_id!r} {reply[3]} credits are left to refund, "
            f"not {amount}",
        )
    return refuse(reply, user_id=user_id, amount=amount or 0)


def renewed(reply: Reply, *, user_id: str, tx_id: str, amount: int, name: str) -> Receipt:
    """The receipt of an allowance."""
    if reply[0] == "past":
        first, at = record(reply[3])[:2]
        return Receipt(first, 0, spendable(reply[2], user_id), instant(at), created=False)
    if reply[0] == "conflict":
        granted = reply[3].partition("\n")[0]
        raise IdempotencyConflictError(
            f"the allowance {name!r} of {user_id!r} was granted for this period with {granted} "
            f"credits, not {amount}: add the difference, or wait for the next period",
            tx_id=record(reply[3])[0],
        )
    return receipt(reply, user_id=user_id, tx_id=tx_id, amount=amount)


def sent(reply: Reply, *, user_id: str, amount: int) -> Sent:
    """What left an account, now or at an earlier call with the same key."""
    if reply[0] == "nothing":
        return Sent("", 0, spendable(reply[2], user_id))
    if reply[0] in ("ok", "replayed"):
        return _sent(reply[3], spendable(reply[2], user_id))
    return refuse(reply, user_id=user_id, amount=amount)


def _sent(text: str, balance: int) -> Sent:
    request, first, sources, *end = text.split("\n")
    tx_id, at, amount = first.split(" ")
    return Sent(
        tx_id, int(amount), balance, request, sources, instant(at), "".join(end), record=text
    )


def outbox(reply: Reply, *, user_id: str) -> tuple[int, Sent | None]:
    """The last of the numbered records, and its number."""
    accepted(reply, user_id=user_id)
    return int(reply[2]), _sent(reply[3], 0) if reply[3] else None


def cancelled(reply: Reply, *, user_id: str) -> bool:
    """Whether it will never happen."""
    return reply[0] != "replayed" and bool(accepted(reply, user_id=user_id))


def recalled(reply: Reply, *, user_id: str) -> bool:
    """Whether it was given back now, and not before."""
    return reply[0] != "replayed" and bool(accepted(reply, user_id=user_id))


def account(reply: Reply, *, user_id: str) -> Account:
    """An account with its open holds and live grants."""
    accepted(reply, user_id=user_id)
    open_ = dict(zip(reply[6::2], reply[7::2], strict=True))
    holds = [_open_hold(field[5:], text) for field, text in open_.items() if field[:5] == "hold "]
    names = sorted(field[6:] for field in open_ if field[:6] == "grant ")
    grants = [_grant(name, int(open_[f"grant {name}"])) for name in names]
    floor, frozen, reason = int(reply[3]), bool(reply[4]), reply[5]
    balance = spendable(reply[2], user_id)
    return Account(user_id, balance, floor, frozen, reason, tuple(grants), tuple(holds))


def _open_hold(hold_id: str, text: str) -> OpenHold:
    first, action = text.split("\n")
    held, expires = first.split(" ")[:2]
    return OpenHold(hold_id, int(held), json.loads(action), int(expires))


def _grant(name: str, remaining: int) -> Grant:
    priority, expires, tx_id = name.split(" ")
    expires_at = None if int(expires) == entries.NEVER else int(expires)
    return Grant(tx_id, remaining, int(priority) - MAX_PRIORITY, expires_at)


def balance(reply: Reply, *, user_id: str) -> int:
    """The balance in whole credits."""
    return spendable(accepted(reply, user_id=user_id)[2], user_id)


def available(reply: Reply, *, user_id: str) -> int:
    """What may be spent: the balance above the floor, and nothing of a frozen account."""
    accepted(reply, user_id=user_id)
    if "frozen" in reply[4:]:
        return 0
    return spendable(reply[2], user_id) - int(reply[3])


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
        raise IdempotencyConflictError(
            f"this idempotency key was used before on {user_id!r}, for: "
            f"{_request(reply[3])}. Use a new key for a new operation.",
            tx_id=record(reply[3])[0],
        )
    if status == "frozen":
        why = f" ({detail})" if detail else ""
        raise LimitExceededError(
            "frozen", f"account {user_id!r} is frozen{why}: nothing is spent until `unfreeze`"
        )
    if status == "limit":
        raise LimitExceededError(detail, _LIMITS[detail].format(user=user_id, detail=reply[3]))
    if status == "state":
        raise _state(user_id, reply[2], reply[3])
    if status == "invalid":
        raise InvalidRequestError(_INVALID.get(detail, f"the ledger refused the {detail}"))
    raise ValueError(f"no script of ours answers {status!r}")


def _request(text: str) -> str:
    # The parts of a request are apart by a character that stands in no action.
    return text.partition("\n")[0].replace("\x1f", ", ")


_LIMITS = {
    "max_balance": "the balance of {user!r} ({detail}) would pass the largest that is kept "
    f"exactly, {MAX_BALANCE} credits either way",
    "max_grants": "account {user!r} has {detail} grants that have not expired, the most there "
    "can be: spend or revoke some, or add credits that do not expire",
    "max_holds": "account {user!r} has {detail} open holds, the most there can be: settle or "
    "release some",
    "max_revocations": "{detail} revocations wait for this addition of {user!r}, the most there "
    "can be",
}

_INVALID = {
    "expiry": "these credits would have expired already: expires_at lies in the past",
    "period": "this period has ended already",
    "age": "entries younger than 30 days cannot be folded",
}

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
