"""The ledger, continued: what moves between accounts, and allowances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.model.account import MOST, NEVER, Account, Entry, Name, Sources
from tests.model.ledger import Outcome, afford, open_log, receipt, touch

Told = Callable[[Account, str | None], str | None]
"""The id of the entry by which an account took in what another sent."""


@dataclass
class Sent:
    """What left an account for another."""

    kind: str
    into: str
    amount: int
    entry: Entry
    sources: Sources
    end: str = ""


def transfer(source: Account, into: Account, now: float, amount: int, key: str,
             grant: int | None, out: str | None, told: Told) -> Outcome:  # fmt: skip
    sent = source.outbox.get(key)
    replayed = sent is not None
    if sent is None:
        touch(source, now, grant)
        if (refusal := afford(source, amount)) is not None:
            return refusal
        sent = send(source, into, amount, out, "transfer")
        source.outbox[key] = sent
    elif (sent.into, sent.amount) != (into.user, amount):
        return ("conflict", sent.entry.id)
    balance = source.worth
    if sent.end == "returned":
        return ("error",)
    if not sent.end:
        received = deliver(source, into, now, sent, told)
        if received[0] != "receipt":
            return received
    return ("receipt", sent.entry.id, amount, balance, True, replayed)


def send(source: Account, into: Account, amount: int, out: str | None, kind: str) -> Sent:
    open_log(source, None)
    entry = source.post(out, -amount, kind, kind)
    return Sent(kind, into.user, amount, entry, source.burn(amount))


def deliver(source: Account, into: Account, now: float, sent: Sent, told: Told) -> Outcome:
    """The second half; where it is refused, the first half is undone."""
    into.touch(now)
    if into.worth + sent.amount > MOST:
        source.touch(now)
        source.post(None, sent.amount, "refund", "refund")
        source.give_back(sent.sources, sent.amount, sent.amount)
        source.expire(now)
        sent.end = "returned"
        return ("limit", "max_balance")
    open_log(into, None)
    tx_id = told(into, sent.entry.id)
    entry = into.post(tx_id, sent.amount, sent.kind, sent.kind)
    room = min(sent.amount, max(0, into.worth))
    for name, part in sent.sources:
        into.give(Name(name.priority, name.expires, tx_id or ""), min(part, room))
        room -= min(part, room)
    into.expire(now)
    sent.end = "received"
    return receipt(into, entry, sent.amount)


def merge(source: Account, into: Account, now: float, out: str | None, told: Told) -> Outcome:
    source.touch(now)
    amount = max(0, source.worth)
    if amount == 0:
        into.touch(now)
        return ("receipt", "nothing_to_merge", 0, into.worth, False, False)
    if source.frozen is not None:
        return ("limit", "frozen")
    return deliver(source, into, now, send(source, into, amount, out, "merge"), told)


def allowance(account: Account, now: float, name: str, amount: int, period: tuple[int, int], *,
              rollover: Any, priority: int, grant: int | None,
              told: str | None) -> Outcome:  # fmt: skip
    start, end = period
    last = account.allowances.get(name)
    if last is not None and account.balance is not None and last.start >= start:
        if last.start > start:
            return ("receipt", last.entry.id, 0, account.worth, False, False)
        if last.entry.amount != amount:
            return ("conflict", last.entry.id)
        return receipt(account, last.entry, amount, replayed=True)
    touch(account, now, grant)
    if account.worth + amount > MOST:
        return ("limit", "max_balance")
    if end <= now:
        return ("invalid",)
    open_log(account, grant)
    carried = 0
    if last is not None and last.cap is not None and last.name is not None:
        left = account.take_all(last.name.id)
        carried = min(left, last.cap)
        if left > carried:
            account.post(None, carried - left, "grant_expired", "expire", grant=last.name.id)
    entry = account.post(told, amount, "allowance", "allowance")
    granted = None
    if rollover != "all":
        rolling = f"allowance_{sha256(name.encode()).hexdigest()[:16]}"
        granted = (
            Name(priority, end, entry.id or "")
            if rollover == "none"
            else Name(priority, NEVER, rolling)
        )
        entry.more = {"grant": granted.id, "name": granted}
        if rollover == "none":
            carried = 0  # stays for good
        account.give(granted, min(carried + amount, max(0, account.worth)))
    cap = rollover if isinstance(rollover, int) else None
    account.allowances[name] = Allowance(start, entry, granted, cap)
    return receipt(account, entry, amount)


@dataclass
class Allowance:
    """The latest period of an allowance."""

    start: int
    entry: Entry
    name: Name | None
    cap: int | None
