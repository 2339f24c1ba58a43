"""How a step of the machine is done and checked; the rules are in the modules beside this."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.model import audit, ledger
from tests.model.account import Account, Entry, Name
from tests.model.observe import observe
from tests.model.rebuild import hold as read_hold
from tests.model.rebuild import name as read_name
from tests.model.sizes import Size, credits_of
from tests.model.stage import GRANT, Look, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.model.ledger import Outcome

DAY = 86_400_000

whos = st.sampled_from([0, 0, 0, 1, 1, 2])
seldom = st.sampled_from([False] * 9 + [True])
picks = st.integers(0, 9)
actions = st.sampled_from(["chat", "image", 'say "hi"\\ 🦊'])
keys = st.sampled_from([None] * 6 + ["k1", "k2", "schlüssel-🦊", "k4"])
spans = st.sampled_from([1, 50, 1_000, 60_000, 60_000, 3_600_000, 3_600_000, DAY, DAY, 40 * DAY])

TOLD = ("hold", "kept", "claimed")
"""What an entry tells beside what all tell, where it does."""

FUNDS: tuple[dict[str, Any], ...] = ({}, {"expires_in": 3_600}, {"expires_in": 40 * 86_400})
"""What the accounts begin with: 100 credits that stay and two times 60 that do not."""


class Base(RuleBasedStateMachine):
    """The accounts, the ledger beside them, and what must hold after every step."""

    stage: Stage
    operations = 0
    """What all games asked of the library and compared with the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.stage.reset()
        self.users = [f"user-{number}" for number in range(3)]
        self.accounts = {user: Account(user) for user in self.users}
        self.requests: list[Callable[[], None]] = []
        self.bystander = "bystander"
        self.stage.plain.initialize_user(self.bystander, 50)
        self.stage.plain.deduct(self.bystander, 8, "chat", idempotency_key="k1")
        self.stage.plain.add(self.bystander, 5, "purchase", idempotency_key="k2")
        self.stage.plain.add(self.bystander, 5, "gift", expires_in=1)
        self.stage.plain.hold(self.bystander, 5, "work", expires_in=1)
        self.looked = self.before = self.stage.look()
        self.touched: set[str] = set()
        self.looks = 0
        for who, how in itertools.product((0, 1), FUNDS):
            self.fund(self.account(who), 60 if how else 100, how)

    @property
    def now(self) -> float:
        return self.stage.now

    def account(self, who: int) -> Account:
        """An account that this step is about."""
        account = self.accounts[self.users[who % 3]]
        self.touched.add(account.user)
        return account

    def credits(self, who: int, size: Size) -> int:
        """A size in credits, at an account as it is before this step."""
        return credits_of(self.accounts[self.users[who % 3]], size)

    def client(self, *, auto: bool) -> tuple[Any, int | None]:
        """A client, and what it gives at the first touch."""
        return (self.stage.auto, GRANT) if auto else (self.stage.plain, None)

    def perform(
        self, call: Callable[[], Any], expect: Callable[[str | None, Any], Outcome]
    ) -> None:
        """Let the library do something, and the ledger the same; compare what they answer.

        `expect` gets the id that the library made up, and all that it returned.
        """
        seen, result = observe(call)
        self.stage.backend.lose = False
        self.look()
        told = seen[1] if seen[0] in ("receipt", "hold") else None
        expected = expect(told, result)
        assert seen == expected, (seen, expected)
        self.compare()
        self._timed(result[0] if isinstance(result, list) else result)

    def seen(self, result: Any) -> tuple[Outcome, str | None]:
        """A result that stands for a call of its own: its outcome, and the id it was told."""

        def answer() -> Any:
            if isinstance(result, Exception):
                raise result
            return result

        seen, _ = observe(answer)
        return seen, seen[1] if seen[0] == "receipt" else None

    def fund(self, account: Account, amount: int, how: dict[str, Any]) -> None:
        """Add credits without a key."""

        def expect(told: str | None, _: Any) -> Outcome:
            expires = self.told(account, told).get("expires", 0)
            name = Name(0, expires, told or "") if how else None
            return ledger.add(
                account, self.now, amount, "funds", None, (), None, told=told, name=name
            )

        self.perform(lambda: self.stage.plain.add(account.user, amount, "funds", **how), expect)

    def request(self, call: Callable[[], None]) -> None:
        """Do something that may be asked for again."""
        self.requests.append(call)
        call()

    def look(self) -> None:
        """See what the store holds now; only accounts of this step may have changed."""
        self.before, self.looked = self.looked, self.stage.look()
        self.looks += 1
        for user in {*self.before, *self.looked} - self.touched:
            assert self.looked.get(user) == self.before.get(user), user

    def fresh(self, account: Account) -> list[dict[str, Any]]:
        """The entries of an account that the ledger has not seen yet, oldest first."""
        known = {entry.id for entry in account.log if entry.at is not None}
        return [entry for entry in self.entries(account) if entry["id"] not in known]

    def entries(self, account: Account) -> list[dict[str, Any]]:
        """What stands in a log, oldest first."""
        log = self.looked.get(account.user, Look({})).log
        return [{**self.stage.entry(member), "at": at} for member, at in log]

    def told(self, account: Account, tx_id: str | None) -> dict[str, Any]:
        """The fresh entry with that id."""
        return next((one for one in self.fresh(account) if one["id"] == tx_id), {})

    def compare(self) -> None:
        """The accounts of this step hold what the ledger says."""
        Base.operations += 1
        for user in self.touched & set(self.accounts):
            account, look = self.accounts[user], self.looked.get(user, Look({}))
            before = self.before.get(user, Look({}))
            foreign = {entry.id for entry in account.log if not entry.ours}
            ours = [entry for entry in self.fresh(account) if entry["id"] not in foreign]
            self._learn(account)
            assert look.balance == account.balance, (look.balance, account.balance)
            entries = self.entries(account)
            assert len(entries) == len(account.log)
            assert sum(entry["amount"] for entry in entries) == account.worth
            audit.expired_grants_pay_nothing(before, look, ours, self.now)
            if not account.foreign:
                audit.never_below_the_floor(account, entries)
            self._compare_open(account, look)
        self.touched.clear()

    def _learn(self, account: Account) -> None:
        """Each new entry is the one that the ledger made, in its order and at its instant."""
        new = [entry for entry in account.log if entry.at is None]
        found = self.fresh(account)
        foreign = {entry.id for entry in new if not entry.ours}
        if foreign:
            new.sort(key=lambda entry: entry.ours)
            found.sort(key=lambda entry: entry["id"] not in foreign)
        assert len(new) == len(found), (new, found)
        new = _as_they_lapsed(new, found)
        for entry, stored in zip(new, found, strict=True):
            assert entry.id in (None, stored["id"])
            entry.id, entry.at = stored["id"], stored["at"]
            told = {name: entry.more.get(name) for name in TOLD}
            grant = stored.get("grant")
            seen = (stored["amount"], stored["action"], stored.get("kind", ""),
                    {name: stored.get(name) for name in TOLD},
                    grant and grant.rpartition(" ")[2])  # fmt: skip
            made = (entry.amount, entry.action, entry.kind, told, entry.more.get("grant"))
            assert seen == made, (seen, made)
            assert entry.kind not in ("revoke", "waive") or stored["ref"] == entry.more["ref"]
            if entry.ours:
                self._in_order(account, entry)

    def _in_order(self, account: Account, entry: Entry) -> None:
        """A score is the time, or just above the last of ours."""
        at = account.last + 2**-10 if account.last >= self.now else self.now
        assert entry.at == at
        account.last = at

    def _compare_open(self, account: Account, look: Look) -> None:
        grants = {read_name(text): int(left) for text, left in look.state("grant").items()}
        assert grants == account.grants, (grants, account.grants)
        holds = {hold_id: read_hold(text) for hold_id, text in look.state("hold").items()}
        assert holds == account.holds, (holds, account.holds)
        due = look.keys.get("credits:due", [])
        expected = {f"hold {hold_id}": hold.expires for hold_id, hold in account.holds.items()}
        expected |= {f"grant {text}": read_name(text).expires for text in look.state("grant")}
        assert dict(zip(due[::2], map(int, due[1::2]), strict=True)) == expected
        assert {read_name(text) for text in look.keys.get("credits:grants", [])[::2]} == set(grants)

    def _timed(self, result: Any) -> None:
        """A receipt says when its entry stands in the log."""
        tx_id, timestamp = getattr(result, "tx_id", None), getattr(result, "timestamp", None)
        for account in self.accounts.values():
            entry = account.find(tx_id)
            # A transfer is timed by its arrival, a revocation by when it was asked for.
            if entry is not None and entry.at and entry.kind not in ("transfer", "revoke"):
                assert int(entry.at) == timestamp

    @invariant()
    def nobody_else_is_touched(self) -> None:
        """Also not by a step that has not looked."""
        if not self.looks:
            self.look()
        self.looks = 0


def _as_they_lapsed(new: list[Entry], found: list[dict[str, Any]]) -> list[Entry]:
    """Grants that lapse at one touch do so in any order."""
    ordered: list[Entry] = []
    for lapsed, run in itertools.groupby(new, lambda entry: entry.action == "grant_expired"):
        entries = list(run)
        if lapsed:
            there = found[len(ordered) : len(ordered) + len(entries)]
            left = [(_grant(one), one["amount"]) for one in there]
            entries.sort(key=lambda entry, left=left: _place(left, entry))
        ordered += entries
    return ordered


def _place(left: list[Any], entry: Entry) -> int:
    """Where the entry stands; what an arrival brings may lapse as several of one id and amount."""
    what = (entry.more["grant"], entry.amount)
    if what not in left:
        return 0
    place = left.index(what)
    left[place] = None
    return place


def _grant(stored: dict[str, Any]) -> str:
    return str(stored.get("grant", "")).rpartition(" ")[2]
