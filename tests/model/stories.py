"""Rules: what takes several steps to come about, and would seldom come about by chance.

Grants that pay together, get back in parts, and are over meanwhile; debts, and what comes in
while they last.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.account import LARGEST, NEVER, Account
from tests.model.base import DAY, picks, spans, whos
from tests.model.beside import Beside
from tests.model.held import Held, Returned
from tests.model.moves import Moves
from tests.model.sizes import all_there_is

gifts = st.lists(
    st.tuples(st.sampled_from([1, 5, 20, 40]), spans, st.sampled_from([-1, 0, 0, 7])),
    min_size=2,
    max_size=4,
)
parts = st.lists(st.sampled_from([1, 3, 10, 30]), max_size=3)
pieces = st.lists(
    st.tuples(st.integers(1, 30), st.sampled_from([1_000, 3_000_000, 2 * DAY])),
    min_size=2,
    max_size=4,
)
waits = st.sampled_from([None, None, 0, 1, -1])
"""Until which of those that paid is over, or not at all."""
LONG = 300 * DAY


class Stories(Moves, Held, Returned, Beside):
    """Several steps of the others in a row, each compared like any other."""

    @rule(who=whos, pick=picks, by=st.sampled_from([-1, 0, 0, 0.5, 1]))
    def time_passes_until_something_is_due(self, who, pick, by):
        account = self.account(who)
        self.wait(account, [name.expires for name in account.grants]
                  + [hold.expires for hold in account.holds.values()], pick, by)  # fmt: skip
        self.touched.clear()

    def wait(self, account: Account, instants: list[int], pick: int | None, by: float = 0) -> None:
        """Until one of these, or not at all."""
        instants = sorted(instant for instant in instants if instant < NEVER)
        if pick is None or not instants:
            return
        instant = instants[pick % len(instants)] + by
        if instant > self.now:
            self.stage.set_clock(instant)

    def put(self, who: int, gifts: list[tuple[int, int, int]]) -> None:
        for amount, span, priority in gifts:
            self.add_for_a_while(who, amount, None, auto=False, span=span, priority=priority)

    def set_aside(self, who: int, amount: int) -> str | None:
        """A hold that lasts, where the account can afford it."""
        before = len(self.held)
        self.hold(who, amount, "work", None, LONG, auto=False)
        return self.held[-1][1] if len(self.held) > before else None

    @rule(who=whos, gifts=gifts, more=st.integers(-6, 12), wait=waits, parts=parts,
          at_last=st.booleans())  # fmt: skip
    def grants_pay_a_charge_and_get_back(self, who, gifts, more, wait, parts, at_last):
        account = self.accounts[self.users[who]]
        self.put(who, gifts)
        entries = len(account.log)
        self.deduct(who, max(1, sum(account.grants.values()) + more), "chat", None, auto=False)
        charge = account.log[-1]
        if len(account.log) == entries or charge.kind or charge.amount > 0:
            return
        paid = account.back(charge.id or "").sources
        self.wait(account, [name.expires for name, _ in paid], wait)
        for part in [*parts, None] if at_last else parts:
            self._refund(who, charge.id, part, None)

    @rule(who=whos, gifts=gifts, more=st.integers(-6, 12), longer=st.sampled_from([0, 0, 5, 30]),
          wait=waits, back=st.sampled_from([None, 1, 4, 25, 60, -40]), parts=parts)  # fmt: skip
    def grants_pay_a_hold_and_get_back(self, who, gifts, more, longer, wait, back, parts):
        account = self.accounts[self.users[who]]
        self.put(who, gifts)
        hold_id = self.set_aside(who, max(1, sum(account.grants.values()) + more))
        if hold_id is None:
            return
        if longer:
            self.extend_to(who, hold_id, longer, None, None)
        held = account.holds[hold_id]
        self.wait(account, [name.expires for name, _ in held.sources], wait)
        if back is None:
            self.end(who, hold_id, None)
        elif back > 0:
            self.end(who, hold_id, max(0, held.amount - back))
        else:
            more = max(0, all_there_is(account)) - back
            self.end(who, hold_id, min(LARGEST, held.amount + more), "take")
        for part in parts:
            self._refund(who, account.log[-1].id, part, None)

    @rule(who=whos, gifts=gifts, pieces=pieces, wait=st.integers(-2, 2), before=st.booleans())
    def grants_pay_holds_that_expire(self, who, gifts, pieces, wait, before):
        account = self.accounts[self.users[who]]
        self.put(who, gifts)
        made = len(self.held)
        for amount, span in pieces:
            self.hold(who, amount, "work", None, span, auto=False)
        known = [account.holds.get(hold_id) for _, hold_id in self.held[made:]]
        open_holds = [hold for hold in known if hold is not None]
        if before:
            # The grants are seen to be over first, then the holds.
            paid = [name for hold in open_holds for name, _ in hold.sources]
            self.wait(account, [name.expires for name in paid], wait)
            self.read_the_balance(who, auto=False, enough=1)
        self.wait(account, [hold.expires for hold in open_holds], wait)
        self.read_the_balance(who, auto=False, enough=1)

    @rule(who=whos, amount=st.integers(1, 30), floor=st.sampled_from([-50, 0, 25]),
          frozen=st.booleans(), more=st.sampled_from([-1, 0, 1, 20]), all_of_it=st.booleans(),
          shortfall=st.sampled_from(["refuse", "take", "owe"]))  # fmt: skip
    def a_hold_ends_under_a_rule(self, who, amount, floor, frozen, more, all_of_it, shortfall):
        account = self.accounts[self.users[who]]
        self.set_floor(who, floor)
        if (hold_id := self.set_aside(who, amount)) is None:
            return
        if frozen:
            self.freeze(who, "fraud", really=True)
        if all_of_it:
            more += max(0, all_there_is(account))
        self.end(who, hold_id, max(0, min(LARGEST, amount + more)), shortfall)
        self.unfreeze(who)

    @rule(who=whos, gifts=gifts, by=st.integers(1, 60), amount=st.sampled_from([1, 20, 60, 100]),
          out=st.sampled_from(
              ["grant", "grant", "allowance", "arrival", "release", "refund", "expiry"]
          ), rollover=st.sampled_from(["none", 20]))  # fmt: skip
    def a_debt_is_paid_first(self, who, gifts, by, amount, out, rollover):
        account = self.accounts[self.users[who]]
        self.put(who, gifts)
        if out == "refund":
            self.deduct(who, amount, "chat", None, auto=False)
            charge = account.log[-1].id
        elif (held := self.set_aside(who, amount)) is None:
            return
        if not self.owe(who, by):
            return
        if out == "grant":
            self.add_for_a_while(who, amount, None, auto=False, span=DAY, priority=0)
        elif out == "allowance":
            self.grant_allowance(who, "debt", 100, 0, 1, auto=False, rollover=rollover, priority=0)
        elif out == "arrival":
            self.put(who + 1, gifts)
            self.transfer(who + 1, 2, 30, f"debt-{len(self.requests)}", auto=False)
        elif out == "release":
            self.end(who, held, None)
        elif out == "expiry":
            self.wait(account, [account.holds[held].expires] if held in account.holds else [], 0)
            self.read_the_balance(who, auto=False, enough=1)
        else:
            self._refund(who, charge, None, None)

    def owe(self, who: int, by: int) -> bool:
        """Bring an account below zero, where that may be."""
        account = self.accounts[self.users[who]]
        hold_id = self.set_aside(who, 1)
        if hold_id is not None:
            self.end(who, hold_id, min(LARGEST, 1 + max(0, account.worth) + by), "owe")
        return account.worth < 0
