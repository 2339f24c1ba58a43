"""Rules: transfers and merges, allowances, settings, and looking at an account."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from credits_core import Period
from tests.model import between
from tests.model.base import DAY, Base, seldom, whos
from tests.model.ledger import touch
from tests.model.sizes import amounts


class Beside(Base):
    """What is about more than one charge."""

    def told_in(self, account, sent_id):
        """The id under which an account took in what another sent."""
        fresh = (one for one in self.fresh(account) if one.get("ref") == sent_id and "from" in one)
        return next(fresh, {}).get("id")

    def told_out(self, account):
        """The id of what has just left an account for another."""
        return next((one["id"] for one in self.fresh(account) if "to" in one), None)

    @rule(who=whos, other=st.integers(1, 2), amount=amounts,
          key=st.sampled_from(["t1", "t2", "t3"]), auto=st.booleans())  # fmt: skip
    def transfer(self, who, other, amount, key, auto):
        client, grant = self.client(auto=auto)

        def move():
            source, into = self.account(who), self.account(who + other)
            self.perform(
                lambda: client.transfer(source.user, into.user, amount, idempotency_key=key),
                lambda *_: between.transfer(
                    source, into, self.now, amount, key, grant, self.told_out(source), self.told_in
                ),
            )

        self.request(move)

    @rule(who=whos, other=st.integers(1, 2), really=seldom)
    def merge(self, who, other, really):
        if not really:
            return
        source, into = self.account(who), self.account(who + other)
        self.perform(
            lambda: self.stage.plain.merge_accounts(source.user, into.user),
            lambda *_: between.merge(source, into, self.now, self.told_out(source), self.told_in),
        )

    @rule(who=whos, name=st.sampled_from(["pro", "team"]), amount=st.sampled_from([100, 40]),
          shift=st.integers(-1, 1), days=st.sampled_from([1, 30]), auto=st.booleans(),
          rollover=st.sampled_from(["none", "all", 0, 20, 1000]),
          priority=st.integers(-1, 1))  # fmt: skip
    def grant_allowance(self, who, name, amount, shift, days, auto, rollover, priority):
        client, grant = self.client(auto=auto)
        start = (int(self.now) // (days * DAY) + shift) * days * DAY
        end = start + days * DAY

        def renew():
            account = self.account(who)
            self.perform(
                lambda: client.grant_allowance(
                    account.user, name, amount, Period(start, end), rollover=rollover,
                    priority=priority,
                ),
                lambda told, _: between.allowance(
                    account, self.now, name, amount, (start, end),
                    rollover=rollover, priority=priority, grant=grant, told=told
                ),
            )  # fmt: skip

        self.request(renew)

    @rule(who=whos, floor=st.sampled_from([0, 0, 0, -50, -300, 25]))
    def set_floor(self, who, floor):
        self._set(who, lambda user: self.stage.plain.set_floor(user, floor), "floor", floor)

    @rule(who=whos, reason=st.sampled_from(["", "fraud"]), really=seldom)
    def freeze(self, who, reason, really):
        if really:
            self._set(who, lambda user: self.stage.plain.freeze(user, reason), "frozen", reason)

    @rule(who=whos)
    def unfreeze(self, who):
        self._set(who, self.stage.plain.unfreeze, "frozen", None)

    @rule(who=whos, auto=st.booleans())
    def get_account(self, who, auto):
        client, grant = self.client(auto=auto)
        self._set(who, client.get_account, "user", self.users[who], grant)

    def _set(self, who, call, name, value, grant=None):
        account = self.account(who)

        def expect(_, seen):
            touch(account, self.now, grant)
            setattr(account, name, value)
            grants = [(grant, left) for grant, left in sorted(account.grants.items())]
            holds = sorted(account.holds.items(), key=lambda item: (item[1].expires, item[0]))
            assert (seen.balance, seen.floor) == (account.worth, account.floor)
            assert (seen.frozen, seen.frozen_reason) == (
                account.frozen is not None, account.frozen or "",
            )  # fmt: skip
            assert [(one.id, one.remaining, one.priority) for one in seen.grants] == [
                (grant.id, left, grant.priority) for grant, left in grants
            ]
            assert [
                (one.id, one.amount, one.action, one.expires_at, one.claimed) for one in seen.holds
            ] == [
                (hold_id, hold.amount, hold.action, hold.expires,
                 sum(claim.credits for claim in hold.claims))
                for hold_id, hold in holds
            ]  # fmt: skip
            return ("value", seen)

        self.perform(lambda: call(account.user), expect)
