"""The ledger, continued: holds from their making to their end."""

from __future__ import annotations

from typing import Any

from tests.model import claims
from tests.model.account import LARGEST, MOST, Account, Closed, Hold, Record, joined
from tests.model.ledger import Outcome, afford, again, open_log, receipt, touch


def hold(account: Account, now: float, amount: int, action: str, span: int, key: str | None,
         grant: int | None, *, told: str | None, expires: int) -> Outcome:  # fmt: skip
    request = ("hold", amount, action, span)
    if (before := again(account, key, request)) is not None:
        return before
    touch(account, now, grant)
    if (refusal := afford(account, amount)) is not None:
        return refusal
    open_log(account, grant)
    entry = account.post(told, -amount, action, "hold")
    account.holds[entry.id or ""] = Hold(amount, expires, action, account.burn(amount))
    if key is not None:
        account.keep(now, key, Record(request, entry, amount, expires))
    return ("hold", entry.id, amount, expires, account.worth, False)


def closed(account: Account, hold_id: str) -> Outcome:
    """What a hold answers that is not open."""
    end = account.kept(("hold", hold_id))
    if end is None:
        return ("no hold",)
    return (
        "closed",
        {"settle": "settled", "release": "released"}.get(end.how[0], "expired"),
        end.kept,
    )


def extend(account: Account, now: float, hold_id: str, amount: int, span: int | None,
           key: str | None, told: str | None, expires: int) -> Outcome:  # fmt: skip
    request = ("extend", amount, hold_id, span)
    if (before := again(account, key, request)) is not None:
        return before
    account.touch(now)
    open_hold = account.holds.get(hold_id)
    if open_hold is None:
        return closed(account, hold_id)
    if open_hold.amount + amount > LARGEST:
        return ("invalid",)
    if amount and (refusal := afford(account, amount)) is not None:
        return refusal
    account.turn(now)  # a record of its own is kept even without a key
    entry = account.post(told, -amount, "hold_extended", "extend", hold=hold_id)
    open_hold.amount += amount
    open_hold.expires = max(open_hold.expires, expires if span is not None else 0)
    open_hold.sources = joined(open_hold.sources, account.burn(amount))
    if key is not None:
        account.keep(now, key, Record(request, entry, open_hold.amount, open_hold.expires))
    return ("hold", hold_id, open_hold.amount, open_hold.expires, account.worth, False)


def settle(account: Account, now: float, hold_id: str, amount: int | None, shortfall: str,
           if_expired: str, told: str | None) -> Outcome:  # fmt: skip
    """Settle a hold, or release it (None)."""
    how: tuple[Any, ...] = ("release",) if amount is None else ("settle", amount)
    end = account.kept(("hold", hold_id))
    if end is not None and end.how == how:
        return receipt(account, end.entry, end.kept, replayed=True)
    account.touch(now)
    held = account.holds.get(hold_id)
    if held is None:
        end = account.kept(("hold", hold_id))
        if end is None or end.how != ("expire",) or if_expired != "charge":
            return closed(account, hold_id)
        held = Hold(0, 0, end.action, [])
    more = (amount or 0) - held.amount
    room = 0 if account.frozen is not None else max(0, account.worth - account.floor)
    if more > 0 and shortfall == "take":
        more = min(more, room)
    elif more > 0 and account.frozen is not None:
        return ("limit", "frozen")
    elif more > room and shortfall == "refuse":
        return ("insufficient", more, account.worth - account.floor)
    if abs(account.worth - more) > MOST:
        return ("limit", "max_balance")
    account.holds.pop(hold_id, None)
    kept = held.amount + more
    entry = account.post(told, -more, held.action, how[0], hold=hold_id, kept=kept)
    sources = claims.give_back(account, held, max(0, -more))
    if more > 0:
        entry.floor = None if shortfall == "owe" else account.floor
        sources = joined(sources, account.burn(more))
    account.back(entry.id or "").sources = sources
    account.keep(now, ("hold", hold_id), Closed(how, entry, kept))
    account.expire(now)
    return receipt(account, entry, kept)
