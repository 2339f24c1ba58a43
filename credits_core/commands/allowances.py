"""Allowances: the credits of a subscription, once a period."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from credits_core import decoding, scripts, validation
from credits_core.command import Call, Command
from credits_core.entries import NEVER, grant_name, member, new_tx_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credits_core.commands.moves import SignUp
    from credits_core.keys import KeySpace
    from credits_core.models import Receipt
    from credits_core.periods import Period


def renew(
    keys: KeySpace,
    user_id: str,
    name: str,
    amount: int,
    period: Period,
    *,
    rollover: str | int,
    priority: int,
    metadata: Mapping[str, Any] | None,
    sign_up: SignUp,
    now_ms: int,
) -> Command[Receipt]:
    """Grant the allowance `name` for a period."""
    user_id = validation.user_id(user_id, braces=keys.braces)
    name = validation.allowance_name(name)
    amount = validation.amount(amount)
    cap = validation.rollover(rollover)
    priority = validation.priority(priority)
    tx_id = new_tx_id(now_ms)
    more: dict[str, Any] = {"allowance": name, "period": period.start_ms}
    grant = ""
    if cap != "all":
        expires = period.end_ms if cap == "none" else NEVER
        grant = grant_name(priority, expires, tx_id if cap == "none" else _rolling(name))
        more["grant"] = grant
        if cap == "none":
            more["expires"] = expires
    text = member(
        tx_id, amount, "allowance", validation.metadata(metadata), now_ms, kind="allowance", **more
    )
    args = (
        text,
        str(amount),
        *sign_up.args(now_ms),
        name,
        str(period.start_ms),
        tx_id,
        grant,
        str(cap) if isinstance(cap, int) else "",
        str(period.end_ms),
    )
    return Command(
        "grant_allowance",
        user_id,
        Call(scripts.RENEW, keys.account(user_id), args),
        partial(decoding.renewed, user_id=user_id, tx_id=tx_id, amount=amount, name=name),
        timed=True,
        writes=True,
        witnessed=True,
        tx_id=tx_id,
    )


def _rolling(name: str) -> str:
    """The grant of a capped allowance, one for all periods: a refund of the last is capped too."""
    return f"allowance_{sha256(name.encode()).hexdigest()[:16]}"
