"""Grants and holds once more, out of the log alone: what an auditor would do.

After a fold it begins with what the checkpoint says was open then (`open`), at the last entry
that it knew of (`as_of`). Two things a log alone does not tell then, and are answered with None:
who paid a charge before `as_of` that is refunded after it, and what an allowance carries over
from a period before `as_of` whose entry has been folded.
"""

from __future__ import annotations

import json
from typing import Any

from tests.model import claims
from tests.model.account import NEVER, Account, Hold, Name, Sources, joined
from tests.model.claims import Claim


def rebuild(entries: list[dict[str, Any]]) -> Account | None:
    """The open parts of an account from its entries, oldest first, each with its score `at`."""
    checkpoints = [entry for entry in entries if entry.get("kind") == "checkpoint"]
    newest = max(checkpoints, key=lambda entry: entry["as_of"], default=None)
    as_of = newest["as_of"] if newest else 0
    account = Account(balance=sum(one["amount"] for one in entries if one["at"] <= as_of))
    for field, text in newest["open"] if newest else []:
        _restore(account, field, text)
    by_id = {entry["id"]: entry for entry in entries}
    for entry in entries:
        if entry["at"] > as_of:
            account.balance = account.worth + entry["amount"]
            if not _apply(account, entry, by_id, as_of):
                return None
    return account


def name(text: str) -> Name:
    """A grant by its name in the store."""
    priority, expires, tx_id = text.split(" ")
    return Name(int(priority) - 1000, int(expires), tx_id)


def sources(text: str) -> Sources:
    """Who paid, as the store keeps it."""
    words = text.split()
    paid = [" ".join(words[i : i + 3]).split("=") for i in range(0, len(words), 3)]
    return [(name(who), int(part)) for who, part in paid]


def hold(text: str) -> Hold:
    """A hold as the store keeps it."""
    first, action, *claimed = text.split("\n")
    amount, expires, *paid = first.split(" ", 2)
    who = sources(paid[0] if paid else "")
    return Hold(int(amount), int(expires), json.loads(action), who, [claim(one) for one in claimed])


def claim(text: str) -> Claim:
    """A claim on a hold as the store keeps it."""
    part, revocation, addition, granted = text.split("\t")
    return Claim(int(part), revocation, addition, name(granted) if granted else None)


def _restore(account: Account, field: str, text: str) -> None:
    kind, _, rest = field.partition(" ")
    if kind == "hold":
        account.holds[rest] = hold(text)
    else:
        account.grants[name(rest)] = int(text)


def _apply(account: Account, entry: dict[str, Any], by_id: dict[str, Any], as_of: float) -> bool:
    """What an entry does beside the balance; False where it does not say."""
    kind, amount = entry.get("kind", ""), entry["amount"]
    room = max(0, account.worth)
    if kind == "waive":
        claims.waive(account, entry["ref"])
    elif kind in ("refund", "revoke"):
        return _return(account, entry, by_id, as_of)
    if kind in ("transfer", "merge") and amount > 0:
        for granted, part in sources(entry.get("grants", "")):
            account.give(granted, min(part, room))
            room -= min(part, room)
    elif kind in ("", "transfer", "merge") and amount < 0:
        account.back(entry["id"]).sources = account.burn(-amount)
    elif kind == "grant":
        account.give(name(entry["grant"]), min(amount, room))
    elif kind == "allowance":
        return _renew(account, entry, by_id)
    elif kind == "hold" or "hold" in entry:
        _of_a_hold(account, entry, kind)
    elif kind == "expire":
        _lapse(account, entry)
    return True


def _lapse(account: Account, entry: dict[str, Any]) -> None:
    """A grant is over; of what arrived together the one that held so much."""
    lost, grant_id = -entry["amount"], entry["grant"].rpartition(" ")[2]
    names = [one for one in account.grants if one.id == grant_id]
    for one in sorted(names, key=lambda one: (account.grants[one] != lost, one.expires)):
        lost -= account.take(one, lost)


def _renew(account: Account, entry: dict[str, Any], by_id: dict[str, Any]) -> bool:
    """A new period; one with a cap takes over what is left of the last."""
    before = [
        one
        for one in by_id.values()
        if one.get("allowance") == entry["allowance"] and one["at"] < entry["at"]
    ]
    if not before and any(one.get("kind") == "checkpoint" for one in by_id.values()):
        return False
    last = before[-1].get("grant") if before else None
    capped = last is not None and name(last).expires == NEVER
    carried = account.take_all(name(last).id) if capped else 0
    if "grant" in entry:
        granted = name(entry["grant"])
        worth = entry["amount"] + (carried if granted.expires == NEVER else 0)
        account.give(granted, min(worth, max(0, account.worth)))
    return True


def _of_a_hold(account: Account, entry: dict[str, Any], kind: str) -> None:
    if kind == "hold":
        amount = -entry["amount"]
        made = Hold(amount, entry["expires"], entry["action"], account.burn(amount))
        account.holds[entry["id"]] = made
    elif kind == "extend":
        _extend(account, entry)
    else:
        _end(account, entry)


def _extend(account: Account, entry: dict[str, Any]) -> None:
    held = account.holds[entry["hold"]]
    held.amount -= entry["amount"]
    held.expires = max(held.expires, entry.get("expires", 0))
    held.sources = joined(held.sources, account.burn(-entry["amount"]))


def _end(account: Account, entry: dict[str, Any]) -> None:
    held = account.holds.pop(entry["hold"], Hold(0, 0, "", []))
    amount = entry["amount"]
    paid = claims.give_back(account, held, max(0, amount))
    if amount < 0:
        paid = joined(paid, account.burn(-amount))
    account.back(entry["id"]).sources = paid


def _return(account: Account, entry: dict[str, Any], by_id: dict[str, Any], as_of: float) -> bool:
    if entry["kind"] == "revoke":
        _revoke(account, entry, by_id)
        return True
    first = by_id.get(entry["ref"])
    if first is None or first["at"] <= as_of:
        return False
    done = account.back(first["id"])
    size = first.get("kept", -first["amount"])
    done.sources = account.give_back(done.sources, size - done.so_far, entry["amount"])
    done.so_far += entry["amount"]
    return True


def _revoke(account: Account, entry: dict[str, Any], by_id: dict[str, Any]) -> None:
    """An addition is taken back, or what a revocation had claimed of a hold that ended."""
    if (owed := account.owed.get(entry["ref"])) is not None:
        granted = owed.name
    else:
        first = by_id[entry["ref"]]
        granted = name(first["grant"]) if "grant" in first else None
        claims.lay(account, entry["id"], first["id"], granted, entry.get("claimed", 0))
    if granted is not None:
        account.take(granted, -entry["amount"])
