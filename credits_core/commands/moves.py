"""Credits in and out: sign-ups, charges, additions, several of them at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command
from credits_core.entries import (
    grant_name,
    member,
    new_tx_id,
    parts,
    sign_up_member,
    tx_ids_from,
)
from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from credits_core.keys import KeySpace
    from credits_core.models import Item, Receipt


@dataclass(frozen=True, slots=True)
class SignUp:
    """The sign-up that a first touch performs; `credits` None for apps that sign up themselves."""

    credits: int | None = None

    def args(self, now_ms: int) -> tuple[str, str]:
        """The member and the credits, as the scripts take them."""
        if self.credits is None:
            return "", "0"
        text = sign_up_member(new_tx_id(now_ms), self.credits, now_ms)
        return text, str(self.credits)


def initialize(keys: KeySpace, user_id: str, credits_: int, *, now_ms: int) -> Command[Receipt]:
    """Give `user_id` its sign-up credits, once."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    amount = validation.starting_credits(credits_)
    tx_id = new_tx_id(now_ms)
    return Command(
        "initialize_user",
        user_id,
        Call(
            scripts.INITIALIZE,
            keys.account(user_id),
            (sign_up_member(tx_id, amount, now_ms), str(amount)),
        ),
        partial(decoding.receipt, user_id=user_id, tx_id=tx_id, amount=amount),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def deduct(
    keys: KeySpace,
    user_id: str,
    amount: int,
    action: str,
    metadata: Mapping[str, Any] | None,
    *,
    idempotency_key: str | None,
    sign_up: SignUp,
    now_ms: int,
) -> Command[Receipt]:
    """Take credits out of an account."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    amount = validation.amount(amount)
    action = validation.action(action)
    tx_id = new_tx_id(now_ms)
    text = member(tx_id, -amount, action, validation.metadata(metadata), now_ms)
    args: tuple[str, ...] = (text, str(amount), *sign_up.args(now_ms))
    if idempotency_key is not None:
        key = validation.idempotency_key(idempotency_key)
        args += (key, _charged(amount, action), tx_id)
    return Command(
        "deduct",
        user_id,
        Call(scripts.DEDUCT, keys.account(user_id), args),
        partial(decoding.charge, user_id=user_id, tx_id=tx_id, amount=amount),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def collect(
    keys: KeySpace,
    user_id: str,
    amount: int,
    action: str,
    metadata: Mapping[str, Any] | None,
    *,
    idempotency_key: str,
    sign_up: SignUp,
    now_ms: int,
) -> Command[Receipt]:
    """Charge for work that has been done: all of it, or what there is."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    amount = validation.amount(amount)
    action = validation.action(action)
    key = validation.idempotency_key(idempotency_key)
    tx_id = new_tx_id(now_ms)
    head, tail = parts(tx_id, action, validation.metadata(metadata), now_ms)
    request = (key, _charged(amount, action), tx_id)
    return Command(
        "collect",
        user_id,
        Call(
            scripts.COLLECT,
            keys.account(user_id),
            (head, tail, str(amount), *sign_up.args(now_ms), *request),
        ),
        partial(decoding.charge, user_id=user_id, tx_id=tx_id, amount=amount),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def _charged(amount: int, action: str) -> str:
    # The same for a charge and for its collection: one may have happened unseen.
    return f"deduct {amount} {action}"


def add(
    keys: KeySpace,
    user_id: str,
    amount: int,
    action: str,
    metadata: Mapping[str, Any] | None,
    *,
    expires_in: float | timedelta | None = None,
    expires_at: int | datetime | None = None,
    priority: int = 0,
    idempotency_key: str | None,
    sign_up: SignUp,
    now_ms: int,
) -> Command[Receipt]:
    """Put credits into an account; as a grant where they expire."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    amount = validation.amount(amount)
    action = validation.action(action)
    expires, told = _expiry(expires_in, expires_at, now_ms)
    priority = validation.priority(priority)
    tx_id = new_tx_id(now_ms)
    more: dict[str, Any] = {}
    grant: tuple[str, ...] = ()
    if expires is not None:
        name = grant_name(priority, expires, tx_id)
        more = {"kind": "grant", "grant": name, "expires": expires}
        grant = (name,)
    elif priority:
        raise InvalidRequestError("priority is for credits that expire: pass expires_in, too")
    text = member(tx_id, amount, action, validation.metadata(metadata), now_ms, **more)
    args: tuple[str, ...] = (text, str(amount), *sign_up.args(now_ms))
    if idempotency_key is not None or grant:
        key = "" if idempotency_key is None else validation.idempotency_key(idempotency_key)
        args += (key, f"add {amount} {action}{told}", tx_id, *grant)
    return Command(
        "add",
        user_id,
        Call(scripts.ADD, keys.account(user_id), args),
        partial(decoding.receipt, user_id=user_id, tx_id=tx_id, amount=amount),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def _expiry(expires_in: object, expires_at: object, now_ms: int) -> tuple[int | None, str]:
    """When credits expire (ms), and what a repeated request must say of it again."""
    if expires_in is None:
        at = validation.instant_ms(expires_at, "expires_at")
        return validation.expiry(at), "" if at is None else f"\x1fat {at}"
    if expires_at is not None:
        raise InvalidRequestError("expires_in and expires_at exclude each other")
    span = validation.duration_ms(expires_in, "expires_in")
    return validation.expiry(now_ms + span), f"\x1fin {span}"


def batch(
    keys: KeySpace,
    name: str,
    items: Sequence[Item],
    *,
    idempotency_key: str | None,
    sign_up: SignUp,
    now_ms: int,
) -> Command[list[Receipt]]:
    """Charges (`deduct`) or additions (`add`) of one account, all of them or none."""
    user_id = _one_user(items, keys)
    sign = -1 if name == "deduct" else 1
    tx_ids = tx_ids_from(f"{new_tx_id(now_ms)[:-4]}0000", len(items))
    told: list[tuple[str, int]] = []
    pairs: list[str] = []
    request = [name]
    for tx_id, item in zip(tx_ids, items, strict=True):
        amount, action = validation.amount(item.amount), validation.action(item.action)
        if item.idempotency_key is not None:
            raise InvalidRequestError(
                "what happens together has one idempotency key: pass it beside the items"
            )
        metadata = validation.metadata(item.metadata)
        pairs += (member(tx_id, sign * amount, action, metadata, now_ms), str(amount))
        told.append((tx_id, amount))
        request.append(f"{amount} {action}")
    key = "" if idempotency_key is None else validation.idempotency_key(idempotency_key)
    first, total = told[0][0], sum(amount for _, amount in told)
    # The same request again is told by its digest: five hundred lines are too long a record.
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    fingerprint = f"{name}\x1f{len(items)} items\x1f{digest[:32]}"
    fixed = (str(sign), key, *sign_up.args(now_ms), fingerprint, first)
    return Command(
        f"{name}_many",
        user_id,
        Call(scripts.BATCH, keys.account(user_id), (*fixed, *pairs)),
        partial(decoding.receipts, user_id=user_id, told=told),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=first,
        receipt=partial(decoding.receipt, user_id=user_id, tx_id=first, amount=total),
    )


def _one_user(items: Sequence[Item], keys: KeySpace) -> str:
    users = {validation.user_id(item.user_id, braces=keys.braces) for item in items}
    if len(users) != 1:
        raise InvalidRequestError(
            f"all or nothing is for one account: these items are of {len(users)}"
        )
    validation.batch_size(len(items))
    return users.pop()
