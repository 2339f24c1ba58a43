"""What an account is, in plain Python: its log, its grants and holds, and what a touch does.

It shares no code with the library. Who pays and who is paid back is said here once more, from
the words of the documentation: grants by priority, then expiry, then id; what returns goes to
the credits that never expire first, then to the grant that paid last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.model import claims

MOST = 2**53 - 1
LARGEST = 10**15
GENERATION = 30 * 86_400_000
NEVER = 10**15 - 1
SPENDING = frozenset({"", "hold", "extend", "transfer"})
"""Kinds of entries that respect the floor; a settle does unless it owes."""


class Name(NamedTuple):
    """A grant; the order of names is the order in which grants are spent."""

    priority: int
    expires: int
    id: str


Sources = list[tuple[Name, int]]


def joined(sources: Sources, more: Sources) -> Sources:
    """Who paid, and who paid more; a grant that paid last and goes on paying stands once."""
    if sources and more and sources[-1][0] == more[0][0]:
        (name, part), (_, again) = sources[-1], more[0]
        return [*sources[:-1], (name, part + again), *more[1:]]
    return sources + more


@dataclass
class Entry:
    """One entry of a log; an id that nobody was told (None) is learned from the store."""

    id: str | None
    amount: int
    action: str
    kind: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    ours: bool = True
    at: float | None = None
    balance: int = 0
    floor: int | None = None
    """The floor that it had to respect."""


@dataclass
class Hold:
    amount: int
    expires: int
    action: str
    sources: Sources
    claims: list[claims.Claim] = field(default_factory=list)


@dataclass
class Closed:
    """How a hold ended; `how` is what must be asked again to be answered again."""

    how: tuple[Any, ...]
    entry: Entry
    kept: int
    action: str = ""


@dataclass
class Record:
    """What an idempotency key stands for."""

    request: tuple[Any, ...]
    entry: Entry
    amount: int
    expires: int = 0
    claimed: int = 0
    others: list[Entry] = field(default_factory=list)
    """Of several that were asked for together, those after the first."""


@dataclass
class Returned:
    """What was given back of a charge, or taken back of an addition."""

    so_far: int = 0
    sources: Sources = field(default_factory=list)
    last: Entry | None = None
    amount: int = 0
    claimed: int = 0
    all: bool = False


@dataclass
class Account:
    """What an account holds; `balance` is None where there is none."""

    user: str = ""
    balance: int | None = None
    log: list[Entry] = field(default_factory=list)
    signed_up: bool = False
    floor: int = 0
    frozen: str | None = None
    seen: int = 0
    grants: dict[Name, int] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    owed: dict[str, claims.Owed] = field(default_factory=dict)
    redeemed: dict[str, int] = field(default_factory=dict)
    """What revocations took of holds that gave back."""
    additions: dict[str, Record] = field(default_factory=dict)
    young: dict[Any, Any] = field(default_factory=dict)
    old: dict[Any, Any] = field(default_factory=dict)
    since: float | None = None
    returned: dict[str, Returned] = field(default_factory=dict)
    announced: dict[str, list[tuple[str, int | None]]] = field(default_factory=dict)
    allowances: dict[str, Any] = field(default_factory=dict)
    outbox: dict[str, Any] = field(default_factory=dict)
    folded: int = 0
    foreign: bool = False
    """Whether entries of others, or older than theirs, stand in the log."""
    before_theirs: set[str | None] = field(default_factory=set)
    last: float = 0.0

    @property
    def worth(self) -> int:
        return self.balance or 0

    # --- records

    def kept(self, key: Any) -> Any:
        """A record of a charge or of a hold."""
        return self.young.get(key) or self.old.get(key)

    def keep(self, now: float, key: Any, record: Any) -> None:
        """Keep a record 30 days at least."""
        self.turn(now)
        self.young[key] = record

    def turn(self, now: float) -> None:
        """Let the generations take turns."""
        if self.since is None or now - self.since >= GENERATION:
            if self.since is not None:
                self.young, self.old = {}, self.young
            self.since = now

    def find(self, tx_id: str | None) -> Entry | None:
        return next((entry for entry in self.log if tx_id and entry.id == tx_id), None)

    def back(self, tx_id: str) -> Returned:
        return self.returned.setdefault(tx_id, Returned())

    # --- money

    def post(
        self, tx_id: str | None, amount: int, action: str, kind: str = "", **more: Any
    ) -> Entry:
        """Enter a change of ours."""
        self.balance = self.worth + amount
        assert abs(self.balance) <= MOST
        entry = Entry(tx_id, amount, action, kind, more, balance=self.balance)
        if kind in SPENDING and amount < 0:
            assert self.balance >= self.floor
            entry.floor = self.floor
        self.log.append(entry)
        self.seen = self.balance
        return entry

    def burn(self, amount: int) -> Sources:
        """Spend grants as far as they go."""
        sources: Sources = []
        for name in sorted(self.grants):
            part = self.take(name, amount)
            amount -= part
            if part:
                sources.append((name, part))
        return sources

    def take(self, name: Name, amount: int) -> int:
        part = max(0, min(amount, self.grants.get(name, 0)))
        if part:
            self.grants[name] -= part
            if not self.grants[name]:
                del self.grants[name]
        return part

    def take_all(self, grant_id: str) -> int:
        """Take what there is of a grant, whatever priorities it has had."""
        names = [name for name in sorted(self.grants) if name.id == grant_id]
        return sum(self.take(name, MOST) for name in names)

    def give(self, name: Name, amount: int) -> None:
        """What pays a debt is no grant any more: give no more than there is."""
        if amount > 0:
            self.grants[name] = self.grants.get(name, 0) + amount

    def give_back(self, sources: Sources, total: int, amount: int) -> Sources:
        """Return `amount` of `total` credits; who still pays the rest is answered."""
        there = min(amount, max(0, self.worth))
        amount -= min(amount, total - sum(part for _, part in sources))
        rest: Sources = []
        for name, part in reversed(sources):
            returns = min(part, amount)
            amount -= returns
            if part > returns:
                rest.insert(0, (name, part - returns))
            self.give(name, min(returns, there))
            there -= min(returns, there)
        return rest

    def there(self, name: Name | None) -> int:
        """What can be taken of a grant, or of the credits that never expire."""
        if name is not None:
            return self.grants.get(name, 0)
        return max(0, self.worth - max(0, self.floor) - sum(self.grants.values()))

    def take_back(
        self, told: str | None, addition: Entry, asked: int | None
    ) -> tuple[Entry, int, int]:
        """Take back an addition as far as it is still there, and claim it as far as it is on hold.

        A grant that rolls over is that of its last period: of those before nothing is left.
        """
        before, name = self.back(addition.id or ""), addition.more.get("name")
        rolls_over = name is not None and name.id != addition.id
        size = addition.amount if not rolls_over or self.latest(addition) else 0
        wanted = max(0, size - before.so_far)
        if asked is not None:
            wanted = min(asked, wanted)
        amount = min(wanted, self.there(name))
        claimed = claims.lay(self, told or "", addition.id or "", name, wanted - amount)
        more = {"claimed": claimed} if claimed else {}
        entry = self.post(told, -amount, "revoke", "revoke", ref=addition.id, **more)
        if name is not None:
            self.take(name, amount)
        before.so_far += amount + claimed
        if not before.all:
            before.last, before.amount, before.all = entry, amount, asked is None
            before.claimed = claimed
        return entry, amount, claimed

    def latest(self, addition: Entry) -> bool:
        """Whether an entry is that of the last period of an allowance."""
        return any(one.entry is addition for one in self.allowances.values())

    # --- time

    def touch(self, now: float) -> None:
        """See what others spent, and apply what fell due."""
        if self.balance is None:
            return
        if self.grants:
            self.burn(self.seen - self.balance)
        self.seen = self.balance
        self.expire(now)

    def expire(self, now: float) -> None:
        """Holds give back, then grants go."""
        for hold_id, hold in claims.in_order(self):
            if hold.expires <= now and self.worth + hold.amount <= MOST:
                del self.holds[hold_id]
                entry = self.post(None, hold.amount, hold.action, "expire", hold=hold_id)
                claims.give_back(self, hold, hold.amount)
                self.keep(now, ("hold", hold_id), Closed(("expire",), entry, 0, hold.action))
        for name in sorted(self.grants, key=lambda name: (name.expires, name)):
            if name.expires <= now:
                left = self.grants.pop(name)
                self.post(None, -left, "grant_expired", "expire", grant=name.id)
        claims.redeem(self)
        assert sum(self.grants.values()) <= max(0, self.worth)
