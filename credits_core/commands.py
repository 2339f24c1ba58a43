"""Operations as values: pure functions that turn checked arguments into commands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command
from credits_core.entries import member, new_tx_id, sign_up_member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.keys import KeySpace
    from credits_core.models import Receipt
    from credits_core.scripts import Script


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
    text = sign_up_member(tx_id, amount, now_ms)
    names = keys.account(user_id)
    return Command(
        "initialize_user",
        user_id,
        Call(scripts.INITIALIZE, names, (text, str(amount))),
        partial(decoding.receipt, user_id=user_id, tx_id=tx_id, amount=amount),
        timed=True,
        writes=True,
        witness=Call(scripts.LOOKUP, names, (text,)),
        tx_id=tx_id,
    )


def deduct(keys: KeySpace, *args: Any, **kwargs: Any) -> Command[Receipt]:
    """Take credits out of an account; the arguments are those of `_entry`."""
    return _entry("deduct", scripts.DEDUCT, -1, keys, *args, **kwargs)


def add(keys: KeySpace, *args: Any, **kwargs: Any) -> Command[Receipt]:
    """Put credits into an account; the arguments are those of `_entry`."""
    return _entry("add", scripts.ADD, 1, keys, *args, **kwargs)


def _entry(
    name: str,
    script: Script,
    sign: int,
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
    user_id = validation.user_id(user_id, braces=keys.braces)
    amount = validation.amount(amount)
    action = validation.action(action)
    tx_id = new_tx_id(now_ms)
    text = member(tx_id, sign * amount, action, validation.metadata(metadata), now_ms)
    names: tuple[str, ...] = keys.account(user_id)
    args: tuple[str, ...] = (text, str(amount), *sign_up.args(now_ms))
    witness: tuple[str, ...] = (text,)
    if idempotency_key is not None:
        key = validation.idempotency_key(idempotency_key)
        names += keys.records(user_id)
        fingerprint = f"{name} {amount} {action}"
        args += (key, fingerprint, tx_id)
        witness += (key, fingerprint)
    return Command(
        name,
        user_id,
        Call(script, names, args),
        partial(decoding.receipt, user_id=user_id, tx_id=tx_id, amount=amount),
        timed=True,
        writes=True,
        witness=Call(scripts.LOOKUP, names, witness),
        tx_id=tx_id,
    )


def balance(keys: KeySpace, user_id: str, *, sign_up: SignUp, now_ms: int) -> Command[int]:
    """Read a balance; where the app wants it, the first touch signs the user up."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    return Command(
        "get_balance",
        user_id,
        Call(scripts.BALANCE, keys.account(user_id), sign_up.args(now_ms)),
        partial(decoding.balance, user_id=user_id),
        timed=True,
    )


def stored_balance(keys: KeySpace, user_id: str) -> Command[int]:
    """Read a balance and change nothing, whatever the app does at a first touch."""
    return balance(keys, user_id, sign_up=SignUp(), now_ms=0)


def bounds(start_ms: int | None, end_ms: int | None) -> tuple[str, str]:
    """Inclusive instants as score bounds; scores carry fractions of their millisecond."""
    low = "-inf" if start_ms is None else str(start_ms)
    high = "+inf" if end_ms is None else f"({end_ms + 1}"
    return low, high


def log_page(
    keys: KeySpace, user_id: str, order: str, low: str, high: str, limit: int
) -> Command[list[tuple[str, str]]]:
    """Read one page of the raw log between two score bounds."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    call = Call(scripts.READ_LOG, keys.account(user_id)[1:2], (order, low, high, str(limit)))
    return Command("read_log", user_id, call, partial(decoding.page, user_id=user_id))


def delete(keys: KeySpace, user_id: str) -> Command[bool]:
    """Forget an account."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    return Command(
        "delete_account",
        user_id,
        Call(scripts.DELETE, keys.everything(user_id), ()),
        partial(decoding.deleted, user_id=user_id),
        timed=True,
        writes=True,
    )
