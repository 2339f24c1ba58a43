"""The ledger in plain Python: what every call on an account must answer, and what it changes.

An outcome is a tuple that begins with its kind, so that what the library did and what it should
have done compare with `==`. `told` is what only the library can know: the id that it made up.
"""

from __future__ import annotations

from typing import Any

from tests.model.account import MOST, Account, Entry, Name, Record

SIGN_UP = "user_initialized"

Outcome = tuple[Any, ...]


def receipt(
    account: Account, entry: Entry, amount: int, *, replayed: bool = False, claimed: int = 0
) -> Outcome:
    """The receipt of an entry, by its id; when it was is compared when the log has been read."""
    more = (claimed,) if claimed else ()
    return ("receipt", entry.id, amount, account.worth, True, replayed, *more)


def touch(account: Account, now: float, grant: int | None = None) -> None:
    """Any touch; with a `grant` it signs up who has not been."""
    account.touch(now)
    opens = account.balance is not None and not account.log
    if grant is None or opens or account.signed_up:
        return
    if account.worth + grant <= MOST:
        account.signed_up = True
        account.post(None, grant, SIGN_UP)


def open_log(account: Account, grant: int | None) -> None:
    """A balance that stood without a log gets one; it had its sign-up when it was made."""
    if account.balance is not None and not account.log:
        account.signed_up = True
        account.log.append(Entry(None, account.balance, "opening_balance", "opening",
                                 balance=account.balance))  # fmt: skip
    account.signed_up = account.signed_up or grant is not None


def again(account: Account, key: str | None, request: tuple[Any, ...]) -> Outcome | None:
    """What a key that was used before answers."""
    record = account.kept(key) or account.additions.get(key or "")
    if key is None or record is None:
        return None
    if record.request != request:
        return ("conflict", record.entry.id)
    if request[0] in ("hold", "extend"):
        hold = request[2] if request[0] == "extend" else record.entry.id
        return ("hold", hold, record.amount, record.expires, account.worth, True)
    if request[0].endswith("_many"):
        entries = zip([record.entry, *record.others], request[1], strict=True)
        return ("many", [receipt(account, entry, amount, replayed=True)
                         for entry, (amount, _) in entries])  # fmt: skip
    return receipt(account, record.entry, record.amount, replayed=True, claimed=record.claimed)


def afford(account: Account, amount: int) -> Outcome | None:
    """Why an account may not spend, if it may not."""
    if account.frozen is not None:
        return ("limit", "frozen")
    if account.worth - amount < account.floor:
        return ("insufficient", amount, account.worth - account.floor)
    return None


def initialize(account: Account, now: float, amount: int, told: str | None) -> Outcome:
    account.touch(now)
    if account.signed_up or (account.balance is not None and not account.log):
        return ("receipt", "already_initialized", 0, account.worth, False, False)
    if account.worth + amount > MOST:
        return ("limit", "max_balance")
    account.signed_up = True
    return receipt(account, account.post(told, amount, SIGN_UP), amount)


def deduct(account: Account, now: float, amount: int, action: str, key: str | None,
           grant: int | None, told: str | None) -> Outcome:  # fmt: skip
    request = ("deduct", amount, action)
    if (before := again(account, key, request)) is not None:
        return before
    touch(account, now, grant)
    if (refusal := afford(account, amount)) is not None:
        return refusal
    open_log(account, grant)
    entry = spend(account, told, amount, action)
    if key is not None:
        account.keep(now, key, Record(request, entry, amount))
    return receipt(account, entry, amount)


def collect(account: Account, now: float, amount: int, action: str, key: str,
            grant: int | None, told: str | None) -> Outcome:  # fmt: skip
    """A charge of all, or of what there is, under the keys of charges."""
    request = ("deduct", amount, action)
    if (before := again(account, key, request)) is not None:
        return before
    touch(account, now, grant)
    if account.frozen is not None:
        return ("limit", "frozen")
    taken = min(amount, account.worth - account.floor)
    if taken < 1:
        return ("receipt", "nothing_to_collect", 0, account.worth, False, False)
    open_log(account, grant)
    entry = spend(account, told, taken, action)
    account.keep(now, key, Record(request, entry, taken))
    return receipt(account, entry, taken)


def spend(account: Account, told: str | None, amount: int, action: str, kind: str = "",
          **more: Any) -> Entry:  # fmt: skip
    """Take credits, and remember which grants paid."""
    entry = account.post(told, -amount, action, kind, **more)
    account.back(entry.id or "").sources = account.burn(amount)
    return entry


def add(account: Account, now: float, amount: int, action: str, key: str | None,
        expiry: tuple[Any, ...], grant: int | None, *, told: str | None,
        name: Name | None) -> Outcome:  # fmt: skip
    request = ("add", amount, action, *expiry)
    if (before := again(account, key, request)) is not None:
        return before
    touch(account, now, grant)
    if account.worth + amount > MOST:
        return ("limit", "max_balance")
    if expiry and expiry[1] <= (now if expiry[0] == "at" else 0):
        return ("invalid",)
    open_log(account, grant)
    more = {} if name is None else {"grant": name.id, "name": name}
    entry = account.post(told, amount, action, "grant" if name else "", **more)
    if name is not None:
        account.give(name, min(amount, max(0, account.worth)))
    if key is not None:
        account.additions[key] = Record(request, entry, amount)
        for tx_id, asked in account.announced.pop(key, []):
            account.take_back(tx_id, entry, asked)
    return receipt(account, entry, amount)


def many(account: Account, now: float, name: str, items: tuple[tuple[int, str], ...],
         key: str | None, grant: int | None, told: list[str | None]) -> Outcome:  # fmt: skip
    """Several charges or additions, all of them or none."""
    request = (name, items)
    if (before := again(account, key, request)) is not None:
        return before
    touch(account, now, grant)
    total = sum(amount for amount, _ in items)
    if name == "deduct_many":
        if (refusal := afford(account, total)) is not None:
            return refusal
    elif account.worth + total > MOST:
        return ("limit", "max_balance")
    elif account.announced.get(key or ""):  # which of them was revoked cannot be told
        return ("limit", "revoked")
    open_log(account, grant)
    entries = []
    for (amount, action), tx_id in zip(items, told, strict=True):
        if name == "deduct_many":
            entries.append(spend(account, tx_id, amount, action))
            entries[-1].floor = account.floor
        else:
            entries.append(account.post(tx_id, amount, action))
    if key is not None:
        record = Record(request, entries[0], total, others=entries[1:])
        account.turn(now)
        (account.young if name == "deduct_many" else account.additions)[key] = record
    amounts = [amount for amount, _ in items]
    return ("many", [receipt(account, entry, amount)
                     for entry, amount in zip(entries, amounts, strict=True)])  # fmt: skip
