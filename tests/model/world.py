"""Rules: time, TypeScript apps, lost answers and late copies, damage and repair."""

from __future__ import annotations

from functools import partial, reduce
from operator import add

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from credits_core import AccountStateError
from tests.model import ledger
from tests.model.account import MOST, Account, Entry
from tests.model.base import Base, picks, seldom, spans, whos
from tests.model.ledger import SIGN_UP
from tests.model.observe import observe
from tests.model.sizes import amounts
from tests.model.stage import GRANT, WITNESSED
from tests.support import typescript

skews = st.sampled_from([-600_000, -3_000, -1, 0, 0, 0, 1, 3_000, 600_000])
metadatas = st.none() | st.sampled_from([{}, {"model": "small"}, {"a": [1.5, None, "\u2028🦊"]}])


class World(Base):
    """What happens to the accounts from outside."""

    @rule(span=spans)
    def time_passes(self, span):
        self.stage.set_clock(round(self.now + span + 0.125, 3))

    @rule(span=st.sampled_from([0.001, 1.0, 20.0, 500.0, 3_000.0]))
    def the_clock_is_set_back(self, span):
        self.stage.set_clock(round(self.now - span, 3))

    @rule()
    def the_next_answer_is_lost(self):
        self.stage.backend.lose = True

    @rule(pick=picks, late=st.booleans())
    def a_copy_arrives_late(self, pick, late):
        """What was done is not done again; what was not can never be, past its deadline."""
        sent = [pair for pair in self.stage.backend.sent if pair[0].script.name in WITNESSED]
        if not sent:
            return
        call, reply = sent[-1 - pick % len(sent)]
        done = reply[0] == "ok"
        if not done or late:
            call = call._replace(args=("0", *call.args[1:]))
        (again,) = self.stage.backend._inner.execute((call,), 5.0)
        self.look()
        if done and call.args[1] in self.members():
            assert again[0] in ("ok", "replayed"), again

    def members(self) -> set[str]:
        """All that stands in the logs."""
        return {member for look in self.looked.values() for member, _ in look.log}

    # --- TypeScript apps

    @rule(who=whos, kind=st.sampled_from(["deduct", "deduct", "add"]), amount=amounts, skew=skews,
          metadata=metadatas, to_the_brim=seldom)  # fmt: skip
    def write_from_typescript(self, who, kind, amount, skew, metadata, to_the_brim):
        account = self.account(who)
        if to_the_brim and kind == "add" and who == 2:
            amount = max(1, MOST - account.worth - 50)
        signed = amount if kind == "add" else -amount
        if account.worth + signed > MOST:
            return
        try:
            result = self.stage.typescript(kind, account.user, amount, "ts", metadata, skew_ms=skew)
        except typescript.InsufficientCreditsError:
            assert account.worth < amount
        else:
            self._foreign(account, signed, "ts", result.tx_id)
            assert result.balance == account.balance
        self.look()
        self.compare()

    @rule(who=whos, amount=st.integers(0, 200), skew=skews)
    def sign_up_from_typescript(self, who, amount, skew):
        account = self.account(who)
        result = self.stage.typescript("initialize_user", account.user, amount, skew_ms=skew)
        if account.balance is None:
            account.signed_up = True
            self._foreign(account, amount, SIGN_UP, result.tx_id)
        self.look()
        self.compare()

    def _foreign(self, account: Account, amount: int, action: str, tx_id: str) -> None:
        account.balance = account.worth + amount
        account.foreign = True
        account.log.append(Entry(tx_id, amount, action, ours=False))

    @rule(who=whos)
    def verify_and_rebuild_from_typescript(self, who):
        account = self.account(who)
        there = self.in_doubles(account) == account.worth
        assert self.stage.typescript("verify_balance", account.user).valid == there
        if account.balance is not None:
            self._rebuild_from_typescript(account)
        self.look()
        self.compare()

    def _rebuild_from_typescript(self, account: Account) -> None:
        """It may take the credits that its own sum lost; they are found, and given back."""
        found = self.in_doubles(account)
        assert self.stage.typescript("rebuild_balance", account.user) == found
        if found != account.balance:
            assert not self.stage.plain.verify_balance(account.user).valid
            self._repair(account, "python")

    def in_doubles(self, account: Account) -> float:
        """A log as TypeScript sums it: where clocks differ, sums on the way pass 2^53."""
        # Not by `sum`: since Python 3.12 that keeps what doubles lose on the way.
        return reduce(add, (float(entry["amount"]) for entry in self.entries(account)), 0.0)

    # --- what goes wrong, and its repair

    @rule(who=whos, amount=st.integers(0, 500))
    def find_a_balance_without_a_log(self, who, amount):
        account = self.account(who)
        if account.balance is not None or account.user in self.looked:
            self.touched.clear()
            return
        self.stage.raw.set(f"balance:{account.user}", amount)
        account.balance = account.seen = amount
        if amount:
            with pytest.raises(AccountStateError) as refusal:
                self.stage.plain.rebuild_balance(account.user)
            assert refusal.value.state == "missing_log"
        for client, grant in (self.client(auto=True), self.client(auto=False)):
            call = partial(client.deduct, account.user, amount + 1, "too much")
            seen, _ = observe(call)
            assert seen == ledger.deduct(
                account, self.now, amount + 1, "too much", None, grant, None
            )
        self.perform(
            lambda: self.stage.auto.add(account.user, 3, "opens the log"),
            lambda told, _: ledger.add(
                account, self.now, 3, "opens the log", None, (), GRANT, told=told, name=None
            ),
        )

    @rule(who=whos, by=st.integers(-1000, 1000), how=st.sampled_from(["python", "ts", "all"]))
    def drift(self, who, by, how):
        account = self.account(who)
        if not account.log or by == 0:
            return
        self.stage.raw.incrby(f"balance:{account.user}", by)
        found = self.stage.plain.verify_balance(account.user)
        assert (found.valid, found.cached) == (False, account.worth + by)
        assert (found.calculated, found.difference) == (account.worth, by)
        self._repair(account, how)

    @rule(who=whos, how=st.sampled_from(["python", "ts", "all"]))
    def lose_the_balance(self, who, how):
        account = self.account(who)
        if not account.log:
            return
        self.stage.raw.delete(f"balance:{account.user}")
        assert self.stage.plain.verify_balance(account.user).cached is None
        for act in (self.stage.auto.get_balance, lambda user: self.stage.auto.add(user, 1, "x")):
            with pytest.raises(AccountStateError) as refusal:
                act(account.user)
            assert refusal.value.state == "missing_balance"
        self._repair(account, how)

    def _repair(self, account: Account, how: str) -> None:
        if how == "python":
            assert self.stage.plain.rebuild_balance(account.user) == account.balance
        elif how == "ts":
            self._rebuild_from_typescript(account)
        else:
            report = self.stage.plain.reconcile([account.user])
            assert (report.total, report.fixed, report.errors) == (1, 1, 0)
            account.touch(self.now)
        self.look()
        self.compare()

    @rule(who=whos, really=seldom)
    def delete(self, who, really):
        if not really:
            return
        account = self.account(who)
        there = self.looked.get(account.user) is not None
        assert self.stage.plain.delete_account(account.user) is there
        self.accounts[account.user] = Account(account.user)
        # A copy that comes after this would begin the account anew.
        sent = self.stage.backend.sent
        sent[:] = [pair for pair in sent if pair[0].keys[0] != f"balance:{account.user}"]
        self.look()
        assert account.user not in self.looked
        self.touched.clear()
