"""Rules: charges, additions, sign-ups, several at once, balances."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from credits_core import Item
from tests.model import ledger
from tests.model.account import Name
from tests.model.base import Base, actions, keys, picks, spans, whos
from tests.model.sizes import amounts, sized

items = st.lists(st.tuples(amounts, actions), min_size=1, max_size=4)
sizes = st.sampled_from([1, 2, 7, 30, 60, 100, 101, 150, 300] * 6 + [10**15])


class Moves(Base):
    """What Python apps do most."""

    @rule(who=whos, amount=sizes | sized, action=actions, key=keys, auto=st.booleans())
    def deduct(self, who, amount, action, key, auto):
        client, grant = self.client(auto=auto)
        amount = self.credits(who, amount)

        def charge():
            account = self.account(who)
            self.perform(
                lambda: client.deduct(account.user, amount, action, idempotency_key=key),
                lambda told, _: ledger.deduct(account, self.now, amount, action, key, grant, told),
            )

        self.request(charge)

    @rule(who=whos, amount=sizes | sized, action=actions, key=keys.filter(bool),
          auto=st.booleans())  # fmt: skip
    def collect(self, who, amount, action, key, auto):
        client, grant = self.client(auto=auto)
        amount = self.credits(who, amount)

        def charge():
            account = self.account(who)
            self.perform(
                lambda: client.collect(account.user, amount, action, idempotency_key=key),
                lambda told, _: ledger.collect(account, self.now, amount, action, key, grant, told),
            )

        self.request(charge)

    @rule(who=whos, amount=sizes, action=actions, key=keys, auto=st.booleans())
    def add(self, who, amount, action, key, auto):
        self._add(who, amount, action, key, {}, (), auto=auto)

    @rule(who=whos, amount=amounts, key=keys, auto=st.booleans(), span=spans,
          priority=st.sampled_from([-1000, 0, 0, 7, 1000]))  # fmt: skip
    def add_for_a_while(self, who, amount, key, auto, span, priority):
        how = {"expires_in": span / 1000, "priority": priority}
        self._add(who, amount, "promo", key, how, ("in", span), auto=auto)

    @rule(who=whos, amount=amounts, key=keys, span=spans, back=st.sampled_from([0, 0, 0, 1, 1]))
    def add_until(self, who, amount, key, span, back):
        at = int(self.now) + (-1000 if back else span)
        self._add(who, amount, "gift", key, {"expires_at": at}, ("at", at))

    def _add(self, who, amount, action, key, how, expiry, *, auto=False):
        client, grant = self.client(auto=auto)

        def put():
            account = self.account(who)

            def expect(told, _):
                name = None
                if expiry:
                    expires = self.told(account, told).get("expires", 0)
                    name = Name(how.get("priority", 0), expires, told or "")
                return ledger.add(
                    account, self.now, amount, action, key, expiry, grant, told=told, name=name
                )

            self.perform(
                lambda: client.add(account.user, amount, action, idempotency_key=key, **how),
                expect,
            )

        self.request(put)

    @rule(who=whos, amount=st.sampled_from([0, 1, 100] * 9 + [10**15]))
    def initialize(self, who, amount):
        account = self.account(who)
        self.perform(
            lambda: self.stage.plain.initialize_user(account.user, amount),
            lambda told, _: ledger.initialize(account, self.now, amount, told),
        )

    @rule(who=whos, name=st.sampled_from(["deduct_many", "add_many"]), items=items, key=keys,
          auto=st.booleans())  # fmt: skip
    def many_together(self, who, name, items, key, auto):
        client, grant = self.client(auto=auto)

        def together():
            account = self.account(who)
            asked = [Item(account.user, amount, action) for amount, action in items]

            def expect(_, result):
                ids = [one.tx_id for one in result] if result else [None] * len(items)
                return ledger.many(account, self.now, name, tuple(items), key, grant, ids)

            self.perform(
                lambda: getattr(client, name)(asked, atomic=True, idempotency_key=key), expect
            )

        self.request(together)

    @rule(name=st.sampled_from(["deduct_many", "add_many"]), auto=st.booleans(),
          items=st.lists(st.tuples(whos, amounts, actions, keys), max_size=4))  # fmt: skip
    def many_apart(self, name, items, auto):
        client, grant = self.client(auto=auto)
        for who, *_ in items:
            self.account(who)
        asked = [
            Item(self.users[who], amount, action, None, key) for who, amount, action, key in items
        ]
        self.stage.backend.lose = False  # asked again, one of a flight would come last
        results = getattr(client, name)(asked)
        self.look()
        for (who, amount, action, key), result in zip(items, results, strict=True):
            account = self.account(who)
            seen, told = self.seen(result)
            if name == "deduct_many":
                expected = ledger.deduct(account, self.now, amount, action, key, grant, told)
            else:
                expected = ledger.add(
                    account, self.now, amount, action, key, (), grant, told=told, name=None
                )
            assert seen == expected, (seen, expected)
        Base.operations += len(items)
        self.compare()

    @rule(pick=picks)
    def repeat(self, pick):
        """The same request again: with a key it is told again, without it is a new one."""
        if self.requests:
            self.requests[-1 - pick % len(self.requests)]()

    @rule(pick=picks, among=st.integers(0, 1000))
    def repeat_much_later(self, pick, among):
        if self.requests:
            self.requests[among % len(self.requests)]()

    @rule(who=whos, auto=st.booleans(), enough=amounts)
    def read_the_balance(self, who, auto, enough):
        account = self.account(who)
        client, grant = self.client(auto=auto)

        def expect(_, __):
            ledger.touch(account, self.now, grant)
            return ("value", account.worth)

        self.perform(lambda: client.get_balance(account.user), expect)
        self.account(who)
        self.perform(
            lambda: client.has_credits(account.user, enough),
            lambda *_: (
                "value",
                account.frozen is None and account.worth - account.floor >= enough,
            ),
        )
