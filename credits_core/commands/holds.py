"""Holds: credits set aside, extended, settled and released."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command
from credits_core.entries import fields, member, new_tx_id, quoted
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from credits_core.commands.moves import SignUp
    from credits_core.keys import KeySpace
    from credits_core.models import Hold, Receipt


def hold(
    keys: KeySpace,
    user_id: str,
    amount: int,
    action: str,
    metadata: Mapping[str, Any] | None,
    *,
    expires_in: float | timedelta,
    idempotency_key: str | None,
    sign_up: SignUp,
    now_ms: int,
) -> Command[Hold]:
    """Set credits aside."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    amount = validation.amount(amount)
    action = validation.action(action)
    span = validation.hold_ms(expires_in)
    expires = now_ms + span
    tx_id = new_tx_id(now_ms)
    more = {"kind": "hold", "expires": expires}
    text = member(tx_id, -amount, action, validation.metadata(metadata), now_ms, **more)
    key = "" if idempotency_key is None else validation.idempotency_key(idempotency_key)
    request = f"hold {amount} {action}\x1fin {span}"
    args = (text, str(amount), *sign_up.args(now_ms), key, request, tx_id)
    return Command(
        "hold",
        user_id,
        Call(scripts.HOLD, keys.account(user_id), (*args, str(expires), quoted(action))),
        partial(decoding.hold, user_id=user_id, tx_id=tx_id, amount=amount, expires_at=expires),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
        receipt=partial(decoding.receipt, user_id=user_id, tx_id=tx_id, amount=amount),
    )


def extend(
    keys: KeySpace,
    user_id: str,
    hold_id: str,
    amount: int,
    *,
    expires_in: float | timedelta | None,
    idempotency_key: str | None,
    now_ms: int,
) -> Command[Hold]:
    """Give an open hold more credits, more time, or both."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    hold_id = validation.tx_id(hold_id, "hold_id")
    amount = validation.amount_or_zero(amount)
    if amount == 0 and expires_in is None:
        raise InvalidRequestError("extend takes more credits, more time (expires_in), or both")
    span = None if expires_in is None else validation.hold_ms(expires_in)
    expires = None if span is None else now_ms + span
    tx_id = new_tx_id(now_ms)
    more = {"kind": "extend", "hold": hold_id, "expires": expires}
    text = member(tx_id, -amount, "hold_extended", None, now_ms, **more)
    # Its own id at least: told again when the hold has ended since, it must know what it did.
    key = tx_id if idempotency_key is None else validation.idempotency_key(idempotency_key)
    args = (
        text,
        str(amount),
        hold_id,
        "" if expires is None else str(expires),
        key,
        f"extend {amount} {hold_id}\x1fin {span}",
        tx_id,
    )
    return Command(
        "extend",
        user_id,
        Call(scripts.EXTEND, keys.account(user_id), args),
        partial(decoding.extended, user_id=user_id, hold_id=hold_id, tx_id=tx_id, amount=amount),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
        receipt=partial(
            decoding.extension, user_id=user_id, hold_id=hold_id, tx_id=tx_id, amount=amount
        ),
    )


def settle(
    keys: KeySpace,
    user_id: str,
    hold_id: str,
    amount: int | None,
    *,
    shortfall: str,
    if_expired: str,
    metadata: Mapping[str, Any] | None = None,
    now_ms: int,
) -> Command[Receipt]:
    """End a hold: keep `amount` of it, give the rest back. None releases it."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    hold_id = validation.tx_id(hold_id, "hold_id")
    released = amount is None
    kept = 0 if amount is None else validation.amount_or_zero(amount)
    validation.choice(shortfall, "shortfall", ("refuse", "take", "owe"))
    validation.choice(if_expired, "if_expired", ("refuse", "charge"))
    tx_id = new_tx_id(now_ms)
    name = "release" if released else "settle"
    about = validation.metadata(metadata)
    tail = "" if about is None else f',"metadata":{about}'
    tail += f',"timestamp":{now_ms}{fields({"kind": name, "hold": hold_id})},"kept":'
    args = (
        f'{{"id":"{tx_id}","amount":',
        tail,
        hold_id,
        str(kept),
        shortfall,
        if_expired,
        "release" if released else f"settle {kept}",
        tx_id,
    )
    return Command(
        name,
        user_id,
        Call(scripts.SETTLE, keys.account(user_id), args),
        partial(decoding.settled, user_id=user_id, hold_id=hold_id, tx_id=tx_id, amount=kept),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )
