"""What revocations claim of open holds, once more in plain Python, from the words of the docs.

What is on hold when an addition is revoked counts as still there: it is claimed, of the holds
that expire first before others, up to what is missing; of a grant what this very grant paid, else
what no grant paid. The work is paid by what is not claimed first: when a hold gives back, its
claims are taken at once, the oldest first, in an entry a revocation, once all that fell due is
done, and never below zero or the floor. What the work used of a claim is claimed no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.model.account import Account, Hold, Name, Sources

MOST_CLAIMS = 10


@dataclass
class Claim:
    """So many credits of a hold were paid by an addition that was revoked."""

    credits: int
    revocation: str
    addition: str
    name: Name | None
    """The grant that they came from."""


@dataclass
class Owed:
    """What holds that ended owe to a revocation, out of all that it claimed of them."""

    addition: str
    name: Name | None
    claimed: int = 0
    due: int = 0


def free(hold: Hold, name: Name | None) -> int:
    """What of a hold was paid by a grant, or by none, and is not claimed."""
    paid = sum(part for source, part in hold.sources if source == name)
    if name is None:
        paid = hold.amount - sum(part for _, part in hold.sources)
    return paid - sum(claim.credits for claim in hold.claims if claim.name == name)


def lay(account: Account, revocation: str, addition: str, name: Name | None, missing: int) -> int:
    """Claim what is missing, as far as it is on hold; how much that is."""
    left = missing
    for _, hold in in_order(account):
        part = min(left, free(hold, name))
        if part > 0 and len(hold.claims) < MOST_CLAIMS:
            hold.claims.append(Claim(part, revocation, addition, name))
            left -= part
    return missing - left


def in_order(account: Account) -> list[tuple[str, Hold]]:
    """The open holds, those that expire first before others."""
    return sorted(account.holds.items(), key=lambda item: (item[1].expires, item[0]))


def give_back(account: Account, hold: Hold, amount: int) -> Sources:
    """Let a hold that has ended give back, and note what of that is claimed."""
    before = dict(account.grants)
    rest = account.give_back(hold.sources, hold.amount, amount)
    came: dict[Name | None, int] = {
        name: left - before.get(name, 0) for name, left in account.grants.items()
    }
    came[None] = min(amount, hold.amount - sum(part for _, part in hold.sources))
    for claim in hold.claims:
        due = min(claim.credits, came.get(claim.name, 0))
        came[claim.name] = came.get(claim.name, 0) - due
        owed = account.owed.setdefault(claim.revocation, Owed(claim.addition, claim.name))
        owed.claimed += claim.credits
        owed.due += due
    return rest


def redeem(account: Account) -> None:
    """Take what is owed, as far as it is there."""
    for revocation, owed in account.owed.items():
        taken = min(owed.due, account.there(owed.name))
        if taken:
            account.post(None, -taken, "revoke", "revoke", ref=revocation)
            if owed.name is not None:
                account.take(owed.name, taken)
            account.redeemed[revocation] = account.redeemed.get(revocation, 0) + taken
        give_up(account, owed.addition, owed.claimed - taken)
    account.owed = {}


def give_up(account: Account, addition: str, credits: int) -> None:
    """What was claimed of an addition and is not taken may be revoked again."""
    if addition in account.returned:
        account.returned[addition].so_far -= credits


def waive(account: Account, revocation: str) -> bool:
    """Let go what a revocation still claims; whether there was anything."""
    found = False
    for hold in account.holds.values():
        for claim in [one for one in hold.claims if one.revocation == revocation]:
            hold.claims.remove(claim)
            give_up(account, claim.addition, claim.credits)
            found = True
    return found
