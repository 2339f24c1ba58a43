"""The ledger, continued: what goes back to an account, and what is taken back from it."""

from __future__ import annotations

from typing import Any

from tests.model import claims
from tests.model.account import MOST, Account, Entry, Record
from tests.model.ledger import Outcome, again, receipt


def refund(account: Account, now: float, tx_id: str, amount: int | None, key: str | None,
           told: str | None, kind: str = "") -> Outcome:  # fmt: skip
    request = ("refund", tx_id, amount)
    if (before := again(account, key, request)) is not None:
        return before
    account.touch(now)
    charge = account.find(tx_id)
    if (
        charge is None
        or charge.kind not in ("settle", kind)
        or (charge.kind == kind and charge.amount > 0)
    ):
        return ("error",)
    size = charge.more["kept"] if charge.kind == "settle" else -charge.amount
    done = account.back(tx_id)
    left = size - done.so_far
    if amount is None and left == 0 and done.last is not None:
        return receipt(account, done.last, done.amount, replayed=True)
    amount = left if amount is None else amount
    if amount > left:
        return ("limit", "refundable")
    if account.worth + amount > MOST:
        return ("limit", "max_balance")
    entry = account.post(told, amount, "refund", "refund", ref=tx_id)
    done.sources = account.give_back(done.sources, left, amount)
    done.so_far += amount
    done.last, done.amount = entry, amount
    if key is not None:
        account.additions[key] = Record(request, entry, amount)
    account.expire(now)
    return receipt(account, entry, amount)


def revoke(account: Account, now: float, tx_id: str | None, added_with: str | None,
           amount: int | None, key: str | None, told: str | None) -> Outcome:  # fmt: skip
    request = ("revoke", tx_id, added_with, amount)
    if (before := again(account, key, request)) is not None:
        return before
    if added_with is not None:
        added = account.additions.get(added_with)
        if added is None:
            return announce(account, added_with, amount, key, request, told)
        if added.request[0] == "add_many":  # told apart by ids alone
            return ("error",)
        tx_id = added.entry.id
    account.touch(now)
    done = account.returned.get(tx_id or "")
    before = done.last if amount is None and done is not None and done.all else None
    addition = account.find(tx_id)
    if addition is None and before is None:
        return ("error",)
    if addition is not None and (
        addition.amount < 0 or addition.kind not in ("", "grant", "allowance")
    ):
        return ("error",)
    # What came back to a grant since all of it was taken is taken again.
    if before is not None and not (addition and addition.more.get("name") in account.grants):
        assert done is not None
        return receipt(account, before, done.amount, replayed=True, claimed=done.claimed)
    assert addition is not None
    entry, taken, claimed = account.take_back(told, addition, amount)
    if key is not None:
        account.additions[key] = Record(request, entry, taken, claimed=claimed)
    return receipt(account, entry, taken, claimed=claimed)


def waive(account: Account, now: float, tx_id: str) -> Outcome:
    account.touch(now)
    if claims.waive(account, tx_id):
        account.post(None, 0, "waive", "waive", ref=tx_id)
    return ("value", account.redeemed.get(tx_id, 0))


def announce(account: Account, added_with: str, amount: int | None, key: str | None,
             request: tuple[Any, ...], told: str | None) -> Outcome:  # fmt: skip
    """Revoke what has not come yet."""
    waiting = account.announced.setdefault(added_with, [])
    whole = [tx_id for tx_id, asked in waiting if asked is None]
    if amount is None and whole:
        return ("receipt", whole[0], 0, account.worth, True, True)
    if len(waiting) == 10:
        return ("limit", "max_revocations")
    waiting.append((told or "", amount))
    entry = Entry(told, 0, "revoke", "revoke")
    if key is not None:
        account.additions[key] = Record(request, entry, 0)
    return receipt(account, entry, 0)
