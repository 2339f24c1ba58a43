"""Receipts of charges, additions, refunds, revocations and allowances."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from credits_core import entries
from credits_core.decoding.refusals import accepted, instant, record, refuse, spendable
from credits_core.errors import IdempotencyConflictError, LimitExceededError, TransactionError
from credits_core.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Reply


class Unfound(NamedTuple):
    """The entry is not where its id says; `up_to` is until when the log is folded (ms)."""

    tx_id: str
    up_to: int | None


def receipt(reply: Reply, *, user_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt of a write, or the error of its refusal."""
    status = reply[0]
    if status == "ok":
        return Receipt(tx_id, amount, spendable(reply[2], user_id), instant(reply[3]))
    if status == "replayed":
        return again(reply, user_id, tx_id, amount)
    if status == "exists":
        balance = spendable(reply[2], user_id)
        return Receipt("already_initialized", 0, balance, instant(reply[1]), created=False)
    return refuse(reply, user_id=user_id, amount=amount)


def charge(reply: Reply, *, user_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt of a charge of `amount`, or of as much of it as there was."""
    if reply[0] == "nothing":
        balance = spendable(reply[2], user_id)
        return Receipt("nothing_to_collect", 0, balance, instant(reply[1]), created=False)
    if reply[0] == "ok" and len(reply) > 4:
        amount = int(reply[4])
    elif reply[0] == "replayed":
        # Collected before, and maybe in part.
        amount = next(map(int, record(reply[3])[2:]), amount)
    return receipt(reply, user_id=user_id, tx_id=tx_id, amount=amount)


def again(reply: Reply, user_id: str, tx_id: str, amount: int) -> Receipt:
    """The receipt that a record keeps; of our own second try it is no replay."""
    first, at = record(reply[3])[:2]
    balance = spendable(reply[2], user_id)
    return Receipt(first, amount, balance, instant(at), replayed=first != tx_id)


def receipts(reply: Reply, *, user_id: str, told: Sequence[tuple[str, int]]) -> list[Receipt]:
    """The receipts of what happened together; of an earlier call the first id tells the others."""
    total = sum(amount for _, amount in told)
    first = receipt(reply, user_id=user_id, tx_id=told[0][0], amount=total)
    tx_ids = entries.tx_ids_from(first.tx_id, len(told))
    return [
        replace(first, tx_id=tx_id, amount=amount)
        for tx_id, (_, amount) in zip(tx_ids, told, strict=True)
    ]


def returned(
    reply: Reply, *, user_id: str, tx_id: str, of: str, amount: int | None
) -> Receipt | Unfound:
    """The receipt of a refund or of a revocation."""
    status = reply[0]
    if status == "ok":
        amount = int(reply[4]) if len(reply) > 4 else amount or 0
        made = receipt(reply, user_id=user_id, tx_id=tx_id, amount=amount)
        return replace(made, claimed=int(reply[5])) if len(reply) > 5 else made
    if status == "replayed":
        taken, *claimed = [int(word) for word in record(reply[3])[2:] if word != "all"]
        made = again(reply, user_id, tx_id, taken)
        return replace(made, claimed=claimed[0]) if claimed else made
    if status == "unfound":
        up_to = instant(reply[2].split()[0]) if reply[2] else None
        return Unfound(reply[3] if len(reply) > 3 else of, up_to)
    if status == "kind" and reply[2] == "batch":
        raise TransactionError(
            f"several additions of {user_id!r} were made together with the key {of!r}: revoke "
            f"each by its tx_id"
        )
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
            limit=int(reply[3]),
        )
    return refuse(reply, user_id=user_id, amount=amount or 0)


def waived(reply: Reply, *, user_id: str) -> int:
    """What a revocation took of holds before it let the others go."""
    return int(accepted(reply, user_id=user_id)[2])


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
