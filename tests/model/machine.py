"""Any sequence of operations, by anyone, on a few accounts, against the ledger of `ledger.py`."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from credits_core import AccountStateError, commands
from credits_core.commands import SignUp
from credits_core.keys import KeySpace
from tests.model.ledger import MOST, Ledger, Outcome, Request
from tests.model.stage import GRANT, Stage, observe
from tests.support import typescript

if TYPE_CHECKING:
    from credits_core.command import Call, Command

whos = st.integers(0, 2)
amounts = st.sampled_from([1, 2, 7, 30, 100, 101]) | st.integers(1, 10**15)
actions = st.sampled_from(["chat", "image", 'say "hi"\\ 🦊'])
keys = st.none() | st.sampled_from(["k1", "k2", "schlüssel-🦊"])
metadatas = st.none() | st.sampled_from([{}, {"model": "small"}, {"a": [1.5, None, "\u2028🦊"]}])
skews = st.sampled_from([-600_000, -3_000, -1, 0, 0, 0, 1, 3_000, 600_000])
kinds = st.sampled_from(["deduct", "deduct", "add"])


@dataclass(frozen=True)
class Sent:
    """A call whose bytes are fixed, to be executed once or again, now or much later."""

    request: Request
    command: Command[Any]
    call: Call
    late: Call


class LedgerMachine(RuleBasedStateMachine):
    """The rules; a subclass says on which stage."""

    stage: Stage

    requests = Bundle("requests")
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        base = f"model-{uuid.uuid4().hex[:12]}"
        self.users = [f"{base}-{number}" for number in range(3)]
        self.ledger = Ledger()
        self.bystander = f"{base}-bystander"
        self.stage.plain.initialize_user(self.bystander, 50)
        self.stage.plain.deduct(self.bystander, 8, "chat", idempotency_key="k1")
        self.stage.plain.add(self.bystander, 5, "purchase", idempotency_key="k2")
        self.before = self.stage.contents(self.bystander)

    def teardown(self) -> None:
        for user in (*self.users, self.bystander):
            self.stage.plain.delete_account(user)
            assert self.stage.raw.keys(f"*{user}") == []

    # --- what Python apps do

    @rule(target=requests, who=whos, kind=kinds, amount=amounts, action=actions, key=keys,
          metadata=metadatas, auto=st.booleans())  # fmt: skip
    def write(self, who, kind, amount, action, key, metadata, auto):
        request = Request(kind, self.users[who], amount, action, key, GRANT if auto else None)
        self._perform(request, metadata)
        return request

    @rule(request=requests, auto=st.booleans())
    def repeat(self, request, auto):
        again = Request(request.kind, request.user, request.amount, request.action, request.key,
                        GRANT if auto else None)  # fmt: skip
        self._perform(again, {"again": True})

    @rule(request=requests, kind=kinds, amount=amounts, action=actions)
    def use_the_key_for_something_else(self, request, kind, amount, action):
        self._perform(Request(kind, request.user, amount, action, request.key), None)

    @rule(who=whos, amount=st.sampled_from([0, 1, 100, 10**15]))
    def initialize(self, who, amount):
        request = Request("initialize", self.users[who], amount, "")
        self._expect(
            request, observe(lambda: self.stage.plain.initialize_user(request.user, amount))
        )

    @rule(who=whos, auto=st.booleans(), enough=amounts)
    def read_the_balance(self, who, auto, enough):
        user, client = self.users[who], self.stage.auto if auto else self.stage.plain
        seen = observe(lambda: client.get_balance(user))
        assert seen == self.ledger.touch(user, GRANT if auto else None)
        assert client.has_credits(user, enough) is (seen[1] >= enough)

    @rule(who=whos)
    def delete(self, who):
        user = self.users[who]
        assert self.stage.plain.delete_account(user) is self.ledger.delete(user)

    # --- the same bytes, again and late

    @rule(target=sent, who=whos, kind=kinds | st.just("initialize"), amount=amounts, action=actions,
          key=keys, auto=st.booleans(), times=st.integers(0, 3))  # fmt: skip
    def send_the_same_bytes(self, who, kind, amount, action, key, auto, times):
        request = Request(kind, self.users[who], amount, action, key, GRANT if auto else None)
        now = self.stage.plain._executor.now_ms()
        if kind == "initialize":
            request = Request(kind, request.user, amount, "")
            command = commands.initialize(KeySpace(), request.user, amount, now_ms=now)
        else:
            build = commands.deduct if kind == "deduct" else commands.add
            command = build(KeySpace(), request.user, amount, action, None, idempotency_key=key,
                            sign_up=SignUp(request.grant), now_ms=now)  # fmt: skip
        sent = Sent(request, command, command.bind(now + 3_600_000), command.bind(now - 1))
        for _ in range(times):
            self._execute(sent, sent.call)
        return sent

    @rule(sent=sent)
    def send_the_same_bytes_much_later(self, sent):
        self._execute(sent, sent.call)

    @rule(sent=sent)
    def send_them_past_their_deadline(self, sent):
        self._execute(sent, sent.late, late=True)

    @rule(sent=sent)
    def ask_for_the_witness(self, sent):
        before = self.stage.contents(sent.request.user)
        (reply,) = self.stage.plain._backend.execute((sent.command.witness,), 5.0)
        account = self.ledger[sent.request.user]
        happened = account.find(sent.command.tx_id) or sent.request.key in account.records
        assert (reply[0] != "absent") == bool(happened)
        assert self.stage.contents(sent.request.user) == before

    @rule(who=whos)
    def touch_past_the_deadline(self, who):
        command = commands.balance(KeySpace(), self.users[who], sign_up=SignUp(GRANT), now_ms=1)
        (reply,) = self.stage.plain._backend.execute((command.bind(1),), 5.0)
        assert reply[0] == "late"

    # --- what TypeScript apps do

    @rule(who=whos, kind=kinds, amount=st.integers(1, 200), skew=skews, metadata=metadatas)
    def write_from_typescript(self, who, kind, amount, skew, metadata):
        user = self.users[who]
        balance = self.ledger[user].balance or 0
        signed = amount if kind == "add" else -amount
        if balance + signed > MOST:
            return
        try:
            result = self.stage.typescript(kind, user, amount, "ts", metadata, skew_ms=skew)
        except typescript.InsufficientCreditsError:
            assert balance < amount
            return
        self.ledger.foreign(user, signed, "ts", result.tx_id)
        assert result.balance == self.ledger[user].balance

    @rule(who=whos, amount=st.integers(0, 200), skew=skews)
    def sign_up_from_typescript(self, who, amount, skew):
        result = self.stage.typescript("initialize_user", self.users[who], amount, skew_ms=skew)
        self.ledger.foreign_initialize(self.users[who], amount, result.tx_id)

    @rule(who=whos)
    def verify_and_rebuild_from_typescript(self, who):
        user = self.users[who]
        assert self.stage.typescript("verify_balance", user).valid
        if self.ledger[user].balance is not None:
            assert self.stage.typescript("rebuild_balance", user) == self.ledger[user].balance

    @rule(who=whos, amount=st.integers(0, 500))
    def find_a_balance_without_a_log(self, who, amount):
        user = self.users[who]
        if self.ledger[user].balance is not None:
            return
        self.stage.raw.set(f"balance:{user}", amount)
        self.ledger[user].balance = amount
        self.initialize(who, 100)
        if amount:
            with pytest.raises(AccountStateError) as refusal:
                self.stage.plain.rebuild_balance(user)
            assert refusal.value.state == "missing_log"
        self._perform(Request("deduct", user, amount + 1, "too much", None, GRANT), None)
        assert self.stage.look(user).log == []
        self._perform(Request("add", user, 3, "opens the log", None, GRANT), None)

    # --- what goes wrong, and its repair

    @rule(who=whos, by=st.integers(-(2**53), 2**53), how=st.sampled_from(["python", "ts", "all"]))
    def drift(self, who, by, how):
        user, account = self.users[who], self.ledger[self.users[who]]
        if not account.log or by == 0:
            return
        self.stage.raw.incrby(f"balance:{user}", by)
        found = self.stage.plain.verify_balance(user)
        sum_ = account.balance
        assert (found.valid, found.cached, found.calculated) == (False, sum_ + by, sum_)
        assert found.difference == by
        self._repair(user, how)

    @rule(who=whos, how=st.sampled_from(["python", "ts", "all"]))
    def lose_the_balance(self, who, how):
        user = self.users[who]
        if not self.ledger[user].log:
            return
        self.stage.raw.delete(f"balance:{user}")
        assert self.stage.plain.verify_balance(user).cached is None
        for act in (self.stage.auto.get_balance, lambda user: self.stage.auto.add(user, 1, "x")):
            with pytest.raises(AccountStateError) as refusal:
                act(user)
            assert refusal.value.state == "missing_balance"
        self._repair(user, how)

    def _repair(self, user: str, how: str) -> None:
        if how == "python":
            assert self.stage.plain.rebuild_balance(user) == self.ledger[user].balance
        elif how == "ts":
            assert self.stage.typescript("rebuild_balance", user) == self.ledger[user].balance
        else:
            report = self.stage.plain.reconcile([user, self.bystander])
            assert (report.total, report.verified, report.fixed, report.errors) == (2, 1, 1, 0)

    # --- what must hold after every step

    @invariant()
    def balance_and_log_are_the_ledgers(self):
        for user in self.users:
            account, look = self.ledger[user], self.stage.look(user)
            entries = look.entries()
            balance = None if look.balance is None else int(look.balance)
            assert balance == account.balance
            assert (balance or 0) == sum(entry["amount"] for entry in entries) >= 0
            self._learn_ids(account, entries)
            seen = Counter((entry["id"], entry["amount"], entry["action"]) for entry in entries)
            assert seen == account.content()

    @invariant()
    def our_entries_stand_in_the_order_of_execution(self):
        for user in self.users:
            account, look = self.ledger[user], self.stage.look(user)
            ours = [entry.id for entry in account.log if entry.ours]
            found = zip(look.entries(), look.log, strict=True)
            scores = {entry["id"]: score for entry, (_, score) in found}
            assert [name for name in scores if name in set(ours)] == ours
            for entry in account.log:
                assert entry.at is None or entry.at == int(scores[entry.id])

    @invariant()
    def every_reader_agrees(self):
        for user in self.users:
            balance = self.ledger[user].balance or 0
            found = self.stage.plain.verify_balance(user)
            assert (found.valid, found.cached, found.calculated) == (True, balance, balance)
            newest = [entry["id"] for entry in reversed(self.stage.look(user).entries())]
            assert [entry.id for entry in self.stage.plain.iter_transactions(user)] == newest
            read = self.stage.plain.get_transactions(user, limit=7)
            assert [entry.id for entry in read] == newest[:7]

    @invariant()
    def nobody_else_is_touched(self):
        assert self.stage.contents(self.bystander) == self.before

    # --- how a step is done

    def _perform(self, request: Request, metadata: Any) -> None:
        client = self.stage.plain if request.grant is None else self.stage.auto
        asked = (request.user, request.amount, request.action, metadata)
        method = getattr(client, request.kind)
        self._expect(request, observe(lambda: method(*asked, idempotency_key=request.key)))

    def _execute(self, sent: Sent, call: Call, *, late: bool = False) -> None:
        (reply,) = self.stage.plain._backend.execute((call,), 5.0)
        seen = ("late",) if reply[0] == "late" else observe(lambda: sent.command.decode(reply))
        self._expect(sent.request, seen, tx_id=sent.command.tx_id, late=late)

    def _expect(
        self, request: Request, seen: Outcome, *, tx_id: str | None = None, late: bool = False
    ) -> None:
        told, at = (seen[1], seen[-1]) if seen[0] == "receipt" else (None, None)
        resent = tx_id is not None
        assert seen == self.ledger.execute(request, tx_id or told, at, resent=resent, late=late)

    def _learn_ids(self, account: Any, entries: list[dict[str, Any]]) -> None:
        told = {entry.id for entry in account.log}
        news = {(entry["amount"], entry["action"]): entry["id"] for entry in entries
                if entry["id"] not in told}  # fmt: skip
        for entry in account.log:
            entry.id = entry.id or news.get((entry.amount, entry.action))
