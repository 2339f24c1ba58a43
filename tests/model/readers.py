"""Rules: those who read, those who fold, and what both must find."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from credits_core import scripts
from credits_core.command import Call
from tests.model.account import GENERATION, Entry
from tests.model.base import DAY, seldom, whos
from tests.model.held import Held
from tests.model.rebuild import rebuild
from tests.model.stage import Look

MARGIN = 60_000
"""By so much what is told to fold may be younger than the month: callers estimate the time."""


class Readers(Held):
    """Whoever reads a log finds the same in it."""

    @rule(who=whos)
    def every_reader_agrees(self, who):
        account = self.account(who)
        found = self.stage.plain.verify_balance(account.user)
        assert (found.valid, found.calculated) == (True, account.worth)
        assert found.cached == account.worth
        newest = [entry["id"] for entry in reversed(self.entries(account))]
        assert [one.id for one in self.stage.plain.iter_transactions(account.user)] == newest
        read = self.stage.plain.get_transactions(account.user, limit=7)
        assert [one.id for one in read] == newest[:7]
        self.touched.clear()

    @rule(who=whos)
    def what_is_open_follows_from_the_log(self, who):
        account = self.accounts[self.users[who]]
        if account.foreign or account.balance is None:
            return
        rebuilt = rebuild(self.entries(account))
        if rebuilt is not None:
            assert rebuilt.grants == account.grants, (rebuilt.grants, account.grants)
            assert rebuilt.holds == account.holds, (rebuilt.holds, account.holds)

    @rule(who=whos, days=st.sampled_from([30, 31, 90]), wait=st.sampled_from([0, 0, 31, 95]))
    def fold(self, who, days, wait):
        if wait:
            self.stage.set_clock(round(self.now + wait * DAY, 3))
        account = self.account(who)
        archived: list[Any] = []
        older = days * DAY
        report = self.stage.plain.fold(account.user, Kept(archived), older_than=older / 1000)
        before = self.entries(account)
        self.look()
        account.touch(self.now)
        if report.folded:
            self._folded(account, before, archived)
        else:
            assert archived == []
        self._left_over(account, older)
        self.compare()

    @rule(who=whos, late=seldom)
    def what_is_open_is_not_folded(self, who, late):
        """The script itself refuses: who read what was open may have read too early."""
        if late:
            self.hold(who, 1, "work", None, 90 * DAY, auto=False)
            self.stage.set_clock(self.now + 31 * DAY)
        account = self.account(who)
        self.stage.plain.get_balance(account.user)
        account.touch(self.now)
        self.look()
        self.compare()
        old = [
            member
            for member, at in self.looked.get(account.user, Look({})).log
            if at <= self.now - GENERATION and self._open(account, self.stage.entry(member))
        ]
        if not old:
            return
        self.account(who)
        keys = self.stage.plain._keys.account(account.user)
        call = Call(scripts.FOLD, keys, (str(int(self.now) + DAY), "nobody", *old[:3]))
        (reply,) = self.stage.backend.execute((call,), 5.0)
        assert reply[0] == "changed", reply
        self.look()
        self.compare()

    def _folded(self, account, before, archived):
        """What went was archived, and one checkpoint stands for all of it."""
        after = self.entries(account)
        there = {entry["id"] for entry in after}
        gone = [entry for entry in before if entry["id"] not in there]
        single = [entry for entry in gone if entry.get("kind") != "checkpoint"]
        assert [one.member for one in archived] == [
            member for member in (self._member(account, one) for one in archived) if member
        ]
        assert [self.stage.entry(one.member)["id"] for one in archived] == [
            entry["id"] for entry in single
        ]
        (checkpoint,) = (entry for entry in after if entry.get("kind") == "checkpoint")
        account.folded += len(single)
        assert checkpoint["entries"] == account.folded
        assert checkpoint["amount"] == sum(entry["amount"] for entry in gone)
        assert all(entry["at"] <= self.now - GENERATION for entry in gone)
        assert not any(self._open(account, entry) for entry in single)
        ids = {entry["id"] for entry in gone}
        # What theirs came after may stand behind the checkpoint that theirs went into.
        theirs = max((n for n, entry in enumerate(account.log) if not entry.ours), default=-1)
        account.before_theirs |= {entry.id for entry in account.log[: theirs + 1]}
        account.log = [entry for entry in account.log if entry.id not in ids]
        account.log.insert(0, Entry(checkpoint["id"], checkpoint["amount"], "checkpoint",
                                    "checkpoint", at=checkpoint["at"]))  # fmt: skip
        account.foreign = any(entry.id in account.before_theirs for entry in account.log)
        for tx_id in ids:
            done = account.returned.get(tx_id)
            last = done.last.at if done is not None and done.last is not None else None
            if last is None or last <= self.now - GENERATION + MARGIN:
                account.returned.pop(tx_id, None)

    def _member(self, account, one):
        assert (one.user_id, one.transaction.id) == (
            account.user,
            self.stage.entry(one.member)["id"],
        )
        return one.member

    def _open(self, account, entry):
        hold = entry.get("hold") or (entry.get("kind") == "hold" and entry["id"])
        return hold in account.holds

    def _left_over(self, account, older):
        for entry in self.entries(account):
            # A fold counts whole ms: what came later within the last of them stays.
            old = entry["at"] <= math.floor(self.now) - older
            assert not old or entry.get("kind") == "checkpoint" or self._open(account, entry)


class Kept:
    """An archive that is a list."""

    def __init__(self, entries: list[Any]) -> None:
        self.entries = entries

    def write(self, entries: Any) -> None:
        self.entries += entries
