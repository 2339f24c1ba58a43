"""`Credits`, the client for sync code. `AsyncCredits` is its twin, method for method."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from credits_core import commands, cursors, validation
from credits_core._client import DEFAULT_CREDITS, DEFAULT_TIMEOUT, Settings, check_timeout
from credits_core.config import from_environment, open_backend
from credits_core.delivery import TRY_SHARE, resolve, understood
from credits_core.errors import AccountStateError
from credits_core.executor import Executor
from credits_core.models import AccountExport, BalanceVerification, Receipt, ReconcileReport
from credits_core.operations.accounts import Accounts
from credits_core.operations.allowances import Allowances
from credits_core.operations.collections import Collections
from credits_core.operations.history import History
from credits_core.operations.holds import Holds
from credits_core.operations.many import Many
from credits_core.operations.payments import Payments
from credits_core.operations.repricing import PastPrices
from credits_core.operations.requests import Requests
from credits_core.operations.returns import Returns
from credits_core.operations.sweeps import Sweeps
from credits_core.operations.transfers import Transfers
from credits_core.plans.reconcile import GROUP, reconcile_group
from credits_core.plans.verify import rebuild, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta
    from types import TracebackType
    from typing import Self

    from credits_core.backends import Backend
    from credits_core.errors import OutcomeUnknownError
    from credits_core.models import Account, Transaction


class Credits(
    Accounts,
    Allowances,
    Collections,
    History,
    Holds,
    Many,
    PastPrices,
    Payments,
    Requests,
    Returns,
    Sweeps,
    Transfers,
):
    """Prepaid credits of any number of users, in one store. Threads may share a client.

    Credits are whole numbers, 1 to 10^15 an operation. User ids are 1 to 256 bytes of
    text without blank edges or control characters.

    Every method may raise `InvalidRequestError` (an argument is wrong), `AccountStateError`
    (what the store holds is no account), `BackendUnavailableError` (the store is away,
    nothing was executed) and, if it writes, `OutcomeUnknownError` (sent, not answered).

    >>> credits = Credits.from_url("memory://", default_credits=100)
    >>> credits.initialize_user("alice").balance
    100
    >>> credits.deduct("alice", 10, "chat_message").balance
    90
    """

    def __init__(
        self,
        backend: Backend,
        *,
        default_credits: int = DEFAULT_CREDITS,
        auto_initialize: bool = False,
        prefix: str = "",
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """Use a backend.

        `default_credits` is what a sign-up gives; with `auto_initialize` a user's first
        charge, addition or balance signs the user up. `prefix` goes before every key name.
        `timeout` is how many seconds a call may take in all, above 0 and at most 60.
        """
        settings = Settings(
            backend,
            method="close",
            default_credits=default_credits,
            auto_initialize=auto_initialize,
            prefix=prefix,
            timeout=timeout,
        )
        self._backend = backend
        self._keys = settings.keys
        self._default_credits = settings.default_credits
        self._sign_up = settings.sign_up
        self._executor = Executor(backend, timeout=settings.timeout, braces=backend.braces)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        token: str | None = None,
        default_credits: int = DEFAULT_CREDITS,
        auto_initialize: bool = False,
        prefix: str = "",
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Self:
        """Open a store by its URL; nothing is sent before the first call.

        `redis://` `rediss://` `unix://` `redis+sentinel://` `redis+cluster://` for Redis,
        Valkey and kin; `https://` with its `token` for Upstash REST; `memory://` for a
        store in this process (`memory://name` is shared in it).

        >>> Credits.from_url("memory://").get_balance("nobody")
        0
        """
        backend = open_backend(url, token=token, timeout=TRY_SHARE * check_timeout(timeout))
        return cls(
            backend,
            default_credits=default_credits,
            auto_initialize=auto_initialize,
            prefix=prefix,
            timeout=timeout,
        )

    @classmethod
    def from_env(
        cls,
        *,
        default_credits: int = DEFAULT_CREDITS,
        auto_initialize: bool = False,
        prefix: str = "",
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Self:
        """Open the store that the environment names.

        The first that is set of CREDITS_URL (with CREDITS_TOKEN), UPSTASH_REDIS_REST_URL
        (with UPSTASH_REDIS_REST_TOKEN), UPSTASH_REDIS_URL (with UPSTASH_REDIS_TOKEN) and
        REDIS_URL. Raises `InvalidRequestError` when none is.
        """
        url, token = from_environment()
        return cls.from_url(
            url,
            token=token,
            default_credits=default_credits,
            auto_initialize=auto_initialize,
            prefix=prefix,
            timeout=timeout,
        )

    def __enter__(self) -> Self:
        """Use the client in a `with` block that closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close what this client opened; a client that was handed in stays open."""
        self._executor.close()
        self._backend.close()

    def initialize_user(self, user_id: str, credits: int | None = None) -> Receipt:
        """Give a user the sign-up credits, once in the account's life.

        `credits` is 0 or more, by default the client's `default_credits`. Called again it
        changes nothing and answers `created=False`, `tx_id="already_initialized"`.

        >>> credits = Credits.from_url("memory://")
        >>> credits.initialize_user("alice", 50).created
        True
        >>> credits.initialize_user("alice", 50).created
        False
        """
        amount = self._default_credits if credits is None else credits
        now = self._executor.now_ms()
        return self._executor.run(commands.initialize(self._keys, user_id, amount, now_ms=now))

    def deduct(
        self,
        user_id: str,
        amount: int,
        action: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Take credits out of an account, if it has them.

        `action` says what for (1 to 64 characters); `metadata` is a JSON object of at most
        4 KB. With an `idempotency_key` (1 to 255 characters, kept for 30 days or more) the
        same call again answers the first receipt with `replayed=True`.

        Raises `InsufficientCreditsError`, `LimitExceededError` (rule `"frozen"`) when the account
        is frozen, and `IdempotencyConflictError` when the key was used for something else.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> credits.deduct("alice", 10, "chat_message", {"model": "small"}).balance
        90
        >>> credits.deduct("alice", 300, "video")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        credits_core.errors.InsufficientCreditsError: 'alice' can spend 90 credits and this...
        """
        return self._executor.run(
            commands.deduct(
                self._keys,
                user_id,
                amount,
                action,
                metadata,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.now_ms(),
            )
        )

    def add(
        self,
        user_id: str,
        amount: int,
        action: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        expires_in: float | timedelta | None = None,
        expires_at: int | datetime | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Put credits into an account: a purchase, a grant, a correction.

        Give a payment its own id as `idempotency_key`, which is kept for ever: announced
        twice it is credited once.

        Credits that expire are given `expires_in` (seconds or a timedelta) or `expires_at`
        (ms since the epoch or an aware datetime), and are spent before the others: of lower
        `priority` first (-1000 to 1000), then what expires first. An account has at most
        1,000 such grants that have not expired.

        `action` and `metadata` are those of `deduct`. Raises `LimitExceededError` when the balance
        would pass 2^53-1 or there are too many grants, `IdempotencyConflictError` when the key
        was used for something else, and `InvalidRequestError` when the credits would have
        expired already.

        >>> credits = Credits.from_url("memory://")
        >>> credits.add("alice", 500, "purchase", idempotency_key="pay_1").balance
        500
        >>> credits.add("alice", 500, "purchase", idempotency_key="pay_1").replayed
        True
        """
        return self._executor.run(
            commands.add(
                self._keys,
                user_id,
                amount,
                action,
                metadata,
                expires_in=expires_in,
                expires_at=expires_at,
                priority=priority,
                idempotency_key=idempotency_key,
                sign_up=self._sign_up,
                now_ms=self._executor.now_ms(),
            )
        )

    def get_balance(self, user_id: str) -> int:
        """The credits that a user has, below zero where some are owed; 0 for an unknown user.

        What open holds have set aside is not in it. What fell due, such as credits that expired,
        is applied first. Where there is a floor, or a freeze, `get_account` says in `available`
        what can be spent.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> held = credits.hold("alice", 30, "video")
        >>> credits.get_balance("alice")
        70
        """
        now = self._executor.now_ms()
        return self._executor.run(
            commands.balance(self._keys, user_id, sign_up=self._sign_up, now_ms=now)
        )

    def has_credits(self, user_id: str, amount: int) -> bool:
        """Whether a user could pay `amount` now. To charge, just `deduct`: it checks itself.

        `amount` is 1 to 10^15. Floor and freeze count.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> credits.has_credits("alice", 100), credits.has_credits("alice", 101)
        (True, False)
        """
        amount = validation.amount(amount)
        now = self._executor.now_ms()
        command = commands.balance(
            self._keys, user_id, sign_up=self._sign_up, now_ms=now, available=True
        )
        return self._executor.run(command) >= amount

    def get_transactions(
        self,
        user_id: str,
        *,
        limit: int = 50,
        start_time: int | datetime | None = None,
        end_time: int | datetime | None = None,
    ) -> list[Transaction]:
        """The newest transactions first, 1 to 1000 of them.

        `start_time` and `end_time` are inclusive: ms since the epoch or aware datetimes.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> receipt = credits.deduct("alice", 10, "chat_message")
        >>> [(entry.amount, entry.action) for entry in credits.get_transactions("alice")]
        [(-10, 'chat_message'), (100, 'user_initialized')]
        """
        return self._executor.run_plan(
            cursors.newest(
                self._keys, user_id, limit=limit, start_time=start_time, end_time=end_time
            )
        )

    def iter_transactions(
        self,
        user_id: str,
        *,
        start_time: int | datetime | None = None,
        end_time: int | datetime | None = None,
    ) -> Iterator[Transaction]:
        """All transactions, newest first, however many; a page of them in memory at a time.

        `start_time` and `end_time` are inclusive: ms since the epoch or aware datetimes.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> for amount in (1, 2, 3):
        ...     _ = credits.deduct("alice", amount, "chat_message")
        >>> [entry.amount for entry in credits.iter_transactions("alice")]
        [-3, -2, -1, 100]
        """
        cursor = cursors.LogCursor(self._keys, user_id, start_time=start_time, end_time=end_time)
        return cursors.walk(self._executor, cursor)

    def verify_balance(self, user_id: str) -> BalanceVerification:
        """Compare the stored balance with the sum of the log, right while others write.

        >>> Credits.from_url("memory://", auto_initialize=True).verify_balance("alice").valid
        True
        """
        return self._executor.run_plan(verify(self._keys, user_id))

    def rebuild_balance(self, user_id: str) -> int:
        """Set the stored balance to the sum of the log and answer it.

        Safe amid writers and beside another repair. Raises `AccountStateError` when there
        is a balance without a log to rebuild it from.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> credits.initialize_user("alice", 50).balance, credits.rebuild_balance("alice")
        (50, 50)
        """
        return self._executor.run_plan(rebuild(self._keys, user_id))

    def users(self) -> Iterator[str]:
        """The ids of all users that have an account, in no order, each once.

        It walks the keys of the whole store; memory grows with the number of users.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> _ = [credits.initialize_user(user) for user in ("alice", "bob")]
        >>> sorted(credits.users())
        ['alice', 'bob']
        """
        return cursors.walk(self._executor, cursors.UserCursor(self._keys))

    def reconcile(
        self,
        users: Iterable[str] | None = None,
        repair: bool = True,
        *,
        on_progress: Callable[[ReconcileReport], object] | None = None,
    ) -> ReconcileReport:
        """Verify many accounts, by default all, and repair those that drifted.

        With `repair=False` an account that drifted counts as an error. What cannot be repaired is
        counted, told in the report's `problems`, and keeps no other account waiting.
        `on_progress` is called with the report so far, every few accounts.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> _ = [credits.initialize_user(user) for user in ("alice", "bob")]
        >>> report = credits.reconcile()
        >>> report.total, report.verified, report.fixed, report.errors
        (2, 2, 0, 0)
        """
        remaining = iter(self.users() if users is None else validation.users(users))
        report = ReconcileReport()
        while group := list(islice(remaining, GROUP)):
            plan = reconcile_group(self._keys, group, report, repair=repair)
            report = self._executor.run_plan(plan)
            if on_progress is not None:
                on_progress(report)
        return report

    def resolve(self, error: OutcomeUnknownError) -> Receipt | None:
        """Find out, finally, what became of an operation whose outcome was unknown.

        Answers its receipt, or None when it did not happen and never will. The receipt of a
        `hold` has the hold's id as `tx_id`, that of many items together the first id and
        the sum. Raises `BackendUnavailableError` while the store cannot be asked, and
        `InvalidRequestError` where nothing is to be found out because repeating is safe.
        """
        reply = self._executor.follow(resolve(error, self._executor))
        if reply is None:
            return None
        return understood(error.command.asked(), error.deadline_ms, reply)

    def export_account(self, user_id: str) -> AccountExport:
        """All that is stored of an account: its log, oldest first, balance, grants, holds, rules.

        What has fallen due is applied first. Where the account cannot be worked on, `account`
        is None; the balance is None, too, where none is stored that could be read.

        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> _ = credits.deduct("alice", 10, "chat_message")
        >>> export = credits.export_account("alice")
        >>> export.balance, [entry.amount for entry in export.transactions]
        (90, [100, -10])
        """
        account: Account | None = None
        balance: int | None = None
        try:
            account = self.get_account(user_id)
            balance = account.balance
        except AccountStateError:
            with suppress(AccountStateError):
                balance = self._executor.run(commands.stored_balance(self._keys, user_id))
        cursor = cursors.LogCursor(self._keys, user_id, order="oldest")
        entries = tuple(cursors.walk(self._executor, cursor))
        return AccountExport(user_id, balance, self._executor.now_ms(), entries, account)

    def delete_account(self, user_id: str) -> bool:
        """Forget a user: balance, log and all; answers whether there was anything.

        After a lost answer the second try may find nothing left, and answer False.
        A later sign-up of the same id starts afresh, with its credits.

        >>> credits = Credits.from_url("memory://")
        >>> _ = credits.initialize_user("alice")
        >>> credits.delete_account("alice"), credits.delete_account("alice")
        (True, False)
        """
        return self._executor.run(commands.delete(self._keys, user_id))
