"""What goes back: a charge refunded, an addition revoked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from credits_core import decoding, entries, scripts, validation
from credits_core.command import Call, Command
from credits_core.decoding import Unfound
from credits_core.entries import made_at, new_tx_id, parts
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.keys import KeySpace
    from credits_core.models import Receipt

__all__ = ["Unfound", "refund", "revoke", "waive"]

MARGIN_MS = 100
"""An entry may be a little older than its id, whose time the client estimated."""


def refund(
    keys: KeySpace,
    user_id: str,
    charge_id: str,
    amount: int | None,
    *,
    reason: str | None,
    idempotency_key: str | None,
    now_ms: int,
    metadata: Mapping[str, Any] | None = None,
    member: str = "",
) -> Command[Receipt | Unfound]:
    """Give back a charge; `member` is its own, once it was searched."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    charge_id = validation.tx_id(charge_id, "tx_id")
    size = None if amount is None else validation.amount(amount)
    tx_id = new_tx_id(now_ms)
    told = validation.reason(reason, metadata)
    head, tail = parts(tx_id, "refund", told, now_ms, kind="refund", ref=charge_id)
    key = "" if idempotency_key is None else validation.idempotency_key(idempotency_key)
    args = (
        head,
        tail,
        "" if size is None else str(size),
        charge_id,
        _low(charge_id),
        member,
        key,
        f"refund {charge_id} {size}",
        tx_id,
    )
    return Command(
        "refund",
        user_id,
        Call(scripts.REFUND, keys.account(user_id), args),
        partial(decoding.returned, user_id=user_id, tx_id=tx_id, of=charge_id, amount=size),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def revoke(
    keys: KeySpace,
    user_id: str,
    addition_id: str | None,
    amount: int | None,
    *,
    added_with: str | None,
    reason: str | None,
    idempotency_key: str | None,
    now_ms: int,
    member: str = "",
) -> Command[Receipt | Unfound]:
    """Take back an addition, named by its id or by the idempotency key it is made with."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    addition = validation.addition(addition_id, added_with)
    if added_with is not None and added_with == idempotency_key:
        raise InvalidRequestError(
            "added_with is the key of the addition, idempotency_key that of this call: with one "
            "key for both the addition would be taken for a repetition"
        )
    size = None if amount is None else validation.amount(amount)
    tx_id = new_tx_id(now_ms)
    metadata = validation.reason(reason)
    head, tail = parts(
        tx_id, "revoke", metadata, now_ms, kind="revoke", ref=addition_id, payment=added_with
    )
    # How much it takes is not known here, so that its bytes cannot tell it: its id does.
    key = tx_id
    if idempotency_key is not None:
        key = validation.idempotency_key(idempotency_key)
    args = (
        head,
        tail,
        "" if size is None else str(size),
        addition_id or "",
        _low(addition_id or ""),
        member,
        key,
        f"revoke {addition} {size}",
        tx_id,
        added_with or "",
    )
    return Command(
        "revoke",
        user_id,
        Call(scripts.REVOKE, keys.account(user_id), args),
        partial(decoding.returned, user_id=user_id, tx_id=tx_id, of=addition, amount=None),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def waive(keys: KeySpace, user_id: str, revocation_id: str, *, now_ms: int) -> Command[int]:
    """Let go what a revocation still claims of open holds."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    revocation_id = validation.tx_id(revocation_id, "tx_id")
    more = {"kind": "waive", "ref": revocation_id}
    text = entries.member(new_tx_id(now_ms), 0, "waive", None, now_ms, **more)
    return Command(
        "waive",
        user_id,
        Call(scripts.WAIVE, keys.account(user_id), (text, revocation_id)),
        partial(decoding.waived, user_id=user_id),
        timed=True,
        writes=True,
    )


def _low(tx_id: str) -> str:
    at = made_at(tx_id)
    return "" if at is None else str(at - MARGIN_MS)
