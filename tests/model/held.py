"""Rules: holds, and what goes back."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model import holds, returns
from tests.model.account import LARGEST
from tests.model.base import DAY, Base, actions, keys, picks, spans, whos
from tests.model.sizes import all_there_is, amounts, sized

beyond = st.sampled_from([None] * 4 + [(False, -1), (False, 0), (True, 0), (True, 1), (True, 50)])
"""To settle so much more than is held, or than is held and there is beside it."""


class Held(Base):
    """Holds from their making to their end."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[tuple[int, str]] = [(0, "tx_1_nobody")]

    def a_hold(self, pick: int) -> tuple[int, str] | None:
        """One that is open, if there is one, or seldom any other."""
        known = [
            (who, name) for who, name in self.held if name in self.accounts[self.users[who]].holds
        ]
        held = known if pick else self.held
        return held[-1 - pick % len(held)] if held else None

    @rule(
        who=whos,
        amount=sized,
        action=actions,
        key=keys,
        span=spans | st.just(300 * DAY),
        auto=st.booleans(),
    )
    def hold(self, who, amount, action, key, span, auto):
        client, grant = self.client(auto=auto)
        amount = self.credits(who, amount)

        def set_aside():
            account = self.account(who)

            def expect(told, result):
                if result is not None:
                    self.held.append((who, told))
                expires = self.told(account, told).get("expires", 0)
                assert abs(expires - self.now - span) < 60_000 or not expires
                return holds.hold(
                    account, self.now, amount, action, span, key, grant, told=told, expires=expires
                )

            self.perform(
                lambda: client.hold(
                    account.user, amount, action, expires_in=span / 1000, idempotency_key=key
                ),
                expect,
            )

        self.request(set_aside)

    @rule(pick=picks, amount=st.just(0) | sized, span=st.none() | spans, key=keys)
    def extend(self, pick, amount, span, key):
        if (held := self.a_hold(pick)) is None:
            return
        who, hold_id = held
        if amount == 0 and span is None:
            span = 1_000
        self.extend_to(who, hold_id, amount and self.credits(who, amount), span, key)

    def extend_to(self, who, hold_id, amount, span, key):
        def longer():
            account = self.account(who)

            def expect(_, result):
                fresh = [one for one in self.fresh(account) if one.get("kind") == "extend"]
                entry = fresh[-1] if fresh else {}
                return holds.extend(
                    account, self.now, hold_id, amount, span, key, entry.get("id"),
                    entry.get("expires") or 0,
                )  # fmt: skip

            self.perform(
                lambda: self.stage.plain.extend(
                    account.user,
                    hold_id,
                    amount,
                    expires_in=None if span is None else span / 1000,
                    idempotency_key=key,
                ),
                expect,
            )

        self.request(longer)

    @rule(pick=picks, amount=st.just(0) | amounts | st.none(), beyond=beyond,
          shortfall=st.sampled_from(["refuse", "take", "owe"]),
          if_expired=st.sampled_from(["refuse", "charge"]))  # fmt: skip
    def settle(self, pick, amount, beyond, shortfall, if_expired):
        if (held := self.a_hold(pick)) is None:
            return
        who, hold_id = held
        account = self.accounts[self.users[who]]
        if beyond is not None and hold_id in account.holds:
            all_of_it, more = beyond
            more += max(0, all_there_is(account)) if all_of_it else 0
            amount = min(LARGEST, max(0, account.holds[hold_id].amount + more))
        self.end(who, hold_id, amount, shortfall, if_expired)

    def end(self, who, hold_id, amount, shortfall="refuse", if_expired="refuse"):
        """Settle a hold, or release it (None)."""

        def ending():
            account = self.account(who)
            self.perform(
                lambda: self.stage.plain.settle(
                    account.user, hold_id, amount, shortfall=shortfall, if_expired=if_expired
                )
                if amount is not None
                else self.stage.plain.release(account.user, hold_id),
                lambda told, _: holds.settle(
                    account, self.now, hold_id, amount, shortfall,
                    "refuse" if amount is None else if_expired, told,
                ),
            )  # fmt: skip

        self.request(ending)


class Returned(Base):
    """Refunds of charges, revocations of additions."""

    def an_entry(self, who: int, pick: int, kinds: tuple[str, ...], *, positive: bool) -> str:
        """One of the last entries that may be meant, seldom any other."""
        log = self.accounts[self.users[who]].log
        fit = log
        if pick:
            fit = [
                one
                for one in log
                if one.kind in kinds and (one.kind == "settle" or (one.amount > 0) is positive)
            ]
        return (fit[-1 - pick % len(fit)].id or "") if fit else "tx_1_nobody"

    @rule(who=whos, pick=picks, amount=st.none() | amounts, key=keys)
    def refund(self, who, pick, amount, key):
        self._refund(who, self.an_entry(who, pick, ("", "settle"), positive=False), amount, key)

    def _refund(self, who, tx_id, amount, key):
        def back():
            account = self.account(who)
            self.perform(
                lambda: self.stage.plain.refund(
                    account.user, tx_id, amount, reason="failed", idempotency_key=key
                ),
                lambda told, _: returns.refund(account, self.now, tx_id, amount, key, told),
            )

        self.request(back)

    @rule(who=whos, pick=picks, amount=st.none() | amounts, key=keys)
    def revoke(self, who, pick, amount, key):
        self._revoke(
            who,
            self.an_entry(who, pick, ("", "grant", "allowance"), positive=True),
            None,
            amount,
            key,
        )

    @rule(who=whos, added_with=keys.filter(bool), amount=st.none() | amounts, key=keys)
    def revoke_by_the_key(self, who, added_with, amount, key):
        if key == added_with:  # is refused before anything is sent
            return
        self._revoke(who, None, added_with, amount, key)

    def _revoke(self, who, tx_id, added_with, amount, key):
        def take():
            account = self.account(who)
            self.perform(
                lambda: self.stage.plain.revoke(
                    account.user, tx_id, amount, added_with=added_with, idempotency_key=key
                ),
                lambda told, _: returns.revoke(
                    account, self.now, tx_id, added_with, amount, key, told
                ),
            )

        self.request(take)

    @rule(who=whos, pick=picks)
    def waive(self, who, pick):
        log = [one for one in self.accounts[self.users[who]].log if one.kind == "revoke"]
        if log:
            self._waive(who, log[-1 - pick % len(log)].id)

    def _waive(self, who, tx_id):
        account = self.account(who)
        self.perform(
            lambda: self.stage.plain.waive(account.user, tx_id),
            lambda *_: returns.waive(account, self.now, tx_id),
        )
