"""Holds and how they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.decoding.receipts import again, receipt
from credits_core.decoding.refusals import record, refuse
from credits_core.errors import HoldClosedError, HoldNotFoundError, TransactionError
from credits_core.models import Hold, Receipt

if TYPE_CHECKING:
    from credits_core.command import Reply
    from credits_core.errors import HoldState


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
        return again(reply, user_id, tx_id, int(record(reply[3])[2]))
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
    if state == "expired":
        how = (
            "has expired, and its credits went back: to charge for work that was done after "
            "all, settle it with if_expired='charge'"
        )
    else:
        how = f"was {state} before, and cost {kept} credits"
    return HoldClosedError(
        f"the hold {hold_id!r} of {user_id!r} {how}", tx_id=tx_id, state=state, kept=int(kept)
    )
