"""The ledger as a page of plain Python: what every account must hold, and every call answer.

It shares no code with the library. An outcome is a tuple that begins with its kind, so that
what the library did and what it should have done compare with `==`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST = 2**53 - 1
SIGN_UP = "user_initialized"
OPENING = "opening_balance"

Outcome = tuple


@dataclass
class Entry:
    """One entry of a log; an id that nobody was told (None) is learned from the store."""

    id: str | None
    amount: int
    action: str
    at: int | None = None
    ours: bool = True


@dataclass
class Account:
    """What an account holds; `balance` is None where there is none."""

    balance: int | None = None
    log: list[Entry] = field(default_factory=list)
    signed_up: bool = False
    records: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def post(self, entry: Entry) -> None:
        assert self.find(entry.id) is None
        self.balance = (self.balance or 0) + entry.amount
        self.log.append(entry)
        assert self.balance >= 0

    def find(self, tx_id: str | None) -> Entry | None:
        return next((entry for entry in self.log if tx_id and entry.id == tx_id), None)

    def content(self) -> Counter:
        return Counter((entry.id, entry.amount, entry.action) for entry in self.log)


@dataclass(frozen=True)
class Request:
    """A charge (negative), an addition (positive) or a sign-up, as one call asks for it.

    `grant` is what a first touch gives, for apps that sign up at the first touch.
    """

    kind: str
    user: str
    amount: int
    action: str
    key: str | None = None
    grant: int | None = None

    @property
    def fingerprint(self) -> str:
        return f"{self.kind} {self.amount} {self.action}"


class Ledger:
    """All accounts."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}

    def __getitem__(self, user: str) -> Account:
        return self.accounts.setdefault(user, Account())

    def execute(
        self,
        request: Request,
        tx_id: str | None,
        at: int | None,
        *,
        resent: bool = False,
        late: bool = False,
    ) -> Outcome:
        """What the call answers; `tx_id` and `at` are those that it has if it happens.

        Calls that are `resent` may have happened before with the very same bytes.
        """
        account = self[request.user]
        before = account.find(tx_id) if resent else None
        if before is not None:
            return self._receipt(request, tx_id, before.at)
        if request.key in account.records:
            fingerprint, first, first_at = account.records[request.key]
            if fingerprint != request.fingerprint:
                return ("conflict", first)
            return self._receipt(request, first, first_at, replayed=True)
        if late:
            return ("late",)
        if request.kind == "initialize":
            return self._initialize(request, tx_id, at)
        return self._write(account, request, tx_id, at)

    def _write(
        self, account: Account, request: Request, tx_id: str | None, at: int | None
    ) -> Outcome:
        # A balance without a log is entered as what it opens with; it counts as signed up.
        opens = account.balance is not None and not account.log
        if not opens:
            self._first_touch(account, request.grant)
        balance = account.balance or 0
        signed = request.amount if request.kind == "add" else -request.amount
        if balance + signed < 0:
            return ("insufficient", request.amount, balance)
        if balance + signed > MOST:
            return ("limit", "max_balance")
        if opens:
            account.log.append(Entry(None, balance, OPENING))
        account.signed_up = account.signed_up or opens or request.grant is not None
        account.post(Entry(tx_id, signed, request.action, at))
        if request.key is not None:
            account.records[request.key] = (request.fingerprint, tx_id or "", at or 0)
        return self._receipt(request, tx_id, at)

    def touch(self, user: str, grant: int | None, *, late: bool = False) -> Outcome:
        """Reading a balance; apps may sign up by it."""
        if grant is not None and late:
            return ("late",)
        account = self[user]
        if account.balance is None or account.log:
            self._first_touch(account, grant)
        return ("balance", account.balance or 0)

    def foreign_initialize(self, user: str, amount: int, tx_id: str) -> None:
        """A sign-up by the TypeScript SDK: the one who has a balance has signed up."""
        account = self[user]
        if account.balance is None:
            account.signed_up = True
            account.post(Entry(tx_id, amount, SIGN_UP, ours=False))

    def foreign(self, user: str, amount: int, action: str, tx_id: str) -> None:
        """A charge or an addition by the TypeScript SDK."""
        self[user].post(Entry(tx_id, amount, action, ours=False))

    def delete(self, user: str) -> bool:
        return self.accounts.pop(user, Account()).balance is not None

    def _initialize(self, request: Request, tx_id: str | None, at: int | None) -> Outcome:
        account = self[request.user]
        balance = account.balance or 0
        if account.signed_up or (account.balance is not None and not account.log):
            return ("receipt", "already_initialized", 0, balance, False, False, None)
        if balance + request.amount > MOST:
            return ("limit", "max_balance")
        account.signed_up = True
        account.post(Entry(tx_id, request.amount, SIGN_UP, at))
        return self._receipt(request, tx_id, at)

    def _first_touch(self, account: Account, grant: int | None) -> None:
        if grant is None or account.signed_up:
            return
        if (account.balance or 0) + grant <= MOST:
            account.signed_up = True
            account.post(Entry(None, grant, SIGN_UP))

    def _receipt(
        self, request: Request, tx_id: str | None, at: int | None, *, replayed: bool = False
    ) -> Outcome:
        balance = self[request.user].balance
        return ("receipt", tx_id, request.amount, balance, True, replayed, at)
