"""The halves of transfers and merges. Two accounts may lie in two slots of a cluster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command, Reply
from credits_core.decoding import Sent
from credits_core.entries import member, new_tx_id, parts

if TYPE_CHECKING:
    from credits_core.commands.moves import SignUp
    from credits_core.keys import KeySpace
    from credits_core.models import Receipt

__all__ = ["Sent", "cancel", "confirm", "outbox", "recall", "receive", "send"]


def send(
    keys: KeySpace,
    kind: str,
    from_user: str,
    to_user: str,
    amount: int | None,
    *,
    key: str,
    sign_up: SignUp,
    now_ms: int,
) -> Command[Sent]:
    """Take out `amount`, or all there is."""
    tx_id = new_tx_id(now_ms)
    head, tail = parts(tx_id, kind, None, now_ms, kind=kind, to=to_user)
    size = "all" if amount is None else str(amount)
    args = (head, tail, size, key, f"{kind} {size} {to_user}", tx_id, *sign_up.args(now_ms))
    return Command(
        kind,
        from_user,
        Call(scripts.SEND, keys.account(from_user), args),
        partial(decoding.sent, user_id=from_user, amount=amount or 0),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def receive(
    keys: KeySpace, kind: str, from_user: str, to_user: str, sent: Sent, *, now_ms: int
) -> Command[Receipt]:
    """Put in what was sent, under a key of this one sending."""
    tx_id = new_tx_id(now_ms)
    grants = tuple(sent.grants(tx_id))
    told = " ".join(f"{name}={part}" for name, part in zip(grants[::2], grants[1::2], strict=True))
    more = {"kind": kind, "from": from_user, "ref": sent.tx_id, "grants": told or None}
    text = member(tx_id, sent.amount, kind, None, now_ms, **more)
    request = f"receive {sent.amount}"
    args = (text, str(sent.amount), _inbox(sent), request, tx_id, *grants)
    return Command(
        kind,
        to_user,
        Call(scripts.RECEIVE, keys.account(to_user), args),
        partial(decoding.receipt, user_id=to_user, tx_id=tx_id, amount=sent.amount),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def cancel(keys: KeySpace, kind: str, to_user: str, sent: Sent, *, now_ms: int) -> Command[bool]:
    """See to it that what was sent is never put in; False where it is in already."""
    return Command(
        kind,
        to_user,
        Call(scripts.CANCEL, keys.account(to_user), (_inbox(sent), new_tx_id(now_ms))),
        partial(decoding.cancelled, user_id=to_user),
        timed=True,
        writes=True,
        witnessed=True,
    )


def recall(
    keys: KeySpace, kind: str, from_user: str, sent: Sent, *, key: str, now_ms: int
) -> Command[bool]:
    """Give back what was sent, once it can never be put in."""
    more = {"kind": "refund", "ref": sent.tx_id}
    reason = validation.reason(f"{kind} refused")
    text = member(new_tx_id(now_ms), sent.amount, "refund", reason, now_ms, **more)
    return Command(
        kind,
        from_user,
        Call(scripts.RECALL, keys.account(from_user), (text, key, sent.record)),
        partial(decoding.recalled, user_id=from_user),
        timed=True,
        writes=True,
        witnessed=True,
    )


def confirm(keys: KeySpace, kind: str, from_user: str, sent: Sent, *, key: str) -> Command[Reply]:
    """Note at the sender that it has arrived; any copy of it, however late, does no harm."""
    return Command(
        kind,
        from_user,
        Call(scripts.CONFIRM, keys.account(from_user), (key, sent.record)),
        partial(decoding.accepted, user_id=from_user),
        timed=True,
    )


def outbox(keys: KeySpace, user_id: str, key: str) -> Command[tuple[int, Sent | None]]:
    """The number of the last merge out of an account, and what it sent."""
    return Command(
        "merge",
        user_id,
        Call(scripts.OUTBOX, keys.account(user_id), (key,)),
        partial(decoding.outbox, user_id=user_id),
    )


def _inbox(sent: Sent) -> str:
    # No caller's key looks so.
    return f"received\n{sent.tx_id}"
