"""Rules: what was added is taken back, in several steps that would seldom come about by chance."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.base import DAY, whos
from tests.model.beside import Beside
from tests.model.held import Held, Returned
from tests.model.moves import Moves
from tests.model.sizes import all_there_is


class Revocations(Moves, Held, Returned, Beside):
    """What was added is taken back: beside grants and a floor, too early, or again."""

    def last(self, who: int) -> str | None:
        log = self.accounts[self.users[who]].log
        return log[-1].id if log else None

    @rule(who=whos, amount=st.sampled_from([10, 50]), gift=st.integers(1, 60),
          floor=st.sampled_from([-50, 0, 25]), part=st.sampled_from([None, 5, 40]))  # fmt: skip
    def a_purchase_is_taken_back(self, who, amount, gift, floor, part):
        self.set_floor(who, 0)
        self.deduct(who, all_there_is, "chat", None, auto=False)
        self.add(who, amount, "purchase", None, auto=False)
        purchase = self.last(who)
        self.add_for_a_while(who, gift, None, auto=False, span=DAY, priority=0)
        self.set_floor(who, floor)
        for _ in range(2):
            self._revoke(who, purchase, None, part, None)

    @rule(who=whos, sizes=st.lists(st.integers(1, 60), min_size=1, max_size=3),
          good=st.sampled_from([1, 1, 20]), lasts=st.booleans(), again=st.none() | st.booleans(),
          part=st.sampled_from([None, None, 15]), longer=st.sampled_from([0, 0, 10]),
          ends=st.lists(st.sampled_from([None, 0, 5, 30, 70]), max_size=3))  # fmt: skip
    def what_is_on_hold_is_taken_back(self, who, sizes, good, lasts, again, part, longer, ends):
        floor = self.accounts[self.users[who]].floor
        self.set_floor(who, 0)
        self.add(who, good, "purchase", None, auto=False)
        if lasts:
            self.add(who, 60, "purchase", None, auto=False)
        else:
            self.add_for_a_while(who, 60, None, auto=False, span=DAY, priority=0)
        purchase, made = self.last(who), len(self.held)
        for number, size in enumerate(sizes):
            self.hold(who, size, "work", None, DAY - 1000 + 1000 * number, auto=False)
        holds = [hold_id for _, hold_id in self.held[made:]]
        self.set_floor(who, floor)
        self._revoke(who, purchase, None, part, None)
        if again:
            self._revoke(who, purchase, None, None, None)
        if again is None:
            self._waive(who, self.last(who))
        if longer and holds:
            self.add(who, longer, "purchase", None, auto=False)
            self.extend_to(who, holds[0], longer, None, None)
        for hold_id, end in zip(holds, ends, strict=False):
            self.end(who, hold_id, end, "take")
            if end:
                self._refund(who, self.last(who), None, None)
        self._revoke(who, purchase, None, part, None)

    @rule(who=whos, name=st.sampled_from(["add", "add_many"]), part=st.sampled_from([None, 5]))
    def a_purchase_is_taken_back_before_it_comes(self, who, name, part):
        key = f"early-{len(self.requests)}"
        self._revoke(who, None, key, part, None)
        if name == "add":
            self.add(who, 50, "purchase", key, auto=False)
        else:
            self.many_together(who, name, [(20, "purchase"), (30, "purchase")], key, auto=False)

    @rule(who=whos, rollover=st.sampled_from(["none", 0, 20, 1000]), renew=st.booleans())
    def a_period_is_taken_back(self, who, rollover, renew):
        self.grant_allowance(who, "team", 40, 0, 1, auto=False, rollover=rollover, priority=-1)
        period = self.last(who)
        self.deduct(who, 30, "chat", None, auto=False)
        charge = self.last(who)
        if renew:
            self.stage.set_clock(self.now + DAY)
            self.grant_allowance(who, "team", 40, 0, 1, auto=False, rollover=rollover, priority=-1)
        self._revoke(who, period, None, None, None)
        self._refund(who, charge, None, None)
        self._revoke(who, period, None, None, None)
