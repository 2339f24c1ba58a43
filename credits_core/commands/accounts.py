"""Accounts as a whole: looked at, set up, forgotten."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command
from credits_core.commands.moves import SignUp

if TYPE_CHECKING:
    from credits_core.keys import KeySpace
    from credits_core.models import Account


def balance(
    keys: KeySpace, user_id: str, *, sign_up: SignUp, now_ms: int, available: bool = False
) -> Command[int]:
    """Read a balance, or what of it may be spent; where the app wants it, sign the user up."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    decode = decoding.available if available else decoding.balance
    return Command(
        "get_balance",
        user_id,
        Call(scripts.BALANCE, keys.account(user_id), sign_up.args(now_ms)),
        partial(decode, user_id=user_id),
        timed=True,
    )


def stored_balance(keys: KeySpace, user_id: str) -> Command[int]:
    """Read a balance without signing anybody up, whatever the app does at a first touch."""
    return balance(keys, user_id, sign_up=SignUp(), now_ms=0)


def account(keys: KeySpace, user_id: str, *, sign_up: SignUp, now_ms: int) -> Command[Account]:
    """Look at an account with all that is open in it; where the app wants it, sign the user up."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    return Command(
        "get_account",
        user_id,
        Call(scripts.ACCOUNT, keys.account(user_id), sign_up.args(now_ms)),
        partial(decoding.account, user_id=user_id),
        timed=True,
    )


def settings(
    keys: KeySpace,
    name: str,
    user_id: str,
    *,
    floor: int | None = None,
    frozen: bool | None = None,
    reason: str = "",
) -> Command[Account]:
    """Set the floor of an account, freeze it, or lift a freeze."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    floor_text = "" if floor is None else str(validation.floor(floor))
    freeze = {None: "", True: "frozen", False: "free"}[frozen]
    return Command(
        name,
        user_id,
        Call(
            scripts.SETTINGS,
            keys.account(user_id),
            (floor_text, freeze, validation.freeze_reason(reason)),
        ),
        partial(decoding.account, user_id=user_id),
        timed=True,
        writes=True,
    )


def delete(keys: KeySpace, user_id: str) -> Command[bool]:
    """Forget an account."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    return Command(
        "delete_account",
        user_id,
        Call(scripts.DELETE, keys.account(user_id), ()),
        partial(decoding.deleted, user_id=user_id),
        timed=True,
        writes=True,
    )
