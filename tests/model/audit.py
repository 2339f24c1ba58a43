"""What an auditor reads off the store itself, after every step: who paid, and how far it went."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.model.rebuild import hold as read_hold
from tests.model.rebuild import sources as read_sources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.model.account import Account, Entry, Name, Sources
    from tests.model.stage import Look

DEBITS = frozenset({"", "hold", "extend", "settle", "transfer", "merge"})
"""Kinds of entries by which grants pay; an expiry and a revocation name the grant they end."""


def expired_grants_pay_nothing(
    before: Look, look: Look, fresh: Iterable[dict[str, Any]], now: float
) -> None:
    """No debit of Python's is paid by a grant whose time had passed at that instant.

    Who paid is read from the records of the store, and of a hold that costs more only what was
    added by this entry: what it held before was paid while those grants lived.
    """
    entries = list(fresh)
    lapsed = {entry.get("hold") for entry in entries if entry.get("kind") == "expire"}
    for entry in entries:
        if entry["amount"] >= 0 or entry.get("kind", "") not in DEBITS:
            continue
        paid = _paid(look, entry)
        if entry.get("hold") not in lapsed:
            paid -= _held(before, entry.get("hold"))
        assert sum(paid.values()) <= -entry["amount"], (paid, entry)
        for name in paid:
            assert name.expires > now, (name, entry, now)


def _paid(look: Look, entry: dict[str, Any]) -> Counter[Name]:
    """Which grants paid for what the entry is about."""
    kind, records = entry.get("kind", ""), look.keys.get("credits:additions", {})
    if kind in ("hold", "extend"):
        return _held(look, entry.get("hold", entry["id"]))
    if kind in ("transfer", "merge"):
        lines = (record.split("\n") for record in records.values())
        found = (
            one[2] for one in lines if len(one) > 2 and one[1].partition(" ")[0] == entry["id"]
        )
        return _count(read_sources(next(found)))
    return _count(read_sources(records.get("paid\n" + entry["id"], "\n").partition("\n")[2]))


def _held(look: Look, hold_id: str | None) -> Counter[Name]:
    text = look.state("hold").get(hold_id or "")
    return _count(read_hold(text).sources if text else [])


def _count(sources: Sources) -> Counter[Name]:
    total: Counter[Name] = Counter()
    for name, part in sources:
        total[name] += part
    return total


def never_below_the_floor(account: Account, entries: list[dict[str, Any]]) -> None:
    """Sum every prefix of a log that Python alone wrote, oldest first: each was its balance.

    - A charge, each of several, a hold, its extension, a transfer, and a settlement that is not
      to be owed leave no less than the floor that was set then (`Entry.floor`; the log does not
      tell of floors, so that it is the model's).
    - A merge leaves nothing, and no debt: it takes all there is, whatever the floor.
    - A grant that expires, or is cut to what rolls over, leaves no debt, as grants are never
      more than the balance; it may go below a floor above zero, and so may the revocation of a
      grant. A revocation that finds nothing is an entry of 0, at any balance.
    - Only a settlement with shortfall="owe" may go anywhere. What comes in is not looked at.

    What has been folded is known by its sum alone, and entries of open holds that are older than
    the checkpoint stand before it: prefixes count from the last of it on.
    """
    known = {entry.id: entry for entry in account.log}
    as_of = max((one["at"] for one in entries if one.get("kind") == "checkpoint"), default=0)
    balance = 0
    for stored in entries:
        balance += stored["amount"]
        if stored["at"] > as_of and stored["amount"] < 0:
            _stays(known[stored["id"]], balance, account)


def _stays(entry: Entry, balance: int, account: Account) -> None:
    if entry.kind == "settle" and entry.floor is None:
        return  # it was to be owed
    if entry.kind in ("expire", "revoke", "merge"):
        least = 0
    else:
        assert entry.floor is not None, entry
        least = entry.floor
    assert entry.kind != "merge" or balance == 0, (balance, entry)
    assert balance >= least, (balance, entry, account.user)
