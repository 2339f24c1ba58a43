"""Accounts as a whole, and their balances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from credits_core import entries
from credits_core.decoding.refusals import accepted, spendable
from credits_core.models import MAX_PRIORITY, Account, Grant, OpenHold

if TYPE_CHECKING:
    from credits_core.command import Reply


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
    first, action, *claims = text.split("\n")
    held, expires = first.split(" ")[:2]
    claimed = sum(int(claim.split("\t")[0]) for claim in claims)
    return OpenHold(hold_id, int(held), json.loads(action), int(expires), claimed)


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


def deleted(reply: Reply, *, user_id: str) -> bool:
    """Whether there was anything to delete."""
    return int(accepted(reply, user_id=user_id)[2]) > 0
